// Needed from ld-linux, which is a library like any other.
//! stub: ld-linux-x86-64.so.2 GLIBC_2.35: __rseq_size
//! build: cc -shared -fPIC -nostdlib {src} stubs/ld-linux-x86-64.so.2 -o core.so
//! tags: cp312-cp312-manylinux_2_35_x86_64
//! member: {module} = core.so
//! expect: lowest = manylinux_2_35_x86_64
//! expect: need = ld-linux-x86-64.so.2 GLIBC_2.35
//! loader: loads from 2.35: GLIBC_2.35
extern const unsigned __rseq_size;
unsigned answer(void) { return __rseq_size; }
