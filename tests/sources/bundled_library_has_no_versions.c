// "no version information available" is a warning: ld.so takes the symbol nevertheless, if the library has a
// table of its symbols' versions at all. This one has, because it needs a version itself.
//! stub: libfake.so.1 FAKE_2: fake
//! build: cc -shared -fPIC {src} stubs/libfake.so.1 -Wl,-rpath,$ORIGIN -o core.so
//! build: cc -shared -fPIC -DFAKE {src} -Wl,-soname,libfake.so.1 -o libfake.so.1
//! member: {module} = core.so
//! member: demo/libfake.so.1 = libfake.so.1
//! expect: lowest = manylinux_2_5_x86_64
//! expect: need = libfake.so.1 FAKE_2 wheel
//! expect: finding = soname-not-unique info
//! loader: loads
#ifdef FAKE
#include <unistd.h>
int fake(void) { return getpid(); }
#else
extern int fake(void);
int answer(void) { return fake(); }
#endif
