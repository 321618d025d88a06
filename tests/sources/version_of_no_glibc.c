//! stub: libc.so.6 GLIBC_2.99: future_call
//! build: cc -shared -fPIC -nostdlib {src} stubs/libc.so.6 -o core.so
//! member: {module} = core.so
//! expect: lowest = linux_x86_64
//! expect: need = libc.so.6 GLIBC_2.99
//! expect: finding = too-new-symbol-version error
//! loader: refuses: version `GLIBC_2.99' not found
extern int future_call(void);
int answer(void) { return future_call(); }
