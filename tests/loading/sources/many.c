/* Functions that do not call each other, only what the library keeps to itself. */
static int helper(int value) { return value * 10 + 1; }
int kept(void) { return helper(4); }
int dropped(void) { return helper(5); }
int last(void) { return helper(6); }
