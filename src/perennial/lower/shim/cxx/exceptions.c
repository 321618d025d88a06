/* std::__throw_bad_array_new_length (GLIBCXX_3.4.29), __cxa_call_terminate (CXXABI_1.3.15), exception_ptr::_M_addref
   and _M_release (CXXABI_1.3.13), std::__glibcxx_assert_fail (GLIBCXX_3.4.30), _Sp_make_shared_tag::_S_eq
   (GLIBCXX_3.4.26).  */

#include "shimxx.h"

#include <stdio.h>
#include <string.h>

/* What operator new[] of a negative size throws is what is wanted: std::bad_array_new_length.  */
extern void __cxa_throw_bad_array_new_length(void) __attribute__((noreturn));

SHIM(__attribute__((noreturn)) void, _ZSt28__throw_bad_array_new_lengthv)(void) { __cxa_throw_bad_array_new_length(); }

/* Of the header before a thrown object (Itanium C++ ABI: Exception Handling, 2.2.1, with libstdc++'s handlers).  */
typedef void handler(void);

struct unwind_header {
  uint64_t exception_class;
} __attribute__((aligned)); /* as _Unwind_Exception: as much as anything may need */

struct exception_header {
  const void *type;
  void (*destructor)(void *);
  handler *unexpected, *terminate;
  struct exception_header *next;
  int handler_count, handler_switch_value;
  const unsigned char *action_record, *specific_data;
  uintptr_t catch_temp;
  void *adjusted_pointer;
  struct unwind_header unwind;
};

extern void *__cxa_begin_catch(void *);
extern void _ZSt9terminatev(void) __attribute__((noreturn));
extern handler *_ZSt13set_terminatePFvvE(handler *);

/* GCC 13 calls this where an exception leaves a noexcept function. The handler that is called is the one that was set
   when the exception was thrown.  */
SHIM(__attribute__((noreturn)) void, __cxa_call_terminate)(void *exception)
{
  if (exception != NULL) {
    __cxa_begin_catch(exception);
#ifndef __arm__                              /* where the header is another one */
    const uint64_t gnu = 0x474e5543432b2b00; /* "GNUCC++\0", or \1 for one that is thrown again */
    struct unwind_header *unwind = exception;
    if (unwind->exception_class == gnu || unwind->exception_class == gnu + 1) {
      struct exception_header *header =
          (struct exception_header *)((char *)exception - offsetof(struct exception_header, unwind));
      _ZSt13set_terminatePFvvE(header->terminate);
    }
#endif
  }
  _ZSt9terminatev();
}

/* exception_ptr is a pointer that owns. Its copy constructor and its destructor, which are functions of the library
   since CXXABI_1.3.3, count up and down, and do nothing else.  */
typedef struct {
  void *object;
} exception_ptr;

extern void _ZNSt15__exception_ptr13exception_ptrC1ERKS0_(exception_ptr *, const exception_ptr *);
extern void _ZNSt15__exception_ptr13exception_ptrD1Ev(exception_ptr *);

SHIM(void, _ZNSt15__exception_ptr13exception_ptr9_M_addrefEv)(exception_ptr *pointer)
{
  exception_ptr copy;
  _ZNSt15__exception_ptr13exception_ptrC1ERKS0_(&copy, pointer);
}

SHIM(void, _ZNSt15__exception_ptr13exception_ptr10_M_releaseEv)(exception_ptr *pointer)
{
  _ZNSt15__exception_ptr13exception_ptrD1Ev(pointer);
}

SHIM(__attribute__((noreturn)) void, _ZSt21__glibcxx_assert_failPKciS0_S0_)(const char *file, int line,
                                                                            const char *function, const char *condition)
{
  if (file != NULL && function != NULL && condition != NULL)
    fprintf(stderr, "%s:%d: %s: Assertion '%s' failed.\n", file, line, function, condition);
  else if (function != NULL)
    fprintf(stderr, "%s: Undefined behavior detected.\n", function);
  abort();
}

/* Is this the type_info of std::_Sp_make_shared_tag? Two files may each have one, so names are compared, as
   type_info::operator== does. Files that were compiled without RTTI pass an object of their own, which is no type_info;
   they compare its address themselves, before they ask (bits/shared_ptr_base.h, _M_get_deleter).  */
struct type_info {
  const void *table;
  const char *name;
};

SHIM(bool, _ZNSt19_Sp_make_shared_tag5_S_eqERKSt9type_info)(const struct type_info *type)
{
  return strcmp(type->name, "St19_Sp_make_shared_tag") == 0;
}
