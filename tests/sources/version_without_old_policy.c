// 2.29 is one of the glibc versions that no blessed list has.
//! stub: libc.so.6 GLIBC_2.29: posix_spawn_file_actions_addchdir_np
//! build: cc -shared -fPIC -nostdlib {src} stubs/libc.so.6 -o core.so
//! tags: cp312-cp312-manylinux_2_29_x86_64
//! member: {module} = core.so
//! expect: lowest = manylinux_2_29_x86_64
//! loader: loads from 2.29: GLIBC_2.29
extern int posix_spawn_file_actions_addchdir_np(void *, const char *);
int answer(void) { return posix_spawn_file_actions_addchdir_np(0, 0); }
