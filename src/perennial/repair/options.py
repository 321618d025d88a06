"""What a repair is asked to do."""

from __future__ import annotations

import os
import re
from enum import StrEnum

from perennial.arch import Architecture, architecture_of_tag
from perennial.elf.edit import StripLevel
from perennial.errors import UsageError, printable
from perennial.lean_typing import NamedTuple
from perennial.lower.options import LowerOptions
from perennial.platform_tag import Libc, PlatformTag


class Patcher(StrEnum):
    """What edits the ELF files."""

    PERENNIAL = "perennial"
    PATCHELF = "patchelf"


class Host(NamedTuple):
    """The kind of process that runs on the machine, as far as that matters for its folders."""

    architecture: Architecture
    libc: Libc


class Places(NamedTuple):
    """Where libraries outside the wheel are looked for.

    `root` is the root file system whose loader is asked: `/`, or a sysroot. `library_path` are the
    folders of LD_LIBRARY_PATH and its like. `replaced` are folders that stand in for those of the root's
    loader (`--ldpaths`). `host` is the kind of libraries in `/`: its folders are nobody else's business.
    None on a machine that is no Linux.
    """

    root: str = "/"
    library_path: tuple[str, ...] = ()
    replaced: tuple[str, ...] | None = None
    host: Host | None = None


class RepairOptions(NamedTuple):
    """The wishes of whoever calls. `plat` None is auditwheel's `auto`; its `arch` may be "" for the wheel's own.

    `include`, `exclude`, `no_mangle` and `provided_by` are as on the command line: sonames, paths, patterns.
    `max_growth` is in bytes. With `lower`, references to newer symbols than its tag has get substitutes.
    """

    places: Places = Places()
    plat: PlatformTag | None = None
    only_plat: bool = False
    update_tags: bool = True
    lib_sdir: str = ".libs"
    exclude: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    no_mangle: tuple[str, ...] = ()
    provided_by: tuple[str, ...] = ()
    strip: StripLevel = StripLevel.NOTHING
    patcher: Patcher = Patcher.PERENNIAL
    check_isa: bool = True
    allow_pure: bool = False
    max_growth: int | None = None
    lower: LowerOptions | None = None


def check_options(options: RepairOptions) -> None:
    """Raises `UsageError` for wishes that mean nothing."""
    folder, plat = options.lib_sdir, options.plat
    if not re.fullmatch(r"[^\0\\]*", folder) or ".." in folder.split("/"):
        raise UsageError(f"{printable(folder)}: as the folder for grafts, this leads out of the wheel")
    if plat is not None and (plat.libc is None or (plat.arch and architecture_of_tag(plat.arch) is None)):
        raise UsageError(f"{printable(plat.text)}: not a manylinux or musllinux tag such as manylinux_2_28_x86_64")
    if options.lower is not None and options.lower.to.libc is not Libc.GLIBC:
        raise UsageError(f"{printable(options.lower.to.text)}: not a manylinux tag, and nothing is lowered to others")
    if plat is not None and options.lower is not None:
        raise UsageError(f"{printable(options.lower.to.text)} is what to lower to, and names the tag already")
    if not os.path.isdir(options.places.root):
        raise UsageError(f"{printable(options.places.root)}: no such folder")
