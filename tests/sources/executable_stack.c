//! build: cc -shared -fPIC -z execstack {src} -o core.so
//! member: {module} = core.so
//! expect: lowest = linux_x86_64
//! expect: finding = executable-stack error
//! loader: refuses from 2.41: cannot enable executable stack
int answer(void) { return 42; }
