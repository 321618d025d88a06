// Not a conflict: a unique symbol of the same definition in both. They share it, and it fits.
//
//! build: culprit/_core.so = {cxx} {src}
//! build: victim/_core.so = {cxx} {src}
//! works: culprit victim
//! works: victim culprit
#include "module.h"

inline int table[64];

static long fill()
{
    for (int &entry : table)
        entry = 42;
    return table[63];
}
MODULE(fill)
