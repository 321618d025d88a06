//! build: cc -shared -fPIC -ftls-model=global-dynamic {src} -o core.so
//! member: {module} = core.so
//! expect: lowest = manylinux_2_5_x86_64
//! expect: need = ld-linux-x86-64.so.2 GLIBC_2.3
//! loader: loads
__thread int counter;
int answer(void) { return ++counter; }
