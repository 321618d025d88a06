"""A Debian-style mirror, by suite and architecture, from any host.

    InRelease (or Release and Release.gpg)     the signature, where a keyring is given; its date
    -> dists/SUITE/main/binary-ARCH/Packages   its hash is in Release: versions, dependencies, hashes
    -> the packages that own wanted libraries  their hashes are in Packages

No mirror is written down here: which one to use is the caller's to say.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from perennial.arch import Architecture
from perennial.errors import FetchError, UnreadableError, UsageError
from perennial.index.redact import redact
from perennial.knowledge.snapshot import Snapshot
from perennial.lean_typing import Final, NamedTuple
from perennial.learn.assemble import assemble
from perennial.learn.deb import Deb
from perennial.learn.debian_index import (
    BinaryPackage,
    IndexFile,
    Release,
    debian_name,
    parse_packages,
    parse_release,
    signed_text,
)
from perennial.learn.download import Downloader
from perennial.learn.libraries import Found, wanted_libraries
from perennial.learn.limits import Budget, Limits
from perennial.learn.packages import libraries_of
from perennial.learn.streams import decompressed, file_chunks
from perennial.learn.tiers import package_tiers
from perennial.platform_tag import Libc

# A Packages file of Debian's main has 60 MB.
_INDEX_LIMITS: Final = Limits(total=4 << 30)
_COMPONENT: Final = "main"
_COMPRESSIONS: Final = (".xz", ".gz", "")


class Suite(NamedTuple):
    """A suite of a mirror whose Release file was read."""

    url: str  # of dists/SUITE, without a slash at its end
    mirror: str
    release: Release
    is_verified: bool  # by signature


class MirrorSnapshot(NamedTuple):
    """A snapshot, and the index that it was made from."""

    snapshot: Snapshot
    packages: IndexFile
    release: Release


def open_suite(
    mirror: str, suite: str, downloader: Downloader, *, keyring: Path | None, now: datetime, allow_expired: bool
) -> Suite:
    """Reads a suite's Release file; `now` is the date on which it must be valid."""
    url = f"{mirror.rstrip('/')}/dists/{suite}"
    text, is_verified = _release_text(url, downloader, keyring)
    release = parse_release(text, redact(url))
    if release.valid_until is not None and now > release.valid_until and not allow_expired:
        raise UnreadableError(
            f"{redact(url)} was valid until {release.valid_until:%Y-%m-%d}: this mirror is stale, or somebody sends an "
            "old state of it; to learn it all the same: --allow-expired"
        )
    return Suite(url, mirror.rstrip("/"), release, is_verified)


def learn_suite(
    suite: Suite,
    architecture: Architecture,
    downloader: Downloader,
    *,
    release: str,
    kind: str,
    date: str | None = None,
    libc: Libc = Libc.GLIBC,
) -> MirrorSnapshot:
    """What a suite provides on an architecture; `date` None is the date of its Release file.

    With `libc` musl, what its package of musl provides, which says something about musl and
    nothing about the suite: there are no tiers, then.
    """
    if architecture not in suite.release.architectures:
        there = ", ".join(suite.release.architectures)
        raise UsageError(f"{redact(suite.url)} has no {architecture.value} (it has: {there})")
    index, packages = packages_of(suite, architecture, downloader)
    found = list(_libraries(suite, packages, downloader, libc))
    snapshot = assemble(
        found,
        release=release,
        architecture=architecture,
        date=date or suite.release.date,
        kind=kind,
        source=f"{redact(suite.url)} for {architecture.value}",
        tiers=package_tiers(packages) if libc is Libc.GLIBC else None,
        complete=True,
    )
    return MirrorSnapshot(snapshot, packages=index, release=suite.release)


def packages_of(
    suite: Suite, architecture: Architecture, downloader: Downloader
) -> tuple[IndexFile, dict[str, BinaryPackage]]:
    """A suite's index for an architecture, and its packages by name."""
    index = _find_index(suite, architecture)
    return index, _read_index(suite, index, downloader)


