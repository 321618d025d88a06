// Not a conflict: DT_SYMBOLIC lets the victim look into itself first.
//
//! build: culprit/_core.so = {cc} -DVALUE=7 {src}
//! code: culprit/__init__.py = import os, sys; sys.setdlopenflags(os.RTLD_NOW | os.RTLD_GLOBAL); from ._core import check
//! build: victim/_core.so = {cc} -DVALUE=42 {src} -Wl,-Bsymbolic
//! works: culprit victim
//! works: victim culprit
#include "module.h"

int settings[4] = {VALUE};
int engine_version(void) { return settings[0]; }
MODULE(engine_version)
