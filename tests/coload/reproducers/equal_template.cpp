// No more than a remark: libstdc++'s own code is taken from the culprit, which has the same templates. They are
// weak, which makes no difference to the loader, and do the same, which does.
//
//! build: culprit/_core.so = {cxx} -DCULPRIT {src}
//! build: victim/_core.so = {cxx} {src}
//! works: culprit victim
//! works: victim culprit
//! finds: captured-shared-library info culprit victim: *
#include "module.h"
#include <string>
#ifdef CULPRIT
template class std::basic_string<char>;
#endif

static long grow()
{
    std::string text(40, 'x');
    text.append("yz");
    return (long)text.size();
}
MODULE(grow)
