/* Members of std::string and std::wstring: reserve() (GLIBCXX_3.4.29), _M_replace_cold (3.4.31), _S_allocate (3.4.32)
   and _M_construct<bool> (3.4.34).  */

#include "shimxx.h"

#include <string.h>

struct nothrow {
  char unused;
};

extern const struct nothrow nothrow HOSTS("_ZSt7nothrow");
extern void *new(size_t) HOSTS("_Znw" SIZE_T);
extern void *new_or_null(size_t, const struct nothrow *) HOSTS("_Znw" SIZE_T "RKSt9nothrow_t");
extern void delete(void *) HOSTS("_ZdlPv");
extern void throw_bad_alloc(void) HOSTS("_ZSt17__throw_bad_allocv") __attribute__((noreturn));
extern void throw_bad_array_new_length(void) HOSTS("__cxa_throw_bad_array_new_length") __attribute__((noreturn));

#define CHARACTER char
#define LETTER "c"
#include "basic_string.h"
#undef LETTER
#undef CHARACTER

#define CHARACTER wchar_t
#define LETTER "w"
#include "basic_string.h"
#undef LETTER
#undef CHARACTER
