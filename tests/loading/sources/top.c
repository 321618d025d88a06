/* As an extension module: nothing but functions, needs the middle library, which needs the bottom one. */
extern int middle_sum(void);
extern const char *middle_word(void), *middle_other_word(void);

int answer(void) { return middle_sum(); }
const char *word(void) { return middle_word(); }
const char *other_word(void) { return middle_other_word(); }
