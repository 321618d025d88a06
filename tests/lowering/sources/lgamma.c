/* lgamma: the older version sets signgam besides.  */

#define _GNU_SOURCE 1
#include <math.h>
#include <stdio.h>

int run(const char *folder)
{
  (void)folder;
  static const double values[] = {0.5, 1.0, 2.5, -0.5, -1.5, 100.0, INFINITY};
  for (int index = 0; index < (int)(sizeof values / sizeof *values); ++index) {
    volatile double x = values[index];
    printf("%.12e %.5e %.12Le\n", lgamma(x), lgammaf((float)x), lgammal(x));
  }
  return 0;
}
