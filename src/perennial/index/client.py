"""HTTP, and nothing else: one GET with retries, redirects, credentials and certificates.

Redirects are followed here and not by httpx, because each hop needs its own answers: may it
be plain HTTP, whose credentials does it get, is its certificate to be verified (a trusted
host must not be able to redirect to a host that is then trusted likewise).
"""

from __future__ import annotations

import ipaddress
import ssl
import time
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from urllib.parse import urljoin, urlsplit

import httpx

from perennial import __version__
from perennial.errors import FetchError
from perennial.index.credentials import credentials_for, without_credentials
from perennial.index.redact import redact
from perennial.lean_typing import TYPE_CHECKING, Final, NamedTuple, Self

if TYPE_CHECKING:
    from perennial.index.settings import IndexSettings

_MAX_REDIRECTS: Final = 20
_MAX_WAIT: Final = 30.0  # seconds between two attempts, whatever Retry-After asks for
_CHUNK: Final = 1 << 18
_AGENT: Final = f"perennial/{__version__}"

Sink = Callable[[bytes], object]


class UnreachableError(FetchError):
    """Nobody answered, as against somebody who said no."""


class RefusedError(FetchError):
    """A host answered, with a status that says no."""

    def __init__(self, message: str, status: int) -> None:
        self.status = status
        super().__init__(message)


class Answer(NamedTuple):
    """Where a GET ended, and what kind of thing was there."""

    url: str
    content_type: str


class _TransientError(Exception):
    """This attempt failed in a way in which the next need not."""

    def __init__(self, error: FetchError, wait: float | None = None) -> None:
        self.error = error
        self.wait = wait


class IndexClient:
    """Speaks to indexes; a context manager, for it keeps connections open."""

    def __init__(self, settings: IndexSettings) -> None:
        self._settings = settings
        self._clients: dict[bool, httpx.Client] = {}  # by whether certificates are verified
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def get(self, url: str, *, accept: str, begin: Callable[[int | None], Sink]) -> Answer:
        """Gets `url`. Every attempt calls `begin` with the size, if known, and feeds what it returns.

        Raises UnreachableError or RefusedError, each with one line that says what to do.
        """
        for attempt in range(self._settings.retries + 1):
            try:
                return self._attempt(url, accept, begin)
            except _TransientError as failure:
                if attempt == self._settings.retries:
                    raise failure.error from failure
                wait = self._settings.backoff * 2**attempt if failure.wait is None else failure.wait
                time.sleep(min(wait, _MAX_WAIT))
        raise AssertionError("retries are never negative")

    def _attempt(self, url: str, accept: str, begin: Callable[[int | None], Sink]) -> Answer:
        for _ in range(_MAX_REDIRECTS):
            try:
                step = self._step(url, accept, begin)
            except httpx.InvalidURL as error:
                raise UnreachableError(f"{redact(url)} is no URL: {redact(str(error))}") from error
            except httpx.TransportError as error:
                raise self._transport_failure(url, error) from error
            if isinstance(step, Answer):
                return step
            url = step
        raise UnreachableError(f"{redact(url)}: more than {_MAX_REDIRECTS} redirects")

    def _step(self, url: str, accept: str, begin: Callable[[int | None], Sink]) -> Answer | str:
        """One request: the answer, or the URL to go on to."""
        self._check_security(url)
        known = credentials_for(url, self._settings.index_urls, self._settings.netrc)
        request = self._client(url).stream(
            "GET",
            without_credentials(url),
            headers={"Accept": accept},
            auth=None if known is None else httpx.BasicAuth(*known),
        )
        with request as response:
            if response.has_redirect_location:
                return urljoin(url, response.headers["Location"])
            if response.status_code != 200:
                raise _refusal(url, response, with_credentials=known is not None)
            sink = begin(_length(response))
            # Raw: a hash is of the bytes as the index has them; we asked for no encoding.
            for chunk in response.iter_raw(_CHUNK):
                sink(chunk)
            return Answer(url, response.headers.get("Content-Type", ""))

    def _check_security(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme == "https" or (
            parts.scheme == "http" and (self._is_trusted(url) or _is_loopback(parts.hostname))
        ):
            return
        if parts.scheme == "http":
            raise UnreachableError(
                f"{redact(url)} is plain HTTP, which anybody on the way can change: "
                f"use https, or trust it with PIP_TRUSTED_HOST={parts.hostname}"
            )
        raise UnreachableError(f"{redact(url)}: {redact(parts.scheme) or 'no scheme'} is not a way to reach an index")

    def _is_trusted(self, url: str) -> bool:
        parts = urlsplit(url)
        host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname
        return not {host, f"{host}:{parts.port}"}.isdisjoint(self._settings.trusted_hosts)

    def _client(self, url: str) -> httpx.Client:
        verified = not self._is_trusted(url)
        client = self._clients.get(verified)
        if client is None:
            client = self._stack.enter_context(self._new_client(verified=verified))
            self._clients[verified] = client
        return client

    def _new_client(self, *, verified: bool) -> httpx.Client:
        settings = self._settings
        try:
            return httpx.Client(
                verify=_ssl_context(settings, verified=verified),
                proxy=settings.proxy,
                trust_env=settings.proxy is None and settings.environment_proxies,
                timeout=httpx.Timeout(settings.timeout),
                headers={"User-Agent": _AGENT, "Accept-Encoding": "identity"},
            )
        except (ImportError, ValueError, httpx.InvalidURL) as error:
            # ImportError: socks:// needs a package that httpx does not depend on
            raise FetchError(
                f"the proxy cannot be used: {redact(str(error))}; see PIP_PROXY and HTTPS_PROXY"
            ) from error

    def _transport_failure(self, url: str, error: httpx.TransportError) -> Exception:
        where = redact(url)
        reason = redact(str(error)) or type(error).__name__
        if _is_about_certificates(error):
            return UnreachableError(
                f"{where}: {reason}; name the authority's certificates with PIP_CERT or SSL_CERT_FILE"
            )
        if isinstance(error, httpx.TimeoutException):
            reason = f"no answer within {self._settings.timeout:g} s (PIP_TIMEOUT)"
        message = f"{where} cannot be reached: {reason}; check the network, PIP_INDEX_URL or --index-url"
        failure = UnreachableError(message)
        final = isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError)
        return failure if final else _TransientError(failure)


