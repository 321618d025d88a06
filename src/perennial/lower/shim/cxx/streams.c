/* Default constructors of the string streams (GLIBCXX_3.4.26), and std::ios_base_library_init (3.4.32).  */

#include "shimxx.h"

/* ios_base::in and out: the ABI's numbers. What a default constructor does is what the constructor with this mode
   does, which has always been there. C1 makes a whole object; C2 makes one within another, and its second parameter
   is the table that says where virtual bases are (Itanium C++ ABI 5.1.4.3, 2.6). The object is returned: on ARM,
   constructors do (C++ ABI for the Arm Architecture, 3.1.5), and elsewhere nobody looks.  */
enum { IN = 8, OUT = 16 };

#define OF_18(class, letter) "_ZNSt7__cxx1118basic_" class "I" letter "St11char_traitsI" letter "ESaI" letter "EE"
#define OF_19(class, letter) "_ZNSt7__cxx1119basic_" class "I" letter "St11char_traitsI" letter "ESaI" letter "EE"
#define OF_15(class, letter) "_ZNSt7__cxx1115basic_" class "I" letter "St11char_traitsI" letter "ESaI" letter "EE"

#define STREAM(name, mangled, mode)                                                                                    \
  extern void with_mode_1_##name(void *, int) HOSTS(mangled "C1ESt13_Ios_Openmode");                                   \
  extern void with_mode_2_##name(void *, const void *, int) HOSTS(mangled "C2ESt13_Ios_Openmode");                     \
  void *default_1_##name(void *) SHIM_OF(mangled "C1Ev");                                                              \
  void *default_1_##name(void *stream)                                                                                 \
  {                                                                                                                    \
    with_mode_1_##name(stream, mode);                                                                                  \
    return stream;                                                                                                     \
  }                                                                                                                    \
  void *default_2_##name(void *, const void *) SHIM_OF(mangled "C2Ev");                                                \
  void *default_2_##name(void *stream, const void *table)                                                              \
  {                                                                                                                    \
    with_mode_2_##name(stream, table, mode);                                                                           \
    return stream;                                                                                                     \
  }

/* A buffer has no virtual bases, and so no table.  */
#define BUFFER(name, mangled)                                                                                          \
  extern void with_mode_1_##name(void *, int) HOSTS(mangled "C1ESt13_Ios_Openmode");                                   \
  extern void with_mode_2_##name(void *, int) HOSTS(mangled "C2ESt13_Ios_Openmode");                                   \
  void *default_1_##name(void *) SHIM_OF(mangled "C1Ev");                                                              \
  void *default_1_##name(void *buffer)                                                                                 \
  {                                                                                                                    \
    with_mode_1_##name(buffer, IN | OUT);                                                                              \
    return buffer;                                                                                                     \
  }                                                                                                                    \
  void *default_2_##name(void *) SHIM_OF(mangled "C2Ev");                                                              \
  void *default_2_##name(void *buffer)                                                                                 \
  {                                                                                                                    \
    with_mode_2_##name(buffer, IN | OUT);                                                                              \
    return buffer;                                                                                                     \
  }

STREAM(stringstream, OF_18("stringstream", "c"), IN | OUT)
STREAM(istringstream, OF_19("istringstream", "c"), IN)
STREAM(ostringstream, OF_19("ostringstream", "c"), OUT)
STREAM(wstringstream, OF_18("stringstream", "w"), IN | OUT)
STREAM(wistringstream, OF_19("istringstream", "w"), IN)
STREAM(wostringstream, OF_19("ostringstream", "w"), OUT)
BUFFER(stringbuf, OF_15("stringbuf", "c"))
BUFFER(wstringbuf, OF_15("stringbuf", "w"))

/* std::cout and the others. GCC 13's library makes them when it is loaded, so what is compiled with it does not;
   before, each file that includes <iostream> had an object that did. Here is one for all: the shim is loaded before
   what needs it, and what its destructor flushes at the end, after that.  */
struct init {
  char unused;
};

extern void make_streams(struct init *) HOSTS("_ZNSt8ios_base4InitC1Ev");
extern void flush_streams(void *) HOSTS("_ZNSt8ios_base4InitD1Ev");
extern int __cxa_atexit(void (*)(void *), void *, void *);

__attribute__((constructor)) static void begin(void)
{
  static struct init init;
  make_streams(&init);
  __cxa_atexit(flush_streams, &init, NULL);
}

/* The symbol is there to be needed. Nobody calls it.  */
void library_init(void) SHIM_OF("_ZSt21ios_base_library_initv");
void library_init(void) {}
