"""The values that the index modules pass to one another."""

from __future__ import annotations

from perennial.lean_typing import Final, NamedTuple
from perennial.platform_tag import Libc

# What counts as proof that a file is the one that the index means, with the length of each
# in hexadecimal digits. MD5 and SHA-1 are left out: two files with the same one can be made.
PROOFS: Final = {"sha512": 128, "sha384": 96, "sha256": 64, "blake2b": 128, "blake2b_256": 64}
# What older indexes give. That a file has it does not prove much; that it has not means damage, or worse.
CHECKSUMS: Final = frozenset({"md5", "sha1", "sha224"})


class WheelChoice(NamedTuple):
    """Which of a project's wheels is wanted.

    `architecture` is spelled as in platform tags. `python` is "3.12", "3.13t", "cp312" or
    "pp311"; None takes the newest CPython for which there is a wheel. A `libc` of None takes
    a glibc wheel where there is one, and a musl wheel where there is none.
    """

    architecture: str
    python: str | None = None
    libc: Libc | None = None


class WheelLink(NamedTuple):
    """A wheel that an index offers; everything but the first two is optional (PEP 503, 691, 700)."""

    filename: str
    url: str  # may hold credentials: never to be printed as it is
    hashes: tuple[tuple[str, str], ...] = ()  # (algorithm, lower-case hexadecimal digest)
    requires_python: str | None = None
    yanked: str | None = None  # the reason, "" where none is given; None: not yanked
    size: int | None = None  # bytes
    upload_time: str | None = None  # ISO 8601, as the index wrote it

    @property
    def proofs(self) -> tuple[tuple[str, str], ...]:
        """The hashes that prove something."""
        return tuple((name, digest) for name, digest in self.hashes if name in PROOFS)

    @property
    def promises(self) -> tuple[tuple[str, str], ...]:
        """The hashes that the file has to have: those that prove something, and failing these what there is."""
        return self.proofs or tuple((name, digest) for name, digest in self.hashes if name in CHECKSUMS)

    @property
    def sha256(self) -> str | None:
        """The SHA-256 where the index gives a well-formed one."""
        for name, digest in self.hashes:
            if name == "sha256" and len(digest) == PROOFS[name] and all(c in "0123456789abcdef" for c in digest):
                return digest
        return None


class SourceLink(NamedTuple):
    """A source distribution that an index offers; `url` is None where it leads from an index into this machine."""

    filename: str
    requires_python: str | None = None
    yanked: str | None = None
    url: str | None = None  # may hold credentials: never to be printed as it is


class ProjectPage(NamedTuple):
    """What a page of an index offers: its wheels, how many files that are none, and which of these are sources."""

    wheels: tuple[WheelLink, ...] = ()
    other_files: int = 0
    sources: tuple[SourceLink, ...] = ()
