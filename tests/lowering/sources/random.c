/* getrandom, getentropy and arc4random: what can be said of bytes that nobody knows.  */

#define _GNU_SOURCE 1
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

extern uint32_t arc4random(void);
extern void arc4random_buf(void *, size_t);
extern uint32_t arc4random_uniform(uint32_t);

static unsigned char one[100000], two[100000];

/* That all is written: of 1024 random bytes, 4.7 values of 256 are expected to be missing; more than 16 are once in
   10 million.  */
static int is_random(const unsigned char *bytes, size_t size)
{
  int seen[256] = {0}, missing = 0;
  for (size_t index = 0; index < size; ++index)
    seen[bytes[index]] = 1;
  for (int value = 0; value < 256; ++value)
    missing += !seen[value];
  return missing <= 16;
}

static void say(const char *text, long outcome)
{
  printf("%s: %ld %s\n", text, outcome, outcome < 0 ? strerror(errno) : "");
}

int run(const char *folder)
{
  (void)folder;
  say("getrandom", getrandom(one, 1024, 0));
  say("again", getrandom(two, 1024, GRND_NONBLOCK));
  printf("random: %d %d, the same: %d, behind: %d\n", is_random(one, 1024), is_random(two, 1024),
         !memcmp(one, two, 1024), one[1024] || two[1024]);
  say("getrandom of nothing", getrandom(NULL, 0, 0));
  say("getrandom, no such flag", getrandom(one, 1, 0x80));
  memset(one, 0, sizeof one);
  say("getentropy of 0", getentropy(one, 0));
  say("getentropy of 256", getentropy(one, 256));
  say("getentropy of 257", getentropy(two, 257));
  printf("behind: %d\n", one[256]);
  errno = 77;
  arc4random_buf(one, sizeof one);
  arc4random_buf(two, sizeof two);
  printf("random: %d %d, the same: %d, errno %d\n", is_random(one, sizeof one),
         is_random(two + sizeof two - 1024, 1024), !memcmp(one, two, sizeof one), errno);
  arc4random_buf(one, 0);
  /* Of 64 values, all bits are 0 in some and 1 in some.  */
  uint32_t zeros = 0, ones = 0;
  for (int index = 0; index < 64; ++index) {
    uint32_t value = arc4random();
    ones |= value;
    zeros |= ~value;
  }
  printf("arc4random: %x %x\n", zeros, ones);
  static const uint32_t bounds[] = {0, 1, 2, 3, 5, 8, 9, 1000, 0x80000000u, 0x80000001u, 0xffffffffu};
  for (size_t which = 0; which < sizeof bounds / sizeof *bounds; ++which) {
    uint32_t highest = 0, counts[9] = {0};
    for (int index = 0; index < 20000; ++index) {
      uint32_t value = arc4random_uniform(bounds[which]);
      highest = value > highest ? value : highest;
      if (value < 9)
        ++counts[value];
    }
    printf("below %u: %d", bounds[which], bounds[which] == 0 ? highest == 0 : highest < bounds[which]);
    /* Equally often: within six standard deviations.  */
    for (uint32_t value = 0; bounds[which] <= 9 && value < bounds[which]; ++value) {
      double expected = 20000.0 / bounds[which], off = counts[value] - expected;
      printf(" %d", off * off <= 36 * expected);
    }
    printf("\n");
  }
  /* A child does not repeat its parent.  */
  int ends[2];
  uint32_t of_child[4], of_parent[4];
  if (pipe(ends) != 0)
    return 1;
  fflush(stdout);
  pid_t child = fork();
  arc4random_buf(of_parent, sizeof of_parent);
  if (child == 0)
    _exit(write(ends[1], of_parent, sizeof of_parent) != sizeof of_parent);
  if (read(ends[0], of_child, sizeof of_child) != sizeof of_child)
    return 1;
  waitpid(child, NULL, 0);
  printf("after fork, the same: %d\n", !memcmp(of_child, of_parent, sizeof of_child));
  return 0;
}
