"""Libraries that a wheel must take from the system, whatever it costs, and why."""

from __future__ import annotations

import re

from perennial.lean_typing import Final
from perennial.platform_tag import Libc

_GLIBC: Final = re.compile(
    r"(?:ld-linux[^/]*|ld64|libc|libm|libmvec|libpthread|libdl|librt|libutil|libresolv|libnsl|libanl|libBrokenLocale"
    r"|libthread_db|libnss_(?:files|dns|compat|hesiod|db)|libc_malloc_debug|libpcprofile|libmemusage)\.so\.[0-9]+"
)
_MUSL: Final = re.compile(r"libc\.so|libc\.musl-[^/]+\.so\.1|ld-musl-[^/]+\.so\.1")
_RUNTIME: Final = re.compile(r"(?:libstdc\+\+|libgcc_s)\.so\.[0-9]+")
_DRIVER: Final = re.compile(
    r"lib(?:cuda|cudadebugger|nvidia-[^/]+|nvcuvid|nvoptix|GL|GLX|EGL|OpenGL|GLdispatch|GLESv1_CM|GLESv2"
    r"|(?:GLX|EGL|GLESv1_CM|GLESv2)_[^/]+|gbm|drm|drm_[^/]+|vulkan|OpenCL|va|va-[^/]+|vdpau|ze_loader)\.so(?:\.[0-9.]+)?"
)


def why_not_grafted(soname: str, libc: Libc | None) -> str | None:
    """Why a copy in a wheel does harm: a clause that follows the soname; None for ordinary libraries.

    musllinux tags let a wheel take nothing but musl itself from the system (PEP 656), the compiler's runtime
    neither: there it has to come along.
    """
    if _GLIBC.fullmatch(soname) or _MUSL.fullmatch(soname):
        return (
            "is part of the C library, whose parts fit each other only in one version: with a copy from elsewhere the "
            "process crashes"
        )
    if libc is not Libc.MUSL and _RUNTIME.fullmatch(soname):
        return (
            "is the runtime of the compiler, of which a process should have one: exceptions do not pass from one copy "
            "to another, and a library that needs a newer copy than the one that is already loaded does not load"
        )
    if _DRIVER.fullmatch(soname):
        return "belongs to the driver or is bound to it: a copy fits no kernel and no card but those that it came from"
    return None
