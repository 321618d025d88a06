/* Counts in two libraries, which are opened as Python opens extension modules: 11 where each counts for itself. */
#include <dlfcn.h>
#include <string.h>
static int count_in(const char *library) {
  int (*count_up)(void);
  void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  void *address = handle == 0 ? 0 : dlsym(handle, "count_up");
  if (address == 0)
    return -100;
  memcpy(&count_up, &address, sizeof address);
  return count_up();
}
int counts(void) {
  int first = count_in("libcounter-1.so");
  return first * 10 + count_in("libcounter-2.so");
}
