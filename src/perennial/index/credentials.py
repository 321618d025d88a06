"""Names and passwords for an index: from its URL, from another index on the same origin, from netrc.

As pip does it: the files of an index often lie beside its pages, and are then asked for with
the same credentials; they are never sent to another origin (scheme, host and port).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from netrc import NetrcParseError, netrc
from urllib.parse import SplitResult, unquote, urlsplit

_PORTS = {"http": 80, "https": 443}


def credentials_for(url: str, index_urls: Sequence[str], netrc_file: str | None) -> tuple[str, str] | None:
    """(name, password) to ask for `url` with; None where there are none."""
    parts = urlsplit(url)
    for known in (parts, *map(urlsplit, index_urls)):
        if known.username is not None and origin(known) == origin(parts):
            return unquote(known.username), unquote(known.password or "")
    return None if netrc_file is None else _netrc_entry(netrc_file, parts.hostname or "")


def origin(parts: SplitResult) -> tuple[str, str, int | None]:
    """Scheme, host and port, with the scheme's own port filled in."""
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme)


def without_credentials(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


@cache
def _netrc_entry(path: str, host: str) -> tuple[str, str] | None:
    # A netrc that cannot be read is as none at all, as for pip and curl: most have nothing to
    # do with the index, and where one has, the index answers 401, and that is said.
    try:
        found = netrc(path).authenticators(host)
    except (OSError, NetrcParseError, UnicodeDecodeError):
        return None
    return None if found is None else (found[0], found[2])
