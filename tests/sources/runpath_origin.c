//! build: cc -shared -fPIC -DHELP {src} -Wl,-soname,libhelp-1a2b3c4d.so -o libhelp-1a2b3c4d.so
//! build: cc -shared -fPIC {src} libhelp-1a2b3c4d.so -Wl,--enable-new-dtags,-rpath,$ORIGIN/../demo.libs -o core.so
//! member: {module} = core.so
//! member: demo.libs/libhelp-1a2b3c4d.so = libhelp-1a2b3c4d.so
//! expect: lowest = manylinux_2_5_x86_64
//! expect: library = libhelp-1a2b3c4d.so demo.libs/libhelp-1a2b3c4d.so
//! loader: loads
#ifdef HELP
int help(void) { return 42; }
#else
extern int help(void);
int answer(void) { return help(); }
#endif
