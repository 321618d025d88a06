/* Uses bottom.c, and is linked without saying so. */
extern int bottom_made(void);
int undeclared_answer(void) { return bottom_made(); }
