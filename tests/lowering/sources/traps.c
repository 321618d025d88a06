/* Functions of _Float128: the host's own, where it has them.  */

#include <stdio.h>
#include <stdlib.h>

#if __LDBL_MANT_DIG__ == 113
typedef long double float128;
#else
typedef __float128 float128;
#endif

extern float128 logf128(float128);
extern float128 strtof128(const char *, char **);
extern int strfromf128(char *, size_t, const char *, float128);

int run(const char *folder)
{
  (void)folder;
  char text[80], *end;
  float128 value = strtof128("2.5 and more", &end);
  printf("%d%s\n", strfromf128(text, sizeof text, "%.30f", value), end);
  printf("%s\n", text);
  strfromf128(text, sizeof text, "%.30f", logf128(value));
  printf("%s\n", text);
  return 0;
}
