int far_answer(void) { return 41; }
