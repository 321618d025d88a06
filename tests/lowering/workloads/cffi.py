"""Calls into libc and back out of it: structures by value, variadic functions, callbacks, errno, garbage collection."""

import _cffi_backend
import cffi

ffi = cffi.FFI()
ffi.cdef("""
    typedef struct { int quot; int rem; } div_t;
    typedef struct { long long quot; long long rem; } lldiv_t;
    div_t div(int, int);
    lldiv_t lldiv(long long, long long);
    int snprintf(char *, size_t, const char *, ...);
    void qsort(void *, size_t, size_t, int (*)(const void *, const void *));
    double strtod(const char *, char **);
    int close(int);
""")
libc = ffi.dlopen(None)
assert ffi._backend is _cffi_backend
found = libc.div(-7, 2)
assert (found.quot, found.rem) == (-3, -1)
assert libc.lldiv(2**40, 7).rem == 2**40 % 7
buffer = ffi.new("char[]", 64)
written = libc.snprintf(
    buffer, 64, b"%d %.3f %s", ffi.cast("int", -5), ffi.cast("double", 2.5), ffi.new("char[]", b"text")
)
assert ffi.string(buffer) == b"-5 2.500 text" and written == 13


@ffi.callback("int(const void *, const void *)")
def compare(a, b):
    return ffi.cast("int *", a)[0] - ffi.cast("int *", b)[0]


numbers = ffi.new("int[]", [5, -2, 9, 0, 7])
libc.qsort(numbers, 5, ffi.sizeof("int"), compare)
assert list(numbers) == [-2, 0, 5, 7, 9]
assert libc.close(-1) == -1 and ffi.errno == 9
freed = []
ffi.gc(ffi.new("int *"), freed.append)
assert len(freed) == 1
assert ffi.typeof("int(*)(div_t, double)").args[1] is ffi.typeof("double")
print("works")
