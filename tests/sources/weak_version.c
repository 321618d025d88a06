// The stub's GLIBC_2.99 is what the module wants, weakly: ld.so goes on without it.
//! stub: libc.so.6 GLIBC_2.2.5: abs
//! stub: libc.so.6 GLIBC_2.99: future_call
//! build: cc -shared -fPIC -nostdlib -fno-builtin {src} stubs/libc.so.6 -o core.so
//! version: core.so GLIBC_2.99 weak
//! member: {module} = core.so
//! expect: lowest = manylinux_2_5_x86_64
//! expect: need = libc.so.6 GLIBC_2.99 weak
//! loader: loads
extern int abs(int);
extern int future_call(void) __attribute__((weak));
int answer(void) { return future_call ? future_call() : abs(-42); }
