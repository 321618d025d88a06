// Without such a table ld.so does not refuse the file, but ends the process.
//! stub: libfake.so.1 FAKE_2: fake
//! build: cc -shared -fPIC {src} stubs/libfake.so.1 -Wl,-rpath,$ORIGIN -o core.so
//! build: cc -shared -fPIC -nostdlib -DFAKE {src} -Wl,-soname,libfake.so.1 -o libfake.so.1
//! member: {module} = core.so
//! member: demo/libfake.so.1 = libfake.so.1
//! expect: lowest = linux_x86_64
//! expect: need = libfake.so.1 FAKE_2 missing
//! expect: finding = unresolvable-bundled-library error
//! expect: finding = soname-not-unique info
//! loader: refuses: Inconsistency detected by ld.so
#ifdef FAKE
int fake(void) { return 42; }
#else
extern int fake(void);
int answer(void) { return fake(); }
#endif
