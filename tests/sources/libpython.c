// A version that does not exist yet, so that no machine has it.
//! stub: libpython3.99.so.1.0 -: PyLong_FromLong
//! build: cc -shared -fPIC {src} stubs/libpython3.99.so.1.0 -o core.so
//! member: {module} = core.so
//! expect: lowest = linux_x86_64
//! expect: finding = links-libpython error
//! expect: library = libpython3.99.so.1.0 missing
//! loader: refuses: libpython3.99.so.1.0: cannot open shared object file
extern void *PyLong_FromLong(long);
void *answer(void) { return PyLong_FromLong(42); }
