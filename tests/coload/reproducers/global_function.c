// As global_data.c, with a function, and a library that is loaded through ctypes.
//
//! build: culprit/libengine.so = {cc} -DVALUE=7 {src}
//! build: culprit/_core.so = {cc} -DVALUE=42 {src} {hidden}
//! code: culprit/__init__.py = import ctypes, os; ctypes.CDLL(os.path.join(os.path.dirname(__file__), "libengine.so"), mode=ctypes.RTLD_GLOBAL); from ._core import check
//! cured-code: culprit/__init__.py = import ctypes, os; ctypes.CDLL(os.path.join(os.path.dirname(__file__), "libengine.so")); from ._core import check
//! build: victim/_core.so = {cc} -DVALUE=42 {src}
//! breaks: culprit victim: AssertionError
//! works: victim culprit
//! finds: global-namespace warning culprit victim: engine_version
#include "module.h"

int engine_version(void) { return VALUE; }
MODULE(engine_version)
