extern int far_answer(void);

int near_answer(void) { return far_answer() + 1; }