def _release_text(url: str, downloader: Downloader, keyring: Path | None) -> tuple[str, bool]:
    signed = downloader.small(f"{url}/InRelease")
    if signed is not None:
        if keyring is None:
            return signed_text(signed.decode("utf-8", "replace")), False
        return _verified(url, keyring, signed, None), True
    plain = downloader.small(f"{url}/Release")
    if plain is None:
        raise FetchError(f"{redact(url)} has no Release file: check the mirror's URL and the suite's name")
    if keyring is None:
        return plain.decode("utf-8", "replace"), False
    signature = downloader.small(f"{url}/Release.gpg")
    if signature is None:
        raise FetchError(f"{redact(url)} has no signature to verify with {keyring}")
    return _verified(url, keyring, plain, signature), True


def _verified(url: str, keyring: Path, data: bytes, signature: bytes | None) -> str:
    """What gpgv says was signed, which is not all that stands in the file."""
    program = shutil.which("gpgv")
    if program is None:
        raise UnreadableError("--keyring needs gpgv, which is not installed")
    with tempfile.TemporaryDirectory(prefix="perennial-") as folder:
        content, output = Path(folder, "content"), Path(folder, "verified")
        content.write_bytes(data)
        command = [program, "--keyring", str(keyring.absolute())]
        if signature is None:
            command += ["--output", str(output), str(content)]
        else:
            detached = Path(folder, "signature")
            detached.write_bytes(signature)
            command += [str(detached), str(content)]
        # no shell, and no argument that could be taken for an option
        result = subprocess.run(command, capture_output=True, check=False, text=True, errors="replace")  # noqa: S603
        if result.returncode != 0:
            reason = " ".join(result.stderr.split())[-300:]
            raise UnreadableError(f"{redact(url)}: no key of {keyring} vouches for it ({reason})")
        return (content if signature is not None else output).read_text(encoding="utf-8", errors="replace")


def _find_index(suite: Suite, architecture: Architecture) -> IndexFile:
    base = f"{_COMPONENT}/binary-{debian_name(architecture)}/Packages"
    for ending in _COMPRESSIONS:
        if base + ending in suite.release.files:
            return suite.release.files[base + ending]
    raise UnreadableError(f"{redact(suite.url)} vouches for no {base}")


def _read_index(suite: Suite, index: IndexFile, downloader: Downloader) -> dict[str, BinaryPackage]:
    """All packages by name; of several versions, the first."""
    folder, _, _ = index.path.rpartition("/")
    path = f"{folder}/by-hash/SHA256/{index.sha256}" if suite.release.by_hash else index.path
    file = downloader.file(f"{suite.url}/{path}", size=index.size, sha256=index.sha256)
    budget = Budget(redact(f"{suite.url}/{index.path}"), _INDEX_LIMITS)
    packages: dict[str, BinaryPackage] = {}
    with file.open("rb") as raw:
        for package in parse_packages(_lines(decompressed(file_chunks(raw), budget)), budget.archive):
            packages.setdefault(package.name, package)
    return packages


def _lines(chunks: Iterator[bytes]) -> Iterator[str]:
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line.decode("utf-8", "replace") + "\n"
    if rest:
        yield rest.decode("utf-8", "replace")


def _libraries(suite: Suite, packages: dict[str, BinaryPackage], downloader: Downloader, libc: Libc) -> Iterator[Found]:
    names = {name for library in wanted_libraries(libc).values() for name in library.debian_packages}
    for name in sorted(names & packages.keys()):
        package = packages[name]
        url = f"{suite.mirror}/{package.path}"
        path = downloader.file(url, size=package.size, sha256=package.sha256)
        with path.open("rb") as file:
            yield from libraries_of(Deb(file, budget := Budget(redact(url))), budget)
