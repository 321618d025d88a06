"""A folder of wheels, each under the hash of its bytes: wheels/<ab>/<sha256>/<file name>.

A file gets its name only when it is whole and its hash is the one that was promised: it is
written beside (partial/), and then renamed, which POSIX does at once or not at all. What lies
here is hashed again when it is used, so that a damaged disk is not a damaged wheel.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from perennial.errors import FetchError
from perennial.index.links import CHECKSUMS, WheelLink
from perennial.index.redact import redact
from perennial.lean_typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from perennial.lean_typing import BinaryIO

_CHUNK: Final = 1 << 20


def default_cache_dir(environ: Mapping[str, str]) -> Path:
    """PERENNIAL_CACHE_DIR, or the platform's folder for caches."""
    chosen = environ.get("PERENNIAL_CACHE_DIR")
    if chosen:
        return Path(chosen)
    from platformdirs import user_cache_path

    return user_cache_path("perennial")


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


def _new_hash(name: str) -> _Hash:
    if name == "blake2b_256":
        return hashlib.blake2b(digest_size=32)
    return hashlib.new(name, usedforsecurity=name not in CHECKSUMS)  # FIPS mode has these for nothing else


class HashingWriter:
    """Writes to a file and hashes what it writes, by SHA-256 and by what the index gave."""

    def __init__(self, link: WheelLink, file: BinaryIO) -> None:
        self._file = file
        self._hashes = {name: _new_hash(name) for name in {"sha256", *(name for name, _ in link.promises)}}

    def __call__(self, data: bytes) -> None:
        for each in self._hashes.values():
            each.update(data)
        self._file.write(data)

    def digest(self, name: str) -> str:
        return self._hashes[name].hexdigest()


def verify(link: WheelLink, digest: Callable[[str], str]) -> None:
    """FetchError with both hashes where one differs from what the index gave."""
    for name, promised in link.promises:
        found = digest(name)
        if found != promised:
            raise FetchError(
                f"{link.filename} from {redact(link.url)} is not what the index promises: "
                f"{name} is {found}, and should be {promised}; nothing was kept"
            )


def verify_file(link: WheelLink, path: Path) -> None:
    """The same for a file that is there already."""
    names = [name for name, _ in link.proofs]
    if not names:
        return
    hashes = {name: _new_hash(name) for name in names}
    with path.open("rb") as file:
        while data := file.read(_CHUNK):
            for each in hashes.values():
                each.update(data)
    verify(link, lambda name: hashes[name].hexdigest())


class WheelCache:
    """The wheels below a folder, which need not exist yet."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def find(self, link: WheelLink) -> Path | None:
        """The wheel that a link means, if it is here and sound; only a link with a SHA-256 can say."""
        if link.sha256 is None:
            return None
        path = self._place(link.sha256, link.filename)
        try:
            verify_file(link, path)
        except (OSError, FetchError):
            return None
        return path

    def links_of(self, project: str) -> Iterator[WheelLink]:
        """Links to all stored wheels of a project (normalized name)."""
        from packaging.utils import canonicalize_name

        for path in sorted((self._root / "wheels").glob("*/*/*.whl")):
            if canonicalize_name(path.name.partition("-")[0]) == project:
                yield WheelLink(path.name, path.absolute().as_uri(), (("sha256", path.parent.name),))

    def store(self, link: WheelLink, download: Callable[[Callable[[], HashingWriter]], object]) -> Path:
        """Runs `download` with a function that begins the file anew, verifies, and moves it to its place.

        Whatever goes wrong, also Ctrl-C, nothing is left under the wheel's name.
        """
        with self._explained(link):
            partial = self._root / "partial"
            partial.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=partial, suffix=".whl")
            try:
                with open(handle, "wb") as file:
                    writer = _download(link, file, download)
                place = self._place(writer.digest("sha256"), link.filename)
                place.parent.mkdir(parents=True, exist_ok=True)
                os.replace(name, place)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(name)
                raise
            return place

    def _place(self, sha256: str, filename: str) -> Path:
        return self._root / "wheels" / sha256[:2] / sha256 / filename

    @contextlib.contextmanager
    def _explained(self, link: WheelLink) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            size = "" if link.size is None else f" ({link.size / 1e6:.0f} MB)"
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            reason = "no space is left" if full else error.strerror or str(error)
            remedy = "make room, " if full else ""
            raise FetchError(
                f"{link.filename}{size} cannot be stored in {self._root}: {reason}; "
                f"{remedy}name another folder with PERENNIAL_CACHE_DIR, or keep nothing with --no-cache"
            ) from error


def _download(
    link: WheelLink, file: BinaryIO, download: Callable[[Callable[[], HashingWriter]], object]
) -> HashingWriter:
    """The writer of the attempt that succeeded, its bytes verified and on their way to the disk."""
    attempts: list[HashingWriter] = []

    def begin() -> HashingWriter:
        file.seek(0)
        file.truncate()
        attempts.append(HashingWriter(link, file))
        return attempts[-1]

    download(begin)
    file.flush()
    verify(link, attempts[-1].digest)
    return attempts[-1]
