// scripts/ goes to bin/, packages to lib/pythonX.Y/site-packages: RUNPATH has to go from the one to the other.
//! build: cc -shared -fPIC -DHELP {src} -Wl,-soname,libhelp-1a2b3c4d.so -o libhelp-1a2b3c4d.so
//! build: cc {src} libhelp-1a2b3c4d.so -nostartfiles -Wl,-e,main,-rpath,$ORIGIN/../lib/python3.12/site-packages/demo -o program
//! tags: cp312-none-manylinux_2_28_x86_64
//! member: demo-1.0.data/scripts/answer = program
//! member: demo/libhelp-1a2b3c4d.so = libhelp-1a2b3c4d.so
//! expect: lowest = manylinux_2_5_x86_64
//! expect: library = libhelp-1a2b3c4d.so demo/libhelp-1a2b3c4d.so
//! loader: runs
#ifdef HELP
#include <unistd.h>
void help(void) { _exit(0); }
#else
extern void help(void);
int main(void) { help(); }
#endif
