// An inline variable is unique in a process (STB_GNU_UNIQUE): the culprit's, of 16 bytes, is what the victim
// gets, which was compiled for a table of 64 MB.
//
//! build: culprit/_core.so = {cxx} -DENTRIES=4 {src}
//! cured: culprit/_core.so = {cxx} -DENTRIES=4 {src} -fno-gnu-unique
//! build: victim/_core.so = {cxx} -DENTRIES=0x1000000 {src}
//! cured: victim/_core.so = {cxx} -DENTRIES=0x1000000 {src} -fno-gnu-unique
//! breaks: culprit victim: SIGSEGV
//! works: victim culprit
//! finds: unique-symbol-differs error culprit victim: table
//! finds: unique-symbol-differs error victim culprit: table
#include "module.h"

inline int table[ENTRIES];

static long fill()
{
    for (long index = 0; index < ENTRIES; index++)
        table[index] = 42;
    return table[0];
}
MODULE(fill)
