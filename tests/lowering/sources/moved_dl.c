/* What libdl had before glibc 2.34. libm stands for a library that is nearly everywhere.  */

#define _GNU_SOURCE 1
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

int run(const char *folder)
{
  (void)folder;
  void *library = dlopen("libm.so.6", RTLD_NOW | RTLD_LOCAL);
  double (*cube_root)(double) = (double (*)(double))dlsym(library, "cbrt");
  printf("dlopen %d, cbrt(27) = %.1f\n", library != NULL, cube_root(27.0));
  printf("no such symbol: %d\n", dlsym(library, "no_such_symbol") == NULL);
  const char *error = dlerror();
  printf("dlerror: %d, and again: %d\n", error != NULL && strstr(error, "no_such_symbol") != NULL, dlerror() == NULL);
  printf("no such library: %d\n", dlopen("libno-such-library.so.9", RTLD_LAZY) == NULL);
  error = dlerror();
  printf("dlerror: %d\n", error != NULL && strstr(error, "libno-such-library.so.9") != NULL);
  printf("dlvsym of no version: %d\n", dlvsym(library, "cbrt", "GLIBC_9.9") == NULL);

  Dl_info info;
  printf("dladdr %d %s\n", dladdr((void *)cube_root, &info) != 0, strstr(info.dli_fname, "libm") != NULL ? "libm" : "?");
  void *extra = NULL;
  printf("dladdr1 %d %d\n", dladdr1((void *)cube_root, &info, &extra, RTLD_DL_LINKMAP) != 0, extra != NULL);
  struct link_map *map = NULL;
  printf("dlinfo %d %d\n", dlinfo(library, RTLD_DI_LINKMAP, &map), map != NULL && strstr(map->l_name, "libm") != NULL);
  printf("in the process: %d\n", dlsym(RTLD_DEFAULT, "printf") == (void *)dlsym(RTLD_NEXT, "printf"));
  printf("dlclose %d\n", dlclose(library));
  return 0;
}
