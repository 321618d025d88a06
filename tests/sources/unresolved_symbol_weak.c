// What is weak may be missing, and what the module exports itself is found in it.
//! build: cc -shared -fPIC {src} -o core.so
//! member: {module} = core.so
//! expect: lowest = manylinux_2_5_x86_64
//! loader: loads
extern int nobody_has_this(void) __attribute__((weak));
void *PyInit__core(void) { return 0; }
int answer(void) { return nobody_has_this ? nobody_has_this() : 42; }
