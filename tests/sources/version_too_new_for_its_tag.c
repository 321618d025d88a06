//! stub: libc.so.6 GLIBC_2.42: pthread_gettid_np
//! build: cc -shared -fPIC -nostdlib {src} stubs/libc.so.6 -o core.so
//! tags: cp312-cp312-manylinux2014_x86_64.manylinux_2_17_x86_64
//! member: {module} = core.so
//! expect: lowest = manylinux_2_42_x86_64
//! expect: finding = too-new-symbol-version error
//! loader: loads from 2.42: version `GLIBC_2.42' not found
extern int pthread_gettid_np(unsigned long);
int answer(void) { return pthread_gettid_np(0); }
