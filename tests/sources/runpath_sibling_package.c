// The library is in another top-level folder of the wheel, by way of the folder of all packages.
//! build: cc -shared -fPIC -DHELP {src} -Wl,-soname,libhelp-1a2b3c4d.so -o libhelp-1a2b3c4d.so
//! build: cc -shared -fPIC {src} libhelp-1a2b3c4d.so -Wl,-rpath,${ORIGIN}/../../demo.libs/./deep/.. -o core.so
//! member: demo/sub/_core.cpython-312-x86_64-linux-gnu.so = core.so
//! member: demo.libs/libhelp-1a2b3c4d.so = libhelp-1a2b3c4d.so
//! member: demo.libs/deep/data.txt = {src}
//! expect: lowest = manylinux_2_5_x86_64
//! expect: library = libhelp-1a2b3c4d.so demo.libs/libhelp-1a2b3c4d.so
//! loader: loads
#ifdef HELP
int help(void) { return 42; }
#else
extern int help(void);
int answer(void) { return help(); }
#endif
