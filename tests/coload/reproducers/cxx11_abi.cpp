// One library built twice, with _GLIBCXX_USE_CXX11_ABI=0 and 1, under one soname. Its function takes a struct,
// whose name in the symbol does not tell which string it holds.
//
//! build: culprit.libs/librecord.so.1 = {cxx} -D_GLIBCXX_USE_CXX11_ABI=0 -DLIBRARY {src} -Wl,-soname,librecord.so.1
//! build: victim.libs/librecord.so.1 = {cxx} -DLIBRARY {src} -Wl,-soname,librecord.so.1
//! cured: victim.libs/librecord-2.so.1 = {cxx} -DLIBRARY {src} -Wl,-soname,librecord-2.so.1
//! build: culprit/_core.so = {cxx} -D_GLIBCXX_USE_CXX11_ABI=0 {src} culprit.libs/librecord.so.1 -Wl,-rpath,$ORIGIN/../culprit.libs
//! build: victim/_core.so = {cxx} {src} victim.libs/librecord.so.1 -Wl,-rpath,$ORIGIN/../victim.libs
//! cured: victim/_core.so = {cxx} {src} victim.libs/librecord-2.so.1 -Wl,-rpath,$ORIGIN/../victim.libs
//! breaks: culprit victim: AssertionError
//! works: victim culprit
//! finds: library-replaced warning culprit victim: -
//! finds: library-replaced warning victim culprit: -
#include <string>

struct Record
{
    std::string name;
    long answer;
};
long answer_of(const Record &record);

#ifdef LIBRARY
long answer_of(const Record &record) { return record.answer; }
#else
#include "module.h"

static long ask()
{
    const Record records[2] = {{"no", 42}, {"no", 42}};  // what is read past one lies in the other
    return answer_of(records[0]);
}
MODULE(ask)
#endif
