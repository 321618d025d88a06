"""Source distributions by version and SHA-256, from wherever pip is configured to look.

`pip download` of an sdist runs its build backend, for the metadata; here the file alone is wanted, for another machine
than this one. So perennial's own index client gets it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from perennial.errors import FetchError
from perennial.index import list_files, settings_from_pip
from perennial.index.client import IndexClient
from perennial.index.local import path_of
from tests.roots.make import UnavailableError, alone, testing_cache


class Sdist(NamedTuple):
    """A source distribution by file name and hash."""

    filename: str
    sha256: str

    def __str__(self) -> str:
        return self.filename.rpartition("-")[0]


def obtain_sdist(sdist: Sdist) -> Path:
    """The file, after its hash was checked; downloaded where it is not there.

    UnavailableError where no index has it; AssertionError where one has another file of that name.
    """
    path = testing_cache() / "sdists" / sdist.filename
    with alone(path.with_name(f".{sdist.filename}.lock")):
        if not path.is_file():
            data = _download(sdist)
            assert hashlib.sha256(data).hexdigest() == sdist.sha256, f"{sdist.filename} is not the one that is locked"
            path.write_bytes(data)
    return path


def _download(sdist: Sdist) -> bytes:
    settings = settings_from_pip(os.environ)
    try:
        found = list_files(str(sdist), settings).sources
        url = next((link.url for link in found if link.filename == sdist.filename), None)
        if url is None:
            raise UnavailableError(f"no index has {sdist.filename}")
        if url.startswith("file:"):
            return path_of(url).read_bytes()
        chunks: list[bytes] = []

        def begin(_: int | None) -> Callable[[bytes], None]:
            chunks.clear()  # of an attempt before
            return chunks.append

        with IndexClient(settings) as client:
            client.get(url, accept="*/*", begin=begin)
        return b"".join(chunks)
    except FetchError as error:
        raise UnavailableError(str(error)) from error
