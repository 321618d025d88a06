"""What a wheel's files ask of the libraries around them: version needs, with their symbols."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

from perennial.audit.resolve import Bundled, Missing, Resolutions
from perennial.elf.model import ElfFile
from perennial.lean_typing import Final, NamedTuple
from perennial.platform_tag import Libc
from perennial.wheel.member import WheelMember


class Provider(StrEnum):
    """Who meets a need."""

    PLATFORM = "platform"
    WHEEL = "wheel"
    MISSING = "missing"


def needs_relr_silently(elf: ElfFile) -> bool:
    """Whether a file has DT_RELR and no version need of libc to say so.

    glibc looks for the version only among needs that name libc.so.*, so it loads such a file;
    older ones do not know DT_RELR, and leave its pointers unrelocated.
    """
    return elf.has_relr and not any(need.file.startswith("libc.so.") for need in elf.verneeds)


class Imports(NamedTuple):
    """A file's undefined symbols, by what they name: (library, version) or nothing."""

    versioned: Mapping[tuple[str, str | None], list[str]]
    unversioned: tuple[str, ...]
    required: frozenset[str]  # those without version that are not weak: a load fails where nobody has them


def group_imports(elf: ElfFile) -> Imports:
    versioned: dict[tuple[str, str | None], list[str]] = {}
    unversioned: list[str] = []
    required: list[str] = []
    for version, library, weak, names in elf.undefined.by_origin:
        if library is not None:
            versioned.setdefault((library, version), []).extend(names)
            continue
        unversioned += names
        if not weak:
            required += names
    return Imports(versioned, tuple(unversioned), frozenset(required))


class Requirement(NamedTuple):
    """A version that a member needs from a library, and the symbols that it needs it for.

    `weak` is VER_FLG_WEAK, the mark that lets the loader go on without the version. That all
    symbols are weak does not: ld.so checks versions before it looks for symbols (glibc,
    `_dl_check_map_versions`), and refuses the file.
    """

    member: str
    library: str
    version: str
    symbols: tuple[str, ...]
    weak: bool
    provider: Provider
    bundled_as: str | None  # the member that is asked, where the wheel provides it


# glibc 2.36 brought DT_RELR and this version, by which files that use it keep older loaders away.
RELR_VERSION: Final = "GLIBC_ABI_DT_RELR"
RELR_SINCE: Final = (2, 36)


def list_requirements(
    files: tuple[tuple[WheelMember, ElfFile], ...],
    imports: Mapping[str, Imports],
    resolutions: Resolutions,
    platform: frozenset[str],
) -> tuple[Requirement, ...]:
    """All version needs, by member, in the order of the version tables."""
    by_path = {member.path: elf for member, elf in files}
    return tuple(
        requirement
        for member, _ in files
        for requirement in _requirements_of(member.path, imports[member.path], by_path, resolutions, platform)
    )


def _requirements_of(
    path: str, imports: Imports, by_path: dict[str, ElfFile], resolutions: Resolutions, platform: frozenset[str]
) -> Iterator[Requirement]:
    is_musl = libc_of(by_path[path]) is Libc.MUSL
    for need in by_path[path].verneeds:
        resolution = resolutions.of_version_need(path, need.file)
        for version in need.versions:
            provider, bundled_as = _provider(resolution, need.file, version.name, by_path, platform, is_musl=is_musl)
            names = tuple(sorted(imports.versioned.get((need.file, version.name), ())))
            yield Requirement(path, need.file, version.name, names, version.weak, provider, bundled_as)
    if needs_relr_silently(by_path[path]) and not is_musl:
        yield Requirement(path, "libc.so.6", RELR_VERSION, (), weak=False, provider=Provider.PLATFORM, bundled_as=None)


def _provider(
    resolution: object,
    library: str,
    version: str,
    by_path: dict[str, ElfFile],
    platform: frozenset[str],
    *,
    is_musl: bool,
) -> tuple[Provider, str | None]:
    match resolution:
        case Bundled(path=path):
            library_elf = by_path[path]
            defined = library_elf.verdefs
            if is_musl:
                return Provider.WHEEL, path  # musl's loader never looks at version needs
            # A library without any version definition meets every need (glibc, `match_symbol`), if only it has a
            # table of its symbols' versions, as all have that need some: without one ld.so fails an assertion
            # and ends the process as soon as it finds the symbol (`check_match`).
            met = any(definition.name == version for definition in defined) or (
                not defined and bool(library_elf.verneeds)
            )
            return (Provider.WHEEL if met else Provider.MISSING), path
        case Missing():
            return Provider.MISSING, None
        case _:
            return (Provider.PLATFORM if library in platform else Provider.MISSING), None


_MUSL: Final = ("libc.musl-", "ld-musl-")
_GLIBC: Final = frozenset({"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libutil.so.1"})


def libc_of(elf: ElfFile) -> Libc | None:
    """The C library that a file was linked against; None where it shows no sign of any.

    musl's libc has the soname libc.so, which Alpine renames to libc.musl-<arch>.so.1; Android's
    has it too, and gives itself away by its version LIBC.
    """
    names = [*elf.needed, *(need.file for need in elf.verneeds)]
    if elf.interpreter is not None:
        names.append(elf.interpreter.rpartition("/")[2])
    for name in names:
        if name in _GLIBC or (name.startswith("ld") and ("ld-linux" in name or name.startswith("ld64.so"))):
            return Libc.GLIBC
        if name.startswith(_MUSL):
            return Libc.MUSL
        if name == "libc.so" and not any(version.name == "LIBC" for need in elf.verneeds for version in need.versions):
            return Libc.MUSL
    return None
