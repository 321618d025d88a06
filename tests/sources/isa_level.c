//! try: cc -shared -fPIC -Wl,-z,x86-64-v3,--fatal-warnings -x c /dev/null -o empty.so
//! build: cc -shared -fPIC -Wl,-z,x86-64-v3 {src} -o core.so
//! member: {module} = core.so
//! expect: lowest = linux_x86_64
//! expect: isa_level = 3
//! expect: finding = isa-level-above-baseline error
int answer(void) { return 42; }
