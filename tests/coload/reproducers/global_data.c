// The culprit's Python code makes its imports RTLD_GLOBAL: its variable answers for the victim's.
//
//! build: culprit/_core.so = {cc} -DVALUE=7 {src}
//! code: culprit/__init__.py = import os, sys; sys.setdlopenflags(os.RTLD_NOW | os.RTLD_GLOBAL); from ._core import check
//! cured-code: culprit/__init__.py = from ._core import check
//! build: victim/_core.so = {cc} -DVALUE=42 {src}
//! breaks: culprit victim: AssertionError
//! works: victim culprit
//! finds: global-namespace error culprit victim: settings
#include "module.h"

int settings[4] = {VALUE};

static long look(void) { return *(int *volatile)settings; }
MODULE(look)
