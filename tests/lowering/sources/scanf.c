/* The scanf family as C23 headers call it. Binary numbers are what the versions differ in.  */

#define _GNU_SOURCE 1
#include <stdarg.h>
#include <stdio.h>
#include <wchar.h>

extern int __isoc23_sscanf(const char *, const char *, ...);
extern int __isoc23_vsscanf(const char *, const char *, va_list);
extern int __isoc23_fscanf(FILE *, const char *, ...);
extern int __isoc23_swscanf(const wchar_t *, const wchar_t *, ...);

static int through(const char *text, const char *format, ...)
{
  va_list list;
  va_start(list, format);
  int outcome = __isoc23_vsscanf(text, format, list);
  va_end(list);
  return outcome;
}

int run(const char *folder)
{
  int a = 0, b = 0, c = 0, count = -1;
  double d = 0;
  char word[16] = "", set[16] = "", *allocated = NULL;
  printf("%d", __isoc23_sscanf("10 0x1f 017 2.5 text", "%d %i %i %lf %15s%n", &a, &b, &c, &d, word, &count));
  printf(" %d %d %d %.1f %s %d\n", a, b, c, d, word, count);
  printf("%d", __isoc23_sscanf("abc123", "%15[a-z]%d", set, &a));
  printf(" %s %d\n", set, a);
  printf("%d", __isoc23_sscanf("long-word", "%ms", &allocated));
  printf(" %s\n", allocated);
  printf("%d %d\n", __isoc23_sscanf("", "%d", &a), __isoc23_sscanf("x", "%d", &a));
  printf("%d", through("7 8", "%d %d", &a, &b));
  printf(" %d %d\n", a, b);
  printf("%d", __isoc23_swscanf(L"5 wide", L"%d %15s", &a, word));
  printf(" %d %s\n", a, word);
  char path[4096];
  snprintf(path, sizeof path, "%s/numbers", folder);
  FILE *file = fopen(path, "w+");
  fputs("3 4\n", file);
  rewind(file);
  printf("%d", __isoc23_fscanf(file, "%d %d", &a, &b));
  printf(" %d %d\n", a, b);
  fclose(file);
  a = -1;
  printf("differs: ");
  printf("%d", __isoc23_sscanf("0b101", "%i", &a));
  printf(" %d\n", a);
  return 0;
}
