"""What was read of wheels and libraries, kept by the hash of their bytes.

One file an input, `<folder>/<two digits>/<key>.z`: JSON, deflated. The key is the hash of the input's
SHA-256, of the symbols that were looked for and of the format's number, so that nothing ever has to be
updated; what cannot be read any more is as good as not there. Files appear whole or not at all, and the
oldest go when there are too many.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import zlib
from collections.abc import Iterable

from perennial.lean_typing import Any, Final

_FORMAT: Final = 2
_MOST_BYTES: Final = 256 << 20
_LARGEST: Final = 512 << 20  # of one record, inflated
_SUFFIX: Final = ".z"


def digest_of_names(names: Iterable[str]) -> str:
    """A hash that stands for a set of symbols."""
    return hashlib.sha256("\0".join(sorted(names)).encode("utf-8", "surrogatepass")).hexdigest()


class FactsCache:
    """A folder of records, or, with None, no cache at all. Whatever goes wrong with it is no error."""

    def __init__(self, folder: str | None) -> None:
        self._folder: Final = folder
        self._has_written = False

    @property
    def is_used(self) -> bool:
        return self._folder is not None

    def get(self, content: str, names: str, name: str) -> Any:
        """The record of an input, None where there is none; `name` is what it calls itself."""
        path = self._path(content, names, name)
        if path is None:
            return None
        try:
            with open(path, "rb") as file:
                inflater = zlib.decompressobj()
                data = inflater.decompress(file.read(), _LARGEST)
            if not inflater.eof:
                return None
            record = json.loads(data)
            os.utime(path)  # the oldest are those that nobody has asked for
        except (OSError, ValueError, zlib.error, RecursionError):
            return None
        return record

    def put(self, content: str, names: str, name: str, record: object) -> None:
        path = self._path(content, names, name)
        if path is None:
            return
        data = zlib.compress(json.dumps(record, separators=(",", ":")).encode(), 1)
        partial = f"{path}.{os.getpid()}.part"
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(partial, "wb") as file:
                file.write(data)
            os.replace(partial, path)
            self._has_written = True
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(partial)

    def prune(self) -> None:
        """Removes the oldest records until the rest fits; call it when all is written."""
        if self._folder is None or not self._has_written:
            return
        found = []
        for folder, _, names in os.walk(self._folder):
            for name in names:
                with contextlib.suppress(OSError):
                    status = os.stat(os.path.join(folder, name))
                    found.append((status.st_mtime, status.st_size, os.path.join(folder, name)))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= _MOST_BYTES:
                return
            with contextlib.suppress(OSError):
                os.unlink(path)
            total -= size

    def _path(self, content: str, names: str, name: str) -> str | None:
        if self._folder is None:
            return None
        text = f"{_FORMAT}\0{content}\0{names}\0{name}"
        key = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        return os.path.join(self._folder, key[:2], key + _SUFFIX)
