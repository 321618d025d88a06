// It works after `import demo._core`, and not alone: what is needed must be found whatever comes first.
//! build: cc -shared -fPIC -DHELP {src} -Wl,-soname,libhelp-1a2b3c4d.so -o libhelp-1a2b3c4d.so
//! build: cc -shared -fPIC {src} libhelp-1a2b3c4d.so -o bare.so
//! build: cc -shared -fPIC {src} libhelp-1a2b3c4d.so -Wl,-rpath,$ORIGIN/../demo.libs -o core.so
//! member: demo/_bare.cpython-312-x86_64-linux-gnu.so = bare.so
//! member: demo/_core.cpython-312-x86_64-linux-gnu.so = core.so
//! member: demo.libs/libhelp-1a2b3c4d.so = libhelp-1a2b3c4d.so
//! expect: lowest = linux_x86_64
//! expect: finding = unresolvable-bundled-library error
//! loader: refuses: libhelp-1a2b3c4d.so: cannot open shared object file
#ifdef HELP
int help(void) { return 42; }
#else
extern int help(void);
int answer(void) { return help(); }
#endif
