"""Downloads from a mirror: verified by hash, resumed where they were cut, kept by hash.

A file that is wanted is known by its SHA-256 before it is asked for: it lies in the cache under
that name, or as `NAME.part` as far as it came, and a Range request (RFC 9110, 14) brings the
rest. What arrives is believed when its hash is right, whoever sent it. Settings are pip's, as
for package indexes: certificates, proxy, time-outs, retries.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import ssl
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

import certifi
import httpx

from perennial import __version__
from perennial.errors import FetchError
from perennial.index.redact import redact
from perennial.lean_typing import TYPE_CHECKING, BinaryIO, Final, Protocol, Self

if TYPE_CHECKING:
    from perennial.index.settings import IndexSettings
    from perennial.progress import Progress

_MAX_WAIT: Final = 30.0
_LARGEST_UNPROVEN: Final = 16 << 20  # a Release file; the largest known has 0.3 MB
_BUSY: Final = frozenset({429, 500, 502, 503, 504})


class Downloader:
    """Gets files from mirrors into a folder; a context manager, for it keeps connections open.

    `plain_http` says that plain HTTP will do, for what is fetched is verified by signature.
    """

    def __init__(
        self, folder: Path, settings: IndexSettings, *, plain_http: bool, progress: Progress | None = None
    ) -> None:
        self._folder = folder
        self._settings = settings
        self._plain_http = plain_http
        self._progress = progress
        self._stack = ExitStack()
        self._client: httpx.Client | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def small(self, url: str) -> bytes | None:
        """A file of which nothing is known beforehand; None where there is none."""
        sink = _MemorySink(url)
        return bytes(sink.data) if self._get(url, sink) else None

    def file(self, url: str, *, size: int, sha256: str) -> Path:
        """The path of a file with this size and hash, downloaded as far as it is not there yet."""
        path = self._folder / sha256[:2] / sha256
        if path.is_file() and _hash_of(path) == sha256:
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{sha256}.part")
        found = ""
        for _ in range(2):  # what lay there may have been damaged
            self._complete(url, partial, size)
            found = _hash_of(partial)
            if found == sha256:
                os.replace(partial, path)
                return path
            partial.unlink()
        raise FetchError(f"{redact(url)} is not what its index promises: SHA-256 {found}, and should be {sha256}")

    def _complete(self, url: str, partial: Path, size: int) -> None:
        with partial.open("r+b" if partial.exists() else "w+b") as file:
            file.seek(0, os.SEEK_END)
            sink = _FileSink(url, file, size, self._progress)
            if sink.size != size and not self._get(url, sink):
                raise FetchError(f"{redact(url)}: there is no such file there, though its index has it")

    def _get(self, url: str, sink: _Sink) -> bool:
        """Feeds what is at a URL to a sink; whether there is anything. Retries as pip does."""
        problem = ""
        for attempt in range(self._settings.retries + 1):
            if attempt:
                time.sleep(min(self._settings.backoff * 2**attempt, _MAX_WAIT))
            try:
                return self._attempt(url, sink)
            except _BusyError as error:
                problem = f"{redact(url)} answers {error}: try again later"
            except httpx.TransportError as error:
                problem = f"{redact(url)} cannot be reached: {redact(str(error)) or type(error).__name__}"
            except (httpx.InvalidURL, httpx.TooManyRedirects) as error:
                raise FetchError(f"{redact(url)} cannot be fetched: {redact(str(error))}") from error
        raise FetchError(problem)

    def _attempt(self, url: str, sink: _Sink) -> bool:
        start = sink.size
        headers = {"Range": f"bytes={start}-"} if start else {}
        with self._opened().stream("GET", url, headers=headers) as response:
            status = response.status_code
            if status in (404, 410):
                return False
            if status in _BUSY:
                raise _BusyError(str(status))
            if status == 416:  # there is nothing after what we have, which is too much, then
                sink.begin(0)
                raise _BusyError(str(status))
            if status not in (200, 206):
                raise FetchError(f"{redact(url)} answers {status}: it cannot be had from this mirror")
            if status == 206 and not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
                raise FetchError(f"{redact(url)}: the mirror sends another part of it than it was asked for")
            sink.begin(start if status == 206 else 0)
            for data in response.iter_raw():  # as it arrives, so that what came before a cut is kept
                sink.write(data)
            return True

    def _opened(self) -> httpx.Client:
        if self._client is None:
            settings = self._settings
            self._client = self._stack.enter_context(
                httpx.Client(
                    verify=_ssl_context(settings.certificates),
                    proxy=settings.proxy,
                    trust_env=settings.proxy is None and settings.environment_proxies,
                    timeout=httpx.Timeout(settings.timeout),
                    headers={"User-Agent": f"perennial/{__version__}", "Accept-Encoding": "identity"},
                    follow_redirects=True,
                    event_hooks={"request": [self._check_security]},
                )
            )
        return self._client

    def _check_security(self, request: httpx.Request) -> None:
        """For every hop. A signature makes plain HTTP as good as HTTPS, but for what others can see."""
        url = str(request.url)
        parts = urlsplit(url)
        if parts.scheme == "https" or (parts.scheme == "http" and (self._plain_http or is_loopback(parts.hostname))):
            return
        raise FetchError(
            f"{redact(url)} is not HTTPS, and without a signature anybody on the way could change what it sends: "
            "use https, or give the mirror's keys with --keyring"
        )


class _BusyError(Exception):
    """The server asks to come back later."""


class _Sink(Protocol):
    """Where bytes go; `size` is how many are there."""

    @property
    def size(self) -> int: ...
    def begin(self, offset: int) -> None:
        """What follows belongs at this offset; what was there from it on goes."""

    def write(self, data: bytes) -> None: ...


class _MemorySink:
    def __init__(self, url: str) -> None:
        self._url = url
        self.data = bytearray()

    @property
    def size(self) -> int:
        return 0  # a small file is begun anew

    def begin(self, offset: int) -> None:
        del self.data[offset:]

    def write(self, data: bytes) -> None:
        self.data += data
        if len(self.data) > _LARGEST_UNPROVEN:
            raise FetchError(f"{redact(self._url)} is larger than {_LARGEST_UNPROVEN} bytes, and no Release file")


class _FileSink:
    def __init__(self, url: str, file: BinaryIO, expected: int, progress: Progress | None) -> None:
        self._url = url
        self._file = file
        self._expected = expected
        self._progress = progress

    @property
    def size(self) -> int:
        return self._file.tell()

    def begin(self, offset: int) -> None:
        self._file.seek(offset)
        self._file.truncate()
        if self._progress is not None:
            self._progress.start(self._url.rpartition("/")[2], self._expected)
            self._progress.advance(offset)

    def write(self, data: bytes) -> None:
        self._file.write(data)
        if self._file.tell() > self._expected:
            raise FetchError(f"{redact(self._url)} is larger than the {self._expected} bytes that its index promises")
        if self._progress is not None:
            self._progress.advance(len(data))


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_loopback(host: str | None) -> bool:
    """Whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def _ssl_context(certificates: str | None) -> ssl.SSLContext:
    """The certificates that are named, and else the system's with certifi's, as pip has it."""
    try:
        if certificates is None:
            context = ssl.create_default_context()
            context.load_verify_locations(certifi.where())
            return context
        if os.path.isdir(certificates):
            return ssl.create_default_context(capath=certificates)
        return ssl.create_default_context(cafile=certificates)
    except (OSError, ValueError) as error:
        raise FetchError(f"certificates {certificates} cannot be used: {error}; see PIP_CERT") from error
