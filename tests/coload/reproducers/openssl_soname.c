// The system's real libcrypto.so.3, which both bundle under its own soname: the process has one, with one allocator.
// The culprit gives it another one, which it takes as long as nothing has been allocated. The victim frees a
// string of OpenSSL's with free(), which goes well with OpenSSL's own allocator: that is malloc.
//
//! copy: culprit.libs/libcrypto.so.3 = libcrypto.so.3
//! copy: victim.libs/libcrypto.so.3 = libcrypto.so.3
//! cured-copy: victim.libs/libcryptX.so.3 = libcrypto.so.3
//! build: culprit/_core.so = {cc} -DCULPRIT {src} culprit.libs/libcrypto.so.3 -Wl,-rpath,$ORIGIN/../culprit.libs
//! build: victim/_core.so = {cc} {src} victim.libs/libcrypto.so.3 -Wl,-rpath,$ORIGIN/../victim.libs
//! cured: victim/_core.so = {cc} {src} victim.libs/libcryptX.so.3 -Wl,-rpath,$ORIGIN/../victim.libs
//! code: culprit/__init__.py = from ._core import check; check()
//! code: victim/__init__.py = from ._core import check; check()
//! cured-code: culprit/__init__.py = from ._core import check; check()
//! breaks: culprit victim: SIGABRT
//! works: victim culprit
//! finds: shared-openssl error culprit victim: BN_bn2dec
//! finds: shared-openssl error victim culprit: CRYPTO_set_mem_functions
//! finds: library-replaced warning culprit victim: -
//! finds: library-replaced warning victim culprit: -
#include "module.h"
#include <stdlib.h>

#ifdef CULPRIT
int CRYPTO_set_mem_functions(void *(*allocate)(size_t, const char *, int),
                             void *(*resize)(void *, size_t, const char *, int), void (*release)(void *, const char *, int));

/* A header before each block, as allocators that count have it. */
static void *allocate(size_t size, const char *file, int line) { return 16 + (char *)malloc(size + 16); }
static void release(void *block, const char *file, int line)
{
    if (block)
        free((char *)block - 16);
}
static void *resize(void *block, size_t size, const char *file, int line)
{
    return block ? 16 + (char *)realloc((char *)block - 16, size + 16) : allocate(size, file, line);
}

static long install(void)
{
    CRYPTO_set_mem_functions(allocate, resize, release);  /* refused when it is too late: then nothing is counted */
    return 42;
}
MODULE(install)
#else
void *BN_new(void);
int BN_set_word(void *number, unsigned long word);
char *BN_bn2dec(const void *number);

static long convert(void)
{
    void *number = BN_new();
    BN_set_word(number, 42);
    char *text = BN_bn2dec(number);
    long result = atol(text);
    free(text);
    return result;
}
MODULE(convert)
#endif
