// A weak symbol is not a weak version: ld.so checks versions first, and refuses.
//! stub: libc.so.6 GLIBC_2.2.5: abs
//! stub: libc.so.6 GLIBC_2.99: future_call
//! build: cc -shared -fPIC -nostdlib -fno-builtin {src} stubs/libc.so.6 -o core.so
//! version: core.so GLIBC_2.99 strong
//! member: {module} = core.so
//! expect: lowest = linux_x86_64
//! expect: finding = too-new-symbol-version error
//! loader: refuses: version `GLIBC_2.99' not found
extern int abs(int);
extern int future_call(void) __attribute__((weak));
int answer(void) { return future_call ? future_call() : abs(-42); }
