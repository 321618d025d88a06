"""The options of `perennial repair`: those of auditwheel under their names, and more."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Mapping

from perennial.arch import architecture_of_tag
from perennial.elf.edit import StripLevel
from perennial.errors import UsageError, printable
from perennial.lean_typing import Final
from perennial.platform_tag import PlatformTag
from perennial.repair.host import this_host
from perennial.repair.options import Patcher, Places, RepairOptions, check_options

_PLAT: Final = "AUDITWHEEL_PLAT"
_PATCHER: Final = "AUDITWHEEL_PATCHER"
_LIBRARY_PATH: Final = "AUDITWHEEL_LD_LIBRARY_PATH"
_LOADER_PATH: Final = "LD_LIBRARY_PATH"
_AUTO: Final = "auto"
_LEVELS: Final = (StripLevel.DEBUG.value, StripLevel.ALL.value)
_SIZE: Final = re.compile(r"([0-9]{1,12})([kKMG]?)i?B?")
_UNITS: Final = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9}
_BINARY: Final = {"": 1, "k": 1 << 10, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def add_repair_arguments(parser: argparse.ArgumentParser) -> None:
    tags = parser.add_argument_group("tags")
    tags.add_argument(
        "--plat", metavar="TAG",
        help="the tag that the result has to keep, such as manylinux_2_28_x86_64; auto (the default) is the lowest "
        f"that it can keep (environment: {_PLAT})",
    )  # fmt: skip
    tags.add_argument("--only-plat", action="store_true", help="add no lower tag that the result keeps as well")
    tags.add_argument("--no-update-tags", action="store_true", help="leave the file name and the tags in WHEEL alone")
    tags.add_argument(
        "--disable-isa-ext-check", action="store_true", help="do not mind files that say they need a newer processor"
    )
    tags.add_argument(
        "--allow-pure-python-wheel", action="store_true", help="copy wheels without compiled files, and do not fail"
    )
    grafts = parser.add_argument_group("libraries to graft")
    grafts.add_argument(
        "-L", "--lib-sdir", metavar="SUFFIX", default=".libs",
        help="the folder for grafts is the name of the distribution with this suffix (default: .libs)",
    )  # fmt: skip
    grafts.add_argument(
        "--exclude", metavar="PATTERN", action="append", default=[],
        help="do not graft what matches, by soname or by path: it will be there; may be repeated",
    )  # fmt: skip
    grafts.add_argument(
        "--include", metavar="SONAME|PATH", action="append", default=[],
        help="graft this too: what is loaded by name, or what would be left to the system; may be repeated",
    )  # fmt: skip
    grafts.add_argument(
        "--provided-by", metavar="PACKAGE", action="append", default=[],
        help="a wheel, or the folder of an installed package, whose libraries are used where they are; may be repeated",
    )  # fmt: skip
    grafts.add_argument(
        "--no-mangle", metavar="SONAME", action="append", default=[],
        help="grafts that match keep their names; may be repeated",
    )  # fmt: skip
    grafts.add_argument(
        "--strip", metavar="LEVEL", nargs="?", const=StripLevel.ALL.value,
        help="strip all ELF files: of debug sections (--strip=debug), or of all symbols that no loader reads (--strip)",
    )  # fmt: skip
    grafts.add_argument(
        "--max-size-growth", metavar="SIZE", type=_size, help="fail where a wheel would grow by more: 20MB, 500k, bytes"
    )
    grafts.add_argument(
        "--patcher", choices=[patcher.value for patcher in Patcher],
        help=f"what edits ELF files (default: {Patcher.PERENNIAL.value}; environment: {_PATCHER})",
    )  # fmt: skip
    add_place_arguments(parser, "where libraries are looked for")


def add_place_arguments(parser: argparse.ArgumentParser, title: str) -> None:
    places = parser.add_argument_group(title)
    places.add_argument(
        "--lib-path", metavar="DIR", action="append", default=[],
        help=f"look into this folder, before {_LIBRARY_PATH} and {_LOADER_PATH}; may be repeated",
    )  # fmt: skip
    places.add_argument(
        "--sysroot", metavar="DIR", help="the root file system whose loader is asked, instead of this machine's"
    )
    places.add_argument(
        "--ldpaths", metavar="DIR:DIR",
        help=f"folders to look into instead of the system's own and of {_LOADER_PATH}'s",
    )  # fmt: skip


def add_run_arguments(parser: argparse.ArgumentParser, verb: str, *, verbose: str) -> None:
    """What the commands share that write many wheels: `verb` is what they do, `verbose` what -v adds."""
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and write nothing")
    parser.add_argument("--json", action="store_true", help="report as JSON")
    parser.add_argument(
        "-j",
        "--jobs",
        metavar="N",
        type=_positive,
        help=f"wheels to {verb} at a time (default: one for each processor)",
    )
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("-v", "--verbose", action="store_true", help=verbose)
    amount.add_argument("-q", "--quiet", action="store_true", help="one line a wheel")


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")
    return int(text)


def _size(text: str) -> int:
    found = _SIZE.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{printable(text)!r} is not a size such as 20MB, 512KiB or 1000000")
    return int(found[1]) * (_BINARY if "i" in text else _UNITS)[found[2]]


def misplaced_wheel(arguments: argparse.Namespace) -> str | None:
    """The wheel in `--strip demo.whl`, which argparse takes for a level, and auditwheel did not."""
    level: str | None = arguments.strip
    if level is None or level in _LEVELS:
        return None
    if not (level.endswith(".whl") or os.path.exists(level)):
        raise UsageError(f"--strip {printable(level)}: there are the levels {' and '.join(_LEVELS)}")
    arguments.strip = StripLevel.ALL.value
    return level


def read_repair_options(arguments: argparse.Namespace, environment: Mapping[str, str]) -> RepairOptions:
    """The command line and the environment, brought together. Raises `UsageError`."""
    plat = arguments.plat or environment.get(_PLAT) or _AUTO
    patcher = arguments.patcher or environment.get(_PATCHER) or Patcher.PERENNIAL.value
    if patcher not in [each.value for each in Patcher]:
        raise UsageError(f"{_PATCHER}={printable(patcher)}: there are {', '.join(each.value for each in Patcher)}")
    options = RepairOptions(
        places=read_places(arguments, environment),
        plat=None if plat == _AUTO else _plat(plat),
        only_plat=arguments.only_plat,
        update_tags=not arguments.no_update_tags,
        lib_sdir=arguments.lib_sdir,
        exclude=tuple(arguments.exclude),
        include=tuple(arguments.include),
        no_mangle=tuple(arguments.no_mangle),
        provided_by=tuple(arguments.provided_by),
        strip=StripLevel(arguments.strip or StripLevel.NOTHING.value),
        patcher=Patcher(patcher),
        check_isa=not arguments.disable_isa_ext_check,
        allow_pure=arguments.allow_pure_python_wheel,
        max_growth=arguments.max_size_growth,
    )
    check_options(options)
    return options


def _plat(text: str) -> PlatformTag:
    """`manylinux_2_28_x86_64`, or `manylinux_2_28`, then with `arch` "", for whatever the wheel is for."""
    tag = PlatformTag.parse(text.lower())
    if tag.libc is None:
        bare = PlatformTag.parse(f"{text.lower()}_x86_64")
        tag = PlatformTag(f"{text.lower()}_", "", bare.libc, bare.version)
    if tag.libc is None or (tag.arch and architecture_of_tag(tag.arch) is None):
        raise UsageError(
            f"--plat {printable(text)}: neither {_AUTO} nor a manylinux or musllinux tag such as manylinux_2_28_x86_64"
        )
    return tag


def read_places(arguments: argparse.Namespace, environment: Mapping[str, str]) -> Places:
    """As auditwheel has it: --ldpaths and a sysroot leave LD_LIBRARY_PATH out of account. Raises `UsageError`."""
    if arguments.sysroot is not None and not os.path.isdir(arguments.sysroot):
        raise UsageError(f"--sysroot {printable(arguments.sysroot)}: no such folder")
    folders = list(arguments.lib_path)
    folders += _split(environment.get(_LIBRARY_PATH))
    if arguments.sysroot is None and arguments.ldpaths is None:
        folders += _split(environment.get(_LOADER_PATH))
    return Places(
        root=arguments.sysroot or "/",
        library_path=tuple(map(os.path.abspath, folders)),
        replaced=None if arguments.ldpaths is None else tuple(map(os.path.abspath, _split(arguments.ldpaths))),
        host=this_host(),
    )


def _split(text: str | None) -> list[str]:
    if text is None:
        return []
    # glibc's loader takes either (`_dl_init_paths`); on Windows, a colon follows a drive.
    text = text if os.name == "nt" else text.replace(":", ";")
    return [folder for folder in text.split(";") if folder]
