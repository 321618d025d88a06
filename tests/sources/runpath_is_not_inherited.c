// DT_RUNPATH serves the module alone: its library has no way to the next one.
//! build: cc -shared -fPIC -DDEEP {src} -Wl,-soname,libdeep-1a2b3c4d.so -o libdeep-1a2b3c4d.so
//! build: cc -shared -fPIC -DHELP {src} libdeep-1a2b3c4d.so -Wl,-soname,libhelp-1a2b3c4d.so -o libhelp-1a2b3c4d.so
//! build: cc -shared -fPIC {src} libhelp-1a2b3c4d.so -Wl,--enable-new-dtags,--allow-shlib-undefined,-rpath,$ORIGIN/../demo.libs -o core.so
//! member: {module} = core.so
//! member: demo.libs/libhelp-1a2b3c4d.so = libhelp-1a2b3c4d.so
//! member: demo.libs/libdeep-1a2b3c4d.so = libdeep-1a2b3c4d.so
//! expect: library = libhelp-1a2b3c4d.so demo.libs/libhelp-1a2b3c4d.so
//! expect: lowest = linux_x86_64
//! expect: finding = unresolvable-bundled-library error
//! expect: library = libdeep-1a2b3c4d.so missing
//! loader: refuses: libdeep-1a2b3c4d.so: cannot open shared object file
#if defined(DEEP)
int deep(void) { return 42; }
#elif defined(HELP)
extern int deep(void);
int help(void) { return deep(); }
#else
extern int help(void);
int answer(void) { return help(); }
#endif
