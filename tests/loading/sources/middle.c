/* Uses all of bottom.c: 30000 + 1000 + 11 + 7 + 2, from its newest version. */
extern __thread int bottom_local;
extern int bottom_value(void), bottom_made(void), bottom_chosen(void), *bottom_hidden_local(void);
extern const char *bottom_word(int);

int middle_sum(void) { return bottom_chosen() + bottom_made() + *bottom_hidden_local() + bottom_local + bottom_value(); }
const char *middle_word(void) { return bottom_word(3); }

/* A pointer to another library's function, in data. */
static const char *(*const words)(int) = bottom_word;
const char *middle_other_word(void) { return words(1); }
