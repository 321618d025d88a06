/* Functions of float whose versions of glibc 2.43 do without the wrappers of SVID times.  */

#define _GNU_SOURCE 1
#include <errno.h>
#include <fenv.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const float values[] = {0.0f, -0.0f, 1.0f, -1.0f, 0.5f, 2.0f, 3.5f, -2.0f, 90.0f, 1e38f, -1e38f, INFINITY, -INFINITY, NAN};
enum { COUNT = sizeof values / sizeof *values };

static void show(const char *name, double x, double y, double result)
{
  int error = errno, raised = fetestexcept(FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW);
  printf("%s(%a, %a) = ", name, x, y);
  if (isnan(result))
    printf("nan");
  else
    printf("%.5e", result);
  printf(" %s%s%s%s\n", error ? strerror(error) : "-", raised & FE_DIVBYZERO ? " divbyzero" : "",
         raised & FE_INVALID ? " invalid" : "", raised & FE_OVERFLOW ? " overflow" : "");
}

#define ONE(function, x) (errno = 0, feclearexcept(FE_ALL_EXCEPT), show(#function, x, 0, function(x)))
#define TWO(function, x, y) (errno = 0, feclearexcept(FE_ALL_EXCEPT), show(#function, x, y, function(x, y)))

static void one(volatile float x)
{
  int sign = 0;
  ONE(acosf, x), ONE(acoshf, x), ONE(asinf, x), ONE(atanhf, x), ONE(coshf, x), ONE(sinhf, x);
  ONE(log10f, x), ONE(sqrtf, x), ONE(tgammaf, x), ONE(lgammaf, x);
  errno = 0, feclearexcept(FE_ALL_EXCEPT), show("lgammaf_r", x, 0, lgammaf_r(x, &sign));
  if (fabsf(x) < 1e6f) /* beyond, glibc's releases differ in the last digits of what cancels out */
    ONE(j0f, x), ONE(j1f, x), ONE(y0f, x), ONE(y1f, x);
}

int run(const char *folder)
{
  (void)folder;
  for (int x = 0; x < COUNT; ++x) {
    one(values[x]);
    for (int y = 0; y < COUNT; ++y) {
      volatile float f = values[x], g = values[y];
      TWO(atan2f, f, g), TWO(remainderf, f, g);
      TWO(remainder, f, g);
    }
  }
  return 0;
}
