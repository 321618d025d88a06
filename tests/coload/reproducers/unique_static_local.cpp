// A static variable of an inline function, of another size in the two packages' versions of one header. Its
// guard is unique in the process, too: the culprit's constructor has run, and the victim's never does.
//
//! build: culprit/_core.so = {cxx} -DWORDS=1 {src}
//! cured: culprit/_core.so = {cxx} -DWORDS=1 {src} {hidden}
//! build: victim/_core.so = {cxx} -DWORDS=16 {src}
//! breaks: culprit victim: AssertionError
//! works: victim culprit
//! finds: unique-symbol-differs error culprit victim: _ZZ8registryvE5state
//! finds: unique-symbol-differs error victim culprit: _ZZ8registryvE5state
#include "module.h"

struct Registry
{
    long words[WORDS];
    Registry()
    {
        for (long &word : words)
            word = 42;
    }
};

inline Registry &registry()
{
    static Registry state;
    return state;
}

static long last_word() { return registry().words[WORDS - 1]; }
MODULE(last_word)
