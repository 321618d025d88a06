"""The indices of a Debian-style mirror: Release and Packages (Debian wiki, RepositoryFormat; deb822(5))."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from perennial.arch import Architecture
from perennial.errors import UnreadableError
from perennial.lean_typing import Final, NamedTuple
from perennial.system.stanzas import read_stanzas

# Debian's names of the ports whose libraries a tag can mean. armel is another ABI, and the
# MIPS ports have no tags.
DEBIAN_ARCHITECTURES: Final = {
    "amd64": Architecture.X86_64,
    "i386": Architecture.I686,
    "arm64": Architecture.AARCH64,
    "armhf": Architecture.ARMV7L,
    "ppc64el": Architecture.PPC64LE,
    "ppc64": Architecture.PPC64,
    "s390x": Architecture.S390X,
    "riscv64": Architecture.RISCV64,
    "loong64": Architecture.LOONGARCH64,
}

_SIGNED: Final = re.compile(
    r"-----BEGIN PGP SIGNED MESSAGE-----\r?\n(?:[^\n]+\n)*\r?\n(?P<text>.*?)\n-----BEGIN PGP SIGNATURE-----", re.DOTALL
)
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_PATH: Final = re.compile(r"[A-Za-z0-9+][A-Za-z0-9+._~:%-]*(/[A-Za-z0-9+][A-Za-z0-9+._~:%-]*)*")


class IndexFile(NamedTuple):
    """A file that a Release file vouches for."""

    path: str  # below dists/SUITE
    size: int
    sha256: str


class Release(NamedTuple):
    """A suite of a mirror."""

    suite: str  # stable
    codename: str  # trixie
    version: str  # 13.7; "" where it has none
    date: str  # ISO 8601
    valid_until: datetime | None
    architectures: tuple[Architecture, ...]
    by_hash: bool
    files: Mapping[str, IndexFile]


class BinaryPackage(NamedTuple):
    """A package in an index, as far as dependencies and downloads need it."""

    name: str
    version: str
    essential: bool
    priority: str
    depends: tuple[tuple[str, ...], ...]  # all of these: one of each
    recommends: tuple[tuple[str, ...], ...]
    provides: tuple[str, ...]
    path: str
    size: int
    sha256: str


def signed_text(text: str) -> str:
    """What an InRelease file says, without its signature (RFC 9580, 7: cleartext signatures)."""
    match = _SIGNED.match(text)
    if match is None:
        return text
    return "\n".join(line.removeprefix("- ") for line in match["text"].split("\n"))


def parse_release(text: str, source: str) -> Release:
    """The fields of a Release file that matter; `source` is for messages."""
    fields = next(read_stanzas(text), {})
    date = _date(fields.get("Date", ""))
    if date is None or "SHA256" not in fields:
        raise UnreadableError(f"{source} is no Release file: it has no Date or no SHA256")
    files = {}
    for line in fields["SHA256"].split("\n"):
        parts = line.split()
        if len(parts) == 3 and _HASH.fullmatch(parts[0]) and parts[1].isdigit():
            files[parts[2]] = IndexFile(parts[2], int(parts[1]), parts[0])
    names = fields.get("Architectures", "").split()
    return Release(
        fields.get("Suite", ""),
        fields.get("Codename", ""),
        fields.get("Version", ""),
        date.date().isoformat(),
        _date(fields.get("Valid-Until", "")),
        tuple(architecture for name, architecture in DEBIAN_ARCHITECTURES.items() if name in names),
        fields.get("Acquire-By-Hash") == "yes",
        files,
    )


def debian_name(architecture: Architecture) -> str:
    """Debian's name of an architecture."""
    return next(name for name, each in DEBIAN_ARCHITECTURES.items() if each is architecture)


def parse_packages(lines: Iterable[str], source: str) -> Iterator[BinaryPackage]:
    """The packages of an index, which is some 50 MB of text: line by line, and only the fields that matter."""
    stanza: dict[str, str] = {}
    for line in lines:
        if line == "\n":
            if stanza:
                yield _package(stanza, source)
            stanza = {}
        elif line[0] not in " \t":
            field, _, value = line.partition(":")
            if field in _FIELDS:
                stanza[field] = value.strip()
    if stanza:
        yield _package(stanza, source)


_FIELDS: Final = frozenset({
    "Package", "Version", "Essential", "Priority", "Depends", "Pre-Depends", "Recommends", "Provides",
    "Filename", "Size", "SHA256",
})  # fmt: skip


def _package(stanza: Mapping[str, str], source: str) -> BinaryPackage:
    name = stanza.get("Package", "")
    path, size, sha256 = stanza.get("Filename", ""), stanza.get("Size", ""), stanza.get("SHA256", "")
    path = path.removeprefix("./")
    if not name or not _PATH.fullmatch(path) or not size.isdigit() or not _HASH.fullmatch(sha256):
        raise UnreadableError(f"{source}: the stanza of {name or 'a package'} lacks a sound Filename, Size or SHA256")
    return BinaryPackage(
        name,
        stanza.get("Version", ""),
        stanza.get("Essential") == "yes",
        stanza.get("Priority", ""),
        (*_relations(stanza.get("Pre-Depends", "")), *_relations(stanza.get("Depends", ""))),
        _relations(stanza.get("Recommends", "")),
        tuple(names[0] for names in _relations(stanza.get("Provides", ""))),
        path,
        int(size),
        sha256,
    )


def _relations(text: str) -> tuple[tuple[str, ...], ...]:
    """`a (>= 1) | b, c:any` as ((a, b), (c,)): a suite is consistent, so that versions need no look."""
    if not text:
        return ()
    return tuple(
        tuple(part.strip().partition(" ")[0].partition("(")[0].partition(":")[0] for part in group.split("|"))
        for group in text.split(",")
    )


def _date(text: str) -> datetime | None:
    """RFC 5322's date, in UTC; Debian writes `UTC`, which the RFC calls obsolete."""
    try:
        return parsedate_to_datetime(text).replace(tzinfo=UTC) if text else None
    except ValueError:
        return None