def _refusal(url: str, response: httpx.Response, *, with_credentials: bool) -> Exception:
    status = response.status_code
    said = f"{status} {redact(response.reason_phrase)}".strip()
    if status in (401, 403):
        tried = "these credentials are not enough" if with_credentials else "it wants credentials"
        advice = f"{tried}: put them into the index URL or into netrc"
    elif status in (404, 410):
        advice = "there is no such thing there"
    else:
        advice = (
            "try again later" if status >= 500 or status == 429 else "this is no package index, or another path of one"
        )
    error = RefusedError(f"{redact(url)} answers {said}: {advice}", status)
    return _TransientError(error, _retry_after(response)) if status >= 500 or status == 429 else error


def _retry_after(response: httpx.Response) -> float | None:
    """Retry-After in seconds (RFC 9110, 10.2.3); None where it is absent or a date."""
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isascii() and value.isdigit() else None


def _length(response: httpx.Response) -> int | None:
    value = response.headers.get("Content-Length", "")
    return int(value) if value.isascii() and value.isdigit() else None


def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def _is_about_certificates(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _ssl_context(settings: IndexSettings, *, verified: bool) -> ssl.SSLContext:
    """As pip: the certificates that are named, and else the system's with certifi's."""
    import os

    named = settings.certificates
    try:
        if named is None:
            context = ssl.create_default_context()
            import certifi

            context.load_verify_locations(certifi.where())
        elif os.path.isdir(named):
            context = ssl.create_default_context(capath=named)
        else:
            context = ssl.create_default_context(cafile=named)
        if settings.client_cert is not None:
            context.load_cert_chain(settings.client_cert)
    except (OSError, ValueError) as error:
        which = settings.client_cert if named is None else named
        raise FetchError(f"certificates {which} cannot be used: {error}; see PIP_CERT and PIP_CLIENT_CERT") from error
    if not verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
