// CPython opens modules with RTLD_NOW; the name is in no library of the process.
//! build: cc -shared -fPIC {src} -o core.so
//! member: {module} = core.so
//! expect: lowest = manylinux_2_5_x86_64
//! expect: finding = unresolved-symbol warning
//! loader: refuses: undefined symbol: nobody_has_this
extern int nobody_has_this(void);
void *PyInit__core(void) { return 0; }
int answer(void) { return nobody_has_this(); }
