/* __memcmpeq, which compilers call where only equality matters.  */

#include <stddef.h>
#include <stdio.h>
#include <string.h>

extern int __memcmpeq(const void *, const void *, size_t);

int run(const char *folder)
{
  (void)folder;
  char one[300], other[300];
  memset(one, 'x', sizeof one);
  memset(other, 'x', sizeof other);
  for (size_t size = 0; size <= sizeof one; size += 37) {
    printf("%zu: %d", size, __memcmpeq(one, other, size) != 0);
    if (size) {
      other[size - 1] = '\0';
      printf(" %d", __memcmpeq(one, other, size) != 0);
      other[size - 1] = 'x';
    }
    printf("\n");
  }
  return 0;
}
