/* Pointers in data, each of which a relative relocation makes right: near each other and far apart, as DT_RELR
   has two ways to say where. */

static int one = 1, two = 20, three = 300, four = 4000;

static int *volatile table[] = {&one, &two, &three, &four};
static int *volatile many[150] = {[0 ... 149] = &one}; /* more than one bitmap */
static char gap[4096] = "gap";
static int *volatile far_away = &four;
static char *volatile text = gap;

extern int puts(const char *);
int (*volatile function)(const char *) = puts; /* a relocation that is not relative */

int pointers_sum(void) {
    int sum = 0;
    for (int i = 0; i < 4; i++)
        sum += *table[i];
    for (int i = 0; i < 150; i++)
        sum += *many[i];
    return sum + *far_away + (text[0] == 'g') + (function == puts);
}
