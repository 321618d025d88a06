/* A program that comes with a wheel and needs one of its libraries. */
#include <stdio.h>
extern int middle_sum(void);
int main(void) {
  printf("%d\n", middle_sum());
  return 0;
}
