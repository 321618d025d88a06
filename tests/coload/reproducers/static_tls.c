// Initial-exec thread-local storage must fit into what each thread has set aside when it starts; for both of
// these together there is no room.
//
//! build: culprit/_core.so = {cc} -DVARIABLE=one {src} -ftls-model=initial-exec
//! build: victim/_core.so = {cc} -DVARIABLE=two {src} -ftls-model=initial-exec
//! cured: victim/_core.so = {cc} -DVARIABLE=two {src}
//! breaks: culprit victim: cannot allocate memory in static TLS block
//! breaks: victim culprit: cannot allocate memory in static TLS block
//! finds: static-tls-exhausted error culprit victim: -
//! finds: static-tls-exhausted error victim culprit: -
#include "module.h"

__thread char VARIABLE[1100];

static long touch(void)
{
    VARIABLE[1099] = 42;
    return VARIABLE[1099];
}
MODULE(touch)
