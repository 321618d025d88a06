// std::__glibcxx_assert_fail came with GCC 12 (GLIBCXX_3.4.30). glibc 2.34 came to RHEL 9 with GCC 11;
// every distribution with glibc 2.35 has GCC 12's libstdc++.
//! stub: libstdc++.so.6 GLIBCXX_3.4.30: _ZSt21__glibcxx_assert_failPKciS0_S0_
//! build: cc -shared -fPIC -nostdlib {src} stubs/libstdc++.so.6 -o core.so
//! tags: cp312-cp312-manylinux_2_35_x86_64
//! member: {module} = core.so
//! expect: lowest = manylinux_2_35_x86_64
//! expect: need = libstdc++.so.6 GLIBCXX_3.4.30
namespace std { void __glibcxx_assert_fail(const char *, int, const char *, const char *); }
extern "C" void answer() { std::__glibcxx_assert_fail("a", 1, "b", "c"); }
