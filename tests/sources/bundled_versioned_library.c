// A library of the wheel may define whatever versions it likes.
//! stub: libfake.so.1 GLIBC_9.9: fake
//! build: cc -shared -fPIC {src} stubs/libfake.so.1 -Wl,-rpath,$ORIGIN -o core.so
//! member: {module} = core.so
//! member: demo/libfake.so.1 = stubs/libfake.so.1
//! expect: lowest = manylinux_2_5_x86_64
//! expect: need = libfake.so.1 GLIBC_9.9 wheel
//! expect: library = libfake.so.1 demo/libfake.so.1
//! expect: finding = soname-not-unique info
//! loader: loads
extern int fake(void);
int answer(void) { return fake(); }
