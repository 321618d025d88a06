// What every C++ module needs: libstdc++, libgcc_s for unwinding, and old versions of both.
//! try: c++ -shared -fPIC -x c++ /dev/null -o empty.so
//! build: c++ -shared -fPIC -O1 {src} -o core.so
//! member: {module} = core.so
//! expect: lowest = manylinux_2_5_x86_64
//! expect: need = libstdc++.so.6 CXXABI_1.3
//! expect: need = libgcc_s.so.1 GCC_3.0
//! loader: loads
extern "C" int answer(int x) {
    try {
        if (x) throw x;
    } catch (int caught) {
        return caught;
    }
    return 42;
}
