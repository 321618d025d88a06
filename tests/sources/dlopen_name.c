//! stub: libc.so.6 GLIBC_2.2.5: dlopen
//! build: cc -shared -fPIC -nostdlib {src} stubs/libc.so.6 -o core.so
//! member: {module} = core.so
//! expect: lowest = manylinux_2_5_x86_64
//! expect: finding = library-loaded-by-name info
extern void *dlopen(const char *, int);
void *answer(void) { return dlopen("libplugin.so.3", 2); }
