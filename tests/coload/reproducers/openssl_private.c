// Not a conflict: the same, but each bundles the real libcrypto under a name of its own.
//
//! copy: culprit.libs/libcryptA.so.3 = libcrypto.so.3
//! copy: victim.libs/libcryptB.so.3 = libcrypto.so.3
//! build: culprit/_core.so = {cc} -DCULPRIT {src} culprit.libs/libcryptA.so.3 -Wl,-rpath,$ORIGIN/../culprit.libs
//! build: victim/_core.so = {cc} {src} victim.libs/libcryptB.so.3 -Wl,-rpath,$ORIGIN/../victim.libs
//! works: culprit victim
//! works: victim culprit
#include "openssl_soname.c"
