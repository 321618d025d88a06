/* strerrorname_np and strerrordesc_np, of all numbers but two: 134 is an error since glibc 2.43, and of
   ppc64le's own EDEADLOCK, 58, glibc 2.36 knows no name.  */

#include <stdio.h>

extern const char *strerrorname_np(int);
extern const char *strerrordesc_np(int);

static void show(int error)
{
  const char *name = strerrorname_np(error), *text = strerrordesc_np(error);
  printf("%d: %s, %s\n", error, name == NULL ? "none" : name, text == NULL ? "none" : text);
}

int run(const char *folder)
{
  (void)folder;
  for (int error = -2; error < 600; ++error)
    if (error != 134 && error != 58)
      show(error);
  show(-0x7fffffff - 1);
  show(0x7fffffff);
  printf("the same: %d\n", strerrorname_np(2) == strerrorname_np(2) && strerrordesc_np(2) == strerrordesc_np(2));
  return 0;
}
