// The culprit exports its own operator new (delete is inlined in it), whose memory does not begin where malloc's
// does. libstdc++ makes a string with it for the victim, which frees it with libstdc++'s operator delete.
//
//! build: culprit/_core.so = {cxx} -DCULPRIT {src} -Wl,--no-as-needed -lstdc++
//! cured: culprit/_core.so = {cxx} -DCULPRIT {src} -Wl,--no-as-needed -lstdc++ {hidden}
//! build: victim/_core.so = {cxx} -O2 -std=c++11 {src}
//! breaks: culprit victim: SIGABRT
//! works: victim culprit
//! finds: split-allocator error culprit victim: _Znwm
#include "module.h"

#ifdef CULPRIT
EXPORT void *_Znwm(size_t size) { return 16 + (char *)malloc(size + 16); }
MODULE(nothing)
#else
#include <string>

static long grow()
{
    std::string text;
    text.reserve(42);  // libstdc++ allocates
    return (long)text.capacity();
}  // freed by code that is inlined here
MODULE(grow)
#endif
