"""What kind of libraries this machine's folders have, for whoever wants to take some of them."""

from __future__ import annotations

import os
import sys

from perennial.audit.requirements import libc_of
from perennial.elf.model import ElfFile
from perennial.elf.read import read_elf
from perennial.elf.stream import is_elf
from perennial.errors import ElfFormatError
from perennial.platform_tag import Libc
from perennial.repair.options import Host, Places


def places_here() -> Places:
    """This machine's own folders, as its loader searches them.

    Nothing of the environment counts: LD_LIBRARY_PATH is to be said with `Places.library_path`.
    """
    return Places(host=this_host())


def this_host() -> Host | None:
    """The kind of process that this Python is: a 32-bit one on a 64-bit kernel is not what `uname` says.

    None where it is no ELF program, as on macOS and Windows. A Python that is linked statically tells
    its architecture; its C library is then that of the loader that /lib has.
    """
    elf = _elf_of(sys.executable)
    if elf is None or elf.architecture is None:
        return None
    libc = libc_of(elf)
    if libc is None:
        try:
            has_musl = any(name.startswith("ld-musl-") for name in os.listdir("/lib"))
        except OSError:
            return None
        libc = Libc.MUSL if has_musl else Libc.GLIBC
    return Host(elf.architecture, libc)


def _elf_of(path: str | None) -> ElfFile | None:
    try:
        with open(path or "", "rb") as file:
            data = file.read()
    except OSError:
        return None
    try:
        return read_elf(data) if is_elf(data) else None
    except ElfFormatError:
        return None
