// The culprit exports a function of the unwinder, which libstdc++ takes for libgcc_s's: nothing can be thrown.
//
//! build: culprit/_core.so = {cxx} -DCULPRIT {src} -Wl,--no-as-needed -lstdc++
//! cured: culprit/_core.so = {cxx} -DCULPRIT {src} -Wl,--no-as-needed -lstdc++ {hidden}
//! build: victim/_core.so = {cxx} {src}
//! breaks: culprit victim: SIGABRT
//! works: victim culprit
//! finds: leaked-unwinder warning culprit: _Unwind_RaiseException
//! finds: captured-shared-library warning culprit victim: _Unwind_RaiseException
#include "module.h"

#ifdef CULPRIT
EXPORT int _Unwind_RaiseException(void *exception) { return 5; }  // _URC_END_OF_STACK: nobody catches
MODULE(nothing)
#else
#include <stdexcept>

static long throw_and_catch()
{
    try {
        throw std::runtime_error("caught");
    } catch (const std::exception &) {
        return 42;
    }
    return 0;
}
MODULE(throw_and_catch)
#endif
