// 32-bit code without -fPIC has its data's addresses in the code, as on the distributions of old.
//! try: cc -m32 -shared -fPIC -nostdlib -x c /dev/null -o empty.so
//! build: cc -m32 -shared -nostdlib -fno-pic -Wl,-z,notext {src} -o core.so
//! tags: cp312-cp312-manylinux_2_28_i686
//! member: demo/_core.cpython-312-i386-linux-gnu.so = core.so
//! expect: lowest = manylinux_2_5_i686
//! expect: finding = text-relocations warning
int counter;
int answer(void) { return ++counter; }
