// Not a conflict: what is loaded with RTLD_LOCAL, as imports are, is not seen by others.
//
//! build: culprit/_core.so = {cc} -DVALUE=7 {src}
//! build: victim/_core.so = {cc} -DVALUE=42 {src}
//! works: culprit victim
//! works: victim culprit
#include "module.h"

int settings[4] = {VALUE};
int engine_version(void) { return settings[0]; }
MODULE(engine_version)
