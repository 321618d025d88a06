"""A page of the simple repository API, from bytes to values. Nothing here opens anything.

HTML is PEP 503: every anchor is a file; the last part of its path is the name, a fragment
`#sha256=…` the hash, `data-requires-python` and `data-yanked` (PEP 592) what they say. JSON is
PEP 691, with `size` and `upload-time` of PEP 700. PEP 629 numbers the versions of both: a
minor version that we do not know adds, a major one breaks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlsplit

from perennial.errors import FetchError
from perennial.index.links import CHECKSUMS, PROOFS, ProjectPage, SourceLink, WheelLink
from perennial.index.redact import redact
from perennial.lean_typing import Final

# PEP 427's alphabet, with what versions add to it: the name becomes a file's, so nothing else.
_WHEEL_NAME: Final = re.compile(r"[A-Za-z0-9_.!+-]{1,250}\.whl", re.IGNORECASE)
_SOURCE_NAME: Final = re.compile(r"[A-Za-z0-9_.!+-]{1,250}\.(?:tar\.gz|zip)", re.IGNORECASE)
_FRAGMENT_HASH: Final = re.compile(r"(?:^|&)([a-z0-9_]+)=([0-9A-Za-z]+)")
_CHARSET: Final = re.compile(r"charset=\"?([\w.-]+)", re.IGNORECASE)
_REMOTE: Final = ("http", "https")


def parse_page(body: bytes, *, content_type: str, url: str) -> ProjectPage:
    """The files that a page lists; FetchError where it is no page of the simple API.

    `url` is where the page was found in the end: relative links count from there.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind.endswith("json"):
        files = _json_files(body, url)
    elif kind in ("text/html", "application/xhtml+xml") or kind.endswith("+html"):
        files = _html_files(body, content_type, url)
    else:
        raise FetchError(f"{redact(url)} is no page of a package index: it is {redact(kind) or 'of no known type'}")
    return _page(files, url)


def link_of_file(url: str) -> WheelLink | None:
    """The link that a URL alone makes; None where it is not a wheel's."""
    link = _link(url, filename=None)
    return link if isinstance(link, WheelLink) else None


def source_of_file(url: str) -> SourceLink | None:
    """The source distribution that a URL alone makes; None where it is none's."""
    link = _link(url, filename=None)
    return link if isinstance(link, SourceLink) else None


def _page(files: Iterator[WheelLink | SourceLink | None], url: str) -> ProjectPage:
    # Only what came from this machine may point into this machine.
    schemes = _REMOTE if urlsplit(url).scheme in _REMOTE else (*_REMOTE, "file")
    wheels, sources, others = [], [], 0
    for link in files:
        if isinstance(link, WheelLink) and urlsplit(link.url).scheme in schemes:
            wheels.append(link)
            continue
        others += 1
        if isinstance(link, SourceLink):
            sources.append(link if urlsplit(link.url or "").scheme in schemes else link._replace(url=None))
    return ProjectPage(tuple(wheels), others, tuple(sources))


def _link(
    url: str,
    *,
    filename: str | None,
    hashes: tuple[tuple[str, str], ...] = (),
    requires_python: str | None = None,
    yanked: str | None = None,
    size: int | None = None,
    upload_time: str | None = None,
) -> WheelLink | SourceLink | None:
    bare, _, fragment = url.partition("#")
    if filename is None:
        filename = unquote(bare.partition("?")[0].rpartition("/")[2])
    if _SOURCE_NAME.fullmatch(filename) is not None:
        return SourceLink(filename, requires_python or None, yanked, bare)
    if _WHEEL_NAME.fullmatch(filename) is None:
        return None
    in_fragment = ((n, d.lower()) for n, d in _FRAGMENT_HASH.findall(fragment) if n in PROOFS or n in CHECKSUMS)
    found = hashes or tuple(in_fragment)
    return WheelLink(filename, bare, found, requires_python or None, yanked, size, upload_time)


# --- HTML ---------------------------------------------------------------------------------


class _Anchors(HTMLParser):
    """Collects the anchors' attributes, the base and the version of the API."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.anchors: list[dict[str, str | None]] = []
        self.base: str | None = None
        self.version: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.anchors.append(dict(attrs))
        elif tag == "base" and self.base is None:
            self.base = dict(attrs).get("href")
        elif tag == "meta":
            values = dict(attrs)
            if values.get("name") == "pypi:repository-version":
                self.version = values.get("content")


def _html_files(body: bytes, content_type: str, url: str) -> Iterator[WheelLink | SourceLink | None]:
    charset = _CHARSET.search(content_type)
    try:
        text = body.decode(charset[1] if charset else "utf-8", errors="replace")
    except LookupError:
        text = body.decode("utf-8", errors="replace")
    page = _Anchors()
    page.feed(text)
    page.close()
    _check_version(page.version, url)
    base = urljoin(url, page.base) if page.base else url
    for anchor in page.anchors:
        href = (anchor.get("href") or "").strip()
        target = _join(base, href) if href else None
        if target is None or urlsplit(target).path.endswith("/"):
            continue  # to a folder: the way up in a server's own listing, and no file
        yield _link(
            target,
            filename=None,
            requires_python=anchor.get("data-requires-python"),
            # PEP 592: present at all means yanked, the value is the reason.
            yanked=(anchor["data-yanked"] or "") if "data-yanked" in anchor else None,
            upload_time=anchor.get("data-upload-time"),
        )


def _join(base: str, href: str) -> str | None:
    try:
        joined = urljoin(base, href)
        urlsplit(joined)
    except ValueError:  # "Invalid IPv6 URL" and the like: a link that leads nowhere
        return None
    return joined


# --- JSON ---------------------------------------------------------------------------------


def _json_files(body: bytes, url: str) -> Iterator[WheelLink | SourceLink | None]:
    try:
        page = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise FetchError(f"{redact(url)} says that it is JSON and is not: {type(error).__name__}") from error
    meta = page.get("meta") if isinstance(page, dict) else None
    files = page.get("files") if isinstance(page, dict) else None
    if not isinstance(files, list):
        raise FetchError(f"{redact(url)} is no page of a package index: it has no list of files (PEP 691)")
    _check_version(meta.get("api-version") if isinstance(meta, dict) else None, url)
    for file in files:
        if not isinstance(file, dict) or not isinstance(file.get("url"), str):
            raise FetchError(f"{redact(url)} lists a file without a url (PEP 691)")
        target = _join(url, file["url"])
        if target is not None:
            yield _json_link(file, target)


def _json_link(file: dict[str, object], target: str) -> WheelLink | SourceLink | None:
    hashes, yanked, size = file.get("hashes"), file.get("yanked"), file.get("size")
    reason = yanked if isinstance(yanked, str) else ""
    return _link(
        target,
        filename=_text(file.get("filename")),
        hashes=tuple(sorted((str(n).lower(), str(d).lower()) for n, d in hashes.items()))
        if isinstance(hashes, dict)
        else (),
        requires_python=_text(file.get("requires-python")),
        yanked=reason if yanked else None,
        size=size if isinstance(size, int) and size >= 0 else None,
        upload_time=_text(file.get("upload-time")),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _check_version(version: object, url: str) -> None:
    if version is not None and str(version).partition(".")[0].strip() != "1":
        raise FetchError(
            f"{redact(url)} speaks version {redact(str(version))} of the simple repository API; "
            "perennial speaks 1: see whether a newer perennial does"
        )
