//! stub: libnobodyhasthis.so.7 -: help
//! build: cc -shared -fPIC {src} stubs/libnobodyhasthis.so.7 -o core.so
//! member: {module} = core.so
//! expect: lowest = linux_x86_64
//! expect: finding = library-not-provided error
//! expect: library = libnobodyhasthis.so.7 missing
//! loader: refuses: libnobodyhasthis.so.7: cannot open shared object file
extern int help(void);
int answer(void) { return help(); }
