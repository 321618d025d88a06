// A library without soname is needed by the path that it was linked by: relative to wherever the process runs.
//! build: cc -shared -fPIC -DHELP {src} -o sub/libhelp.so
//! build: cc -shared -fPIC {src} sub/libhelp.so -Wl,-rpath,$ORIGIN -o core.so
//! member: {module} = core.so
//! member: demo/libhelp.so = sub/libhelp.so
//! expect: lowest = linux_x86_64
//! expect: finding = library-not-provided error
//! expect: library = sub/libhelp.so missing
//! loader: refuses: sub/libhelp.so: cannot open shared object file
#ifdef HELP
int help(void) { return 42; }
#else
extern int help(void);
int answer(void) { return help(); }
#endif
