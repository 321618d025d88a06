// Functions of one name, structures of two layouts: the culprit has BoringSSL in it, say, and is loaded with
// RTLD_GLOBAL; the victim has OpenSSL, and macros in its own code that reach into the structure. It gets the
// culprit's, which has a number where it looks for a function.
//
//! build: culprit/_core.so = {cc} -DCULPRIT {src}
//! cured: culprit/_core.so = {cc} -DCULPRIT {src} {hidden}
//! code: culprit/__init__.py = import os, sys; sys.setdlopenflags(os.RTLD_NOW | os.RTLD_GLOBAL); from ._core import check
//! build: victim/_core.so = {cc} {src}
//! breaks: culprit victim: SIGSEGV
//! works: victim culprit
//! finds: shared-openssl error culprit victim: EVP_MD_CTX_new
//! finds: global-namespace warning culprit victim: EVP_MD_CTX_new
#include "module.h"
#include <stdlib.h>

static int sha256(void) { return 42; }

#ifdef CULPRIT
typedef struct { unsigned long flags; int (*digest)(void); } EVP_MD_CTX;
#else
typedef struct { int (*digest)(void); unsigned long flags; } EVP_MD_CTX;
#endif
#define EVP_MD_CTX_digest(context) ((context)->digest())

EVP_MD_CTX *EVP_MD_CTX_new(void)
{
    EVP_MD_CTX *context = calloc(1, sizeof *context);
    context->flags = 2;
    context->digest = sha256;
    return context;
}

static long hash(void) { return EVP_MD_CTX_digest(EVP_MD_CTX_new()); }
MODULE(hash)
