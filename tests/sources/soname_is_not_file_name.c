// ld.so opens files by the name that is needed; that the file there calls itself so comes too late.
//! build: cc -shared -fPIC -DHELP {src} -Wl,-soname,libhelp.so.1 -o libhelp-1a2b3c4d.so
//! build: cc -shared -fPIC {src} ./libhelp-1a2b3c4d.so -Wl,-rpath,$ORIGIN -o core.so
//! member: {module} = core.so
//! member: demo/libhelp-1a2b3c4d.so = libhelp-1a2b3c4d.so
//! expect: lowest = linux_x86_64
//! expect: finding = unresolvable-bundled-library error
//! expect: library = libhelp.so.1 missing
//! loader: refuses: libhelp.so.1: cannot open shared object file
#ifdef HELP
int help(void) { return 42; }
#else
extern int help(void);
int answer(void) { return help(); }
#endif
