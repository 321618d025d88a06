/* strtol and its family as of C23, which glibc has since 2.38 under names that begin with __isoc23_.

   C23 7.24.1.7: with base 2, or 0, the digits may come after 0b or 0B. That is all that is new (2.38 NEWS), so a text
   that has no binary digit after such a prefix is left to the function of old: of "0b" and "0b2" it converts the "0",
   as it is to. What has one is read here, and as there: white space by the locale, a sign, ERANGE and the nearest value
   where a number is out of range, the negative of unsigned ones, and all digits passed over.  */

#include "shim.h"

#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <locale.h>
#include <stdbool.h>
#include <stdlib.h>
#include <wchar.h>
#include <wctype.h>

struct number {
  uintmax_t value;
  bool is_negative, is_out; /* of the range of its unsigned type */
};

/* Reads a number with a prefix, and a sign before it, from behind the white space. False if there is none. `highest` is
   that of the unsigned type.  */
#define READ_BINARY(name, letter)                                                                                      \
  static bool name(const letter *text, letter **end, uintmax_t highest, struct number *number)                         \
  {                                                                                                                    \
    *number = (struct number){.is_negative = *text == '-'};                                                            \
    if (*text == '-' || *text == '+')                                                                                  \
      ++text;                                                                                                          \
    if (text[0] != '0' || (text[1] != 'b' && text[1] != 'B') || (text[2] != '0' && text[2] != '1'))                    \
      return false;                                                                                                    \
    for (text += 2; *text == '0' || *text == '1'; ++text) {                                                            \
      number->is_out = number->is_out || number->value > highest >> 1;                                                 \
      number->value = number->value << 1 | (*text == '1' ? 1 : 0);                                                     \
    }                                                                                                                  \
    if (end != NULL)                                                                                                   \
      *end = (letter *)text;                                                                                           \
    return true;                                                                                                       \
  }

READ_BINARY(read_binary, char)
READ_BINARY(read_binary_wide, wchar_t)

/* The nearest value that the type has, with ERANGE where that is another one.  */
static uintmax_t limited(const struct number *number, uintmax_t highest, bool is_signed)
{
  if (is_signed)
    highest = (highest >> 1) + (number->is_negative ? 1 : 0);
  if (number->is_out || (is_signed && number->value > highest)) {
    errno = ERANGE;
    return is_signed && number->is_negative ? -highest : highest;
  }
  return number->is_negative ? -number->value : number->value;
}

/* One function. PARAMETERS are those of C: start, end, base and, or not, locale; ARGUMENTS the same, to hand on.  */
#define STRTO(symbol, type, unsigned_type, letter, is_space, read, parameters, arguments)                              \
  SHIM(type, __isoc23_##symbol) parameters                                                                             \
  {                                                                                                                    \
    if (base == 0 || base == 2) {                                                                                      \
      const letter *text = start;                                                                                      \
      struct number number;                                                                                            \
      while (is_space)                                                                                                 \
        ++text;                                                                                                        \
      if (read(text, end, (unsigned_type)-1, &number))                                                                 \
        return (type)limited(&number, (unsigned_type)-1, (type)-1 < (type)1);                                          \
    }                                                                                                                  \
    return symbol arguments;                                                                                           \
  }

/* The four kinds: char or wchar_t, the locale of the thread or one that is given.  */
#define NARROW(symbol, type, unsigned_type)                                                                            \
  STRTO(symbol, type, unsigned_type, char, isspace((unsigned char)*text), read_binary,                                 \
        (const char *start, char **end, int base), (start, end, base))
#define NARROW_L(symbol, type, unsigned_type)                                                                          \
  STRTO(symbol, type, unsigned_type, char, isspace_l((unsigned char)*text, locale), read_binary,                       \
        (const char *start, char **end, int base, locale_t locale), (start, end, base, locale))
#define WIDE(symbol, type, unsigned_type)                                                                              \
  STRTO(symbol, type, unsigned_type, wchar_t, iswspace((wint_t)*text), read_binary_wide,                               \
        (const wchar_t *start, wchar_t **end, int base), (start, end, base))
#define WIDE_L(symbol, type, unsigned_type)                                                                            \
  STRTO(symbol, type, unsigned_type, wchar_t, iswspace_l((wint_t)*text, locale), read_binary_wide,                     \
        (const wchar_t *start, wchar_t **end, int base, locale_t locale), (start, end, base, locale))

NARROW(strtol, long, unsigned long)
NARROW(strtoll, long long, unsigned long long)
NARROW(strtoul, unsigned long, unsigned long)
NARROW(strtoull, unsigned long long, unsigned long long)
NARROW(strtoimax, intmax_t, uintmax_t)
NARROW(strtoumax, uintmax_t, uintmax_t)
NARROW_L(strtol_l, long, unsigned long)
NARROW_L(strtoll_l, long long, unsigned long long)
NARROW_L(strtoul_l, unsigned long, unsigned long)
NARROW_L(strtoull_l, unsigned long long, unsigned long long)
WIDE(wcstol, long, unsigned long)
WIDE(wcstoll, long long, unsigned long long)
WIDE(wcstoul, unsigned long, unsigned long)
WIDE(wcstoull, unsigned long long, unsigned long long)
WIDE(wcstoimax, intmax_t, uintmax_t)
WIDE(wcstoumax, uintmax_t, uintmax_t)
WIDE_L(wcstol_l, long, unsigned long)
WIDE_L(wcstoll_l, long long, unsigned long long)
WIDE_L(wcstoul_l, unsigned long, unsigned long)
WIDE_L(wcstoull_l, unsigned long long, unsigned long long)
