"""Where wheels are fetched from, and how: pip's own settings, and the standard variables.

A person who can `pip install numpy` can `perennial show numpy`, with no setting of
perennial's own. The certificates are the first of PIP_CERT (or `cert` in pip's files),
REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE (pip honours both), SSL_CERT_FILE and SSL_CERT_DIR.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from perennial.errors import UsageError
from perennial.index.local import path_of
from perennial.index.pip_config import home_folder, pip_options
from perennial.index.redact import redact
from perennial.lean_typing import Final, NamedTuple

_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_CERTIFICATE_VARIABLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


class IndexSettings(NamedTuple):
    """Everything that fetching depends on; URLs may hold credentials, which `repr` leaves out."""

    index_urls: tuple[str, ...] = ()  # roots of simple repositories, all equal
    find_links: tuple[str, ...] = ()  # URLs of pages and folders that list files
    certificates: str | None = None  # a PEM file or a folder; None: the system's and certifi's
    client_cert: str | None = None  # a PEM file with certificate and key
    trusted_hosts: tuple[str, ...] = ()  # "host" or "host:port": plain HTTP or any certificate will do
    timeout: float = 15.0  # seconds, for each read and connect
    retries: int = 5
    proxy: str | None = None
    environment_proxies: bool = True  # HTTPS_PROXY, NO_PROXY and their like, where `proxy` is None
    netrc: str | None = None
    backoff: float = 0.25  # seconds before the first retry; doubled before each further one

    def __repr__(self) -> str:
        urls = ", ".join(map(redact, (*self.index_urls, *self.find_links)))
        return f"<IndexSettings {urls}>"


def settings_from_pip(
    environ: Mapping[str, str], *, index_url: str | None = None, extra_index_urls: Sequence[str] = ()
) -> IndexSettings:
    """The settings that pip would use under `environ`; an explicit `index_url` wins over all.

    Where no index is configured and none is forbidden, pip is asked for its default, which
    takes a third of a second.
    """
    for text in (*extra_index_urls, *(() if index_url is None else (index_url,))):
        _check_there(text, environ)
    options = pip_options(environ)
    indexes = _index_urls(environ, options, index_url, extra_index_urls)
    found = options.get("cert") or next((environ[v] for v in _CERTIFICATE_VARIABLES if environ.get(v)), None)
    return IndexSettings(
        index_urls=_unique(_as_url(url, environ) for url in indexes),
        find_links=_unique(_as_url(url, environ) for url in options.get("find-links", "").split()),
        certificates=found,
        client_cert=options.get("client-cert"),
        trusted_hosts=tuple(options.get("trusted-host", "").split()),
        timeout=_number(options, "timeout", 15.0),
        retries=int(_number(options, "retries", 5)),
        proxy=options.get("proxy"),
        environment_proxies=not _flag(options, "no-proxy-env"),
        netrc=_netrc(environ),
    )


def _index_urls(
    environ: Mapping[str, str], options: Mapping[str, str], explicit: str | None, extra: Sequence[str]
) -> tuple[str, ...]:
    forbidden = _flag(options, "no-index")
    configured = () if forbidden else tuple(options.get("extra-index-url", "").split())
    if explicit is not None:
        return (explicit, *configured, *extra)
    if forbidden:
        return ()
    first = options.get("index-url")
    if first is None:
        from perennial.index.default_index import default_index_url

        first = default_index_url(environ)
    return (first, *configured, *extra)


def _as_url(text: str, environ: Mapping[str, str]) -> str:
    """An index or find-links entry as a URL without a trailing slash; paths become file URLs."""
    scheme = _SCHEME.match(text)
    if scheme is None or len(scheme[1]) == 1:  # one letter is a Windows drive
        path = home_folder(environ) / text[2:] if text.startswith("~/") else Path(text)
        return path.absolute().as_uri()
    if scheme[1].lower() not in ("http", "https", "file"):
        raise UsageError(
            f"package index {redact(text)}: {scheme[1]} is not a way to reach one; use https, http or file"
        )
    return text.rstrip("/") if text.rstrip("/") != "file:" else "file:///"


def _check_there(text: str, environ: Mapping[str, str]) -> None:
    """A folder that a setting names may be missing, as for pip; one that somebody has just typed is a slip, and
    what other indexes have would hide it.
    """
    if not text.strip():
        raise UsageError("an empty address names no package index (is a variable of the shell unset?)")
    url = _as_url(text, environ)
    if url.startswith("file:") and not path_of(url).exists():
        raise UsageError(f"package index {redact(text)}: neither a URL nor a folder that is there")


def _unique(urls: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(urls))


def _flag(options: Mapping[str, str], name: str) -> bool:
    """pip's booleans (strtobool): y, yes, t, true, on, 1 and their opposites."""
    value = options.get(name, "0").lower()
    if value in ("y", "yes", "t", "true", "on", "1"):
        return True
    if value in ("n", "no", "f", "false", "off", "0"):
        return False
    raise UsageError(f"pip's setting {name} is {value!r}, and must be yes or no")


def _number(options: Mapping[str, str], name: str, default: float) -> float:
    value = options.get(name)
    if value is None:
        return default
    try:
        number = float(value)
    except ValueError as error:
        raise UsageError(f"pip's setting {name} is {value!r}, and must be a number") from error
    if not 0 <= number < 1e6:
        raise UsageError(f"pip's setting {name} is {value!r}, and must be between 0 and a million")
    return number


def _netrc(environ: Mapping[str, str]) -> str | None:
    home = home_folder(environ)
    places = [Path(environ["NETRC"])] if environ.get("NETRC") else [home / ".netrc", home / "_netrc"]
    return next((str(path) for path in places if path.is_file()), None)
