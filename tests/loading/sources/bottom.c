/* What a loader has to do to a library: bind two versions of a symbol, lay out thread-local storage, relocate
   pointers in data, run constructors, ask a resolver (IFUNC, which musl does not have). */

__thread int bottom_local = 7;
static __thread int hidden_local = 11; /* local-dynamic: no symbol */
static int made;

__attribute__((constructor)) static void make(void) { made = 1000; }

__attribute__((used)) int bottom_first(void) { return 1; }
__attribute__((used)) int bottom_second(void) { return 2; }
__asm__(".symver bottom_first, bottom_value@BOTTOM_1");
__asm__(".symver bottom_second, bottom_value@@BOTTOM_2");

int bottom_made(void) { return made; }
int *bottom_hidden_local(void) { return &hidden_local; }

static const char *const words[] = {"alpha", "beta", "gamma", "delta"};
static const char *const *const tables[] = {words, words + 2};
const char *bottom_word(int which) { return tables[which / 2][which % 2]; }

int bottom_secret(void) { return 50; }
int bottom_public(void) { return bottom_secret() + 1; } /* through the PLT: the symbol is visible */

#ifdef WITH_IFUNC
static int chosen(void) { return 30000; }
static int (*choose(void))(void) { return chosen; }
int bottom_chosen(void) __attribute__((ifunc("choose")));
#else
int bottom_chosen(void) { return 30000; }
#endif
