/* Calls through a PLT, of functions that every glibc has had for ever. */
int atoi(const char *text);
int abs(int value);
int calls_answer(void) { return abs(atoi("-40")) + abs(-2); }
