/* Built long ago: asks for the first version of bottom.c's symbol, which is not the default. */
extern int bottom_value(void);
__asm__(".symver bottom_value, bottom_value@BOTTOM_1");
int old_answer(void) { return bottom_value(); }
