/* The strtol family of C23: values, ends and errors of texts with and without the prefix of binary numbers.  */

#define _GNU_SOURCE 1
#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#define NARROW(type, name)                                                                                             \
  extern type __isoc23_##name(const char *, char **, int);                                                             \
  static void try_##name(const char *text, int base)                                                                   \
  {                                                                                                                    \
    char *end = NULL;                                                                                                  \
    errno = 0;                                                                                                         \
    type value = __isoc23_##name(text, &end, base);                                                                    \
    printf(" %s %jd %td %d%s", #name, (intmax_t)value, end == NULL ? -1 : end - text, errno,                           \
           __isoc23_##name(text, NULL, base) == value ? "" : " not twice");                                            \
  }
#define NARROW_L(type, name)                                                                                           \
  extern type __isoc23_##name(const char *, char **, int, locale_t);                                                   \
  static void try_##name(const char *text, int base)                                                                   \
  {                                                                                                                    \
    char *end = NULL;                                                                                                  \
    errno = 0;                                                                                                         \
    type value = __isoc23_##name(text, &end, base, locale);                                                            \
    printf(" %s %jd %td %d", #name, (intmax_t)value, end == NULL ? -1 : end - text, errno);                            \
  }
#define WIDE(type, name)                                                                                               \
  extern type __isoc23_##name(const wchar_t *, wchar_t **, int);                                                       \
  static void try_##name(const wchar_t *text, int base)                                                                \
  {                                                                                                                    \
    wchar_t *end = NULL;                                                                                               \
    errno = 0;                                                                                                         \
    type value = __isoc23_##name(text, &end, base);                                                                    \
    printf(" %s %jd %td %d", #name, (intmax_t)value, end == NULL ? -1 : end - text, errno);                            \
  }
#define WIDE_L(type, name)                                                                                             \
  extern type __isoc23_##name(const wchar_t *, wchar_t **, int, locale_t);                                             \
  static void try_##name(const wchar_t *text, int base)                                                                \
  {                                                                                                                    \
    wchar_t *end = NULL;                                                                                               \
    errno = 0;                                                                                                         \
    type value = __isoc23_##name(text, &end, base, locale);                                                            \
    printf(" %s %jd %td %d", #name, (intmax_t)value, end == NULL ? -1 : end - text, errno);                            \
  }

static locale_t locale;
NARROW(long, strtol)
NARROW(long long, strtoll)
NARROW(intmax_t, strtoimax)
NARROW(unsigned long, strtoul)
NARROW(unsigned long long, strtoull)
NARROW(uintmax_t, strtoumax)
NARROW_L(long, strtol_l)
NARROW_L(long long, strtoll_l)
NARROW_L(unsigned long, strtoul_l)
NARROW_L(unsigned long long, strtoull_l)
WIDE(long, wcstol)
WIDE(long long, wcstoll)
WIDE(intmax_t, wcstoimax)
WIDE(unsigned long, wcstoul)
WIDE(unsigned long long, wcstoull)
WIDE(uintmax_t, wcstoumax)
WIDE_L(long, wcstol_l)
WIDE_L(long long, wcstoll_l)
WIDE_L(unsigned long, wcstoul_l)
WIDE_L(unsigned long long, wcstoull_l)

static void (*const narrow[])(const char *, int) = {
    try_strtol,    try_strtoll,  try_strtoimax, try_strtoul,   try_strtoull,
    try_strtoumax, try_strtol_l, try_strtoll_l, try_strtoul_l, try_strtoull_l,
};
static void (*const wide[])(const wchar_t *, int) = {
    try_wcstol,    try_wcstoll,  try_wcstoimax, try_wcstoul,   try_wcstoull,
    try_wcstoumax, try_wcstol_l, try_wcstoll_l, try_wcstoul_l, try_wcstoull_l,
};

#define ONES_16 "1111111111111111"
#define ZEROS_16 "0000000000000000"
#define ONES_31 ONES_16 "111111111111111"
#define ZEROS_31 ZEROS_16 "000000000000000"
static const char *const texts[] = {
    /* with digits, in either case and after white space and signs */
    "0b0",
    "0b1",
    "0B101",
    "0b101",
    "-0b101",
    "+0b101",
    "-0B1",
    " \t\n\v\f\r0b11",
    "  -0b11 ",
    "0b1012",
    "0b10b1",
    "0b1x",
    "0b00000000000000000000000000000000000000000000000000000000000000000000000000001",
    "0b1_0",
    "0b1.1",
    /* without */
    "0b",
    "0B",
    "-0b",
    "+0b ",
    "0b2",
    "0b-1",
    "0b+1",
    "0b 1",
    "0bb1",
    "00b1",
    "b1",
    "0",
    "0x",
    "0xb1",
    "-",
    "+",
    "",
    " ",
    "x",
    "- 0b1",
    "+-0b1",
    "--0b1",
    "0b\t1",
    "0xb",
    "08",
    "12",
    "-12",
    "1b1",
    "0c1",
    /* the limits of 32 and of 64 bits */
    "0b" ONES_31,
    "0b1" ONES_31,
    "-0b1" ZEROS_31,
    "-0b1" ONES_31,
    "0b1" ZEROS_31,
    "0b1" ZEROS_31 "0",
    "-0b" ONES_31,
    "0b" ONES_31 "1" ONES_31,
    "0b1" ONES_31 "1" ONES_31,
    "-0b1" ZEROS_31 "0" ZEROS_31,
    "0b1" ZEROS_31 "0" ZEROS_31,
    "-0b1" ZEROS_31 "0" ZEROS_16 "000000000000001",
    "-0b1" ONES_31 "1" ONES_31,
    "0b1" ZEROS_31 "0" ZEROS_31 "0",
    "-0b1" ZEROS_31 "0" ZEROS_31 "0",
    "0b1" ZEROS_31 "0" ZEROS_31 "02",
    "18446744073709551616",
    "-9223372036854775809",
};
static const int bases[] = {0, 2, 8, 10, 12, 16, 36, 1, -1, 37};

int run(const char *folder)
{
  (void)folder;
  locale = newlocale(LC_ALL_MASK, "C", NULL);
  for (size_t index = 0; index < sizeof texts / sizeof *texts; ++index) {
    wchar_t wide_text[200];
    size_t length = strlen(texts[index]);
    for (size_t place = 0; place <= length; ++place)
      wide_text[place] = (unsigned char)texts[index][place];
    for (size_t which = 0; which < sizeof bases / sizeof *bases; ++which) {
      printf("%zu %d:", index, bases[which]);
      for (size_t function = 0; function < sizeof narrow / sizeof *narrow; ++function)
        narrow[function](texts[index], bases[which]);
      for (size_t function = 0; function < sizeof wide / sizeof *wide; ++function)
        wide[function](wide_text, bases[which]);
      printf("\n");
    }
  }
  return 0;
}
