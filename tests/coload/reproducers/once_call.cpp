// The crash of `import pyarrow, tensorflow` of 2019, in thirty lines. libstdc++ calls through a thread-local
// pointer, which the culprit exports; libstdc++ is bound to that copy, the victim writes the other.
//
//! build: culprit/_core.so = {cxx} -DCULPRIT {src} -Wl,--no-as-needed -lstdc++
//! cured: culprit/_core.so = {cxx} -DCULPRIT {src} -Wl,--no-as-needed -lstdc++ {hidden}
//! build: victim/_core.so = {cxx} {src}
//! breaks: culprit victim: SIGSEGV
//! works: victim culprit
//! finds: split-shared-state error culprit victim: _ZSt11__once_call
//! finds: split-shared-state error culprit victim: _ZSt15__once_callable
#include "module.h"

#ifdef CULPRIT
EXPORT __thread void *_ZSt15__once_callable = nullptr;
EXPORT __thread void (*_ZSt11__once_call)() = nullptr;
MODULE(nothing)
#else
#include <mutex>

static long run_once()
{
    std::once_flag flag;
    long result = 0;
    std::call_once(flag, [&result] { result = 42; });
    return result;
}
MODULE(run_once)
#endif
