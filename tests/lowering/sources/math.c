/* Functions of which newer versions do without the wrappers of SVID times: results, errno and exceptions at the edges. */

#define _GNU_SOURCE 1
#include <errno.h>
#include <fenv.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const double values[] = {0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 10.0, -3.5, 700.0, 710.0, 1e300, -1e300, 5e-324, INFINITY, -INFINITY, NAN};
enum { COUNT = sizeof values / sizeof *values };

static void show(const char *name, double x, double y, double result)
{
  int error = errno, raised = fetestexcept(FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW);
  printf("%s(%a, %a) = ", name, x, y);
  if (isnan(result))
    printf("nan");
  else
    printf("%.13e", result);
  printf(" %s%s%s%s\n", error ? strerror(error) : "-", raised & FE_DIVBYZERO ? " divbyzero" : "",
         raised & FE_INVALID ? " invalid" : "", raised & FE_OVERFLOW ? " overflow" : "");
}

#define ONE(function, x) (errno = 0, feclearexcept(FE_ALL_EXCEPT), show(#function, x, 0, function(x)))
#define TWO(function, x, y) (errno = 0, feclearexcept(FE_ALL_EXCEPT), show(#function, x, y, function(x, y)))

static void one(volatile double x)
{
  volatile float f = (float)x;
  ONE(exp, x), ONE(exp2, x), ONE(log, x), ONE(log2, x), ONE(exp10, x);
  ONE(expf, f), ONE(exp2f, f), ONE(logf, f), ONE(log2f, f), ONE(exp10f, f);
}

static void two(volatile double x, volatile double y)
{
  volatile float f = (float)x, g = (float)y;
  TWO(pow, x, y), TWO(fmod, x, y), TWO(hypot, x, y);
  TWO(powf, f, g), TWO(fmodf, f, g), TWO(hypotf, f, g);
}

int run(const char *folder)
{
  (void)folder;
  for (int x = 0; x < COUNT; ++x) {
    one(values[x]);
    for (int y = 0; y < COUNT; ++y)
      two(values[x], values[y]);
  }
  return 0;
}
