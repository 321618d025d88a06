/* Works with and without bottom.c: weak references, with a version each. */
extern int bottom_value(void) __attribute__((weak));
extern int bottom_made(void) __attribute__((weak));
int weak_answer(void) { return bottom_value && bottom_made ? bottom_value() : -1; }
