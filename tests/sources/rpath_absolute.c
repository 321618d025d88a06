//! build: cc -shared -fPIC -DHELP {src} -Wl,-soname,libhelp-1a2b3c4d.so -o libhelp-1a2b3c4d.so
//! build: cc -shared -fPIC {src} libhelp-1a2b3c4d.so -Wl,-rpath,/nonexistent/build/lib -o core.so
//! member: {module} = core.so
//! member: demo.libs/libhelp-1a2b3c4d.so = libhelp-1a2b3c4d.so
//! expect: lowest = linux_x86_64
//! expect: finding = rpath-outside-wheel warning
//! expect: finding = unresolvable-bundled-library error
//! expect: library = libhelp-1a2b3c4d.so missing
//! loader: refuses: libhelp-1a2b3c4d.so: cannot open shared object file
#ifdef HELP
int help(void) { return 42; }
#else
extern int help(void);
int answer(void) { return help(); }
#endif
