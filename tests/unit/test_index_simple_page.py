"""Pages of the simple repository API: PEP 503, 592, 629, 691 and 700, and what is not one."""

from __future__ import annotations

import json

import pytest

from perennial.errors import FetchError
from perennial.index.links import ProjectPage, SourceLink, WheelLink
from perennial.index.simple_page import parse_page

URL = "https://index.invalid/simple/demo/"
WHEEL = "demo-1.0-py3-none-any.whl"
SHA = "0123456789abcdef" * 4


def html(body: str, *, url: str = URL, content_type: str = "text/html") -> ProjectPage:
    return parse_page(body.encode(), content_type=content_type, url=url)


def one(body: str) -> WheelLink:
    (link,) = html(body).wheels
    return link


def pep691(*files: object, meta: object = None) -> ProjectPage:
    body = json.dumps({"meta": meta or {"api-version": "1.0"}, "files": files}).encode()
    return parse_page(body, content_type="application/vnd.pypi.simple.v1+json", url=URL)


def test_an_anchor_in_full() -> None:
    """PEP 503: the href's fragment is the hash, `<` and `>` in data-requires-python are escaped."""
    link = one(
        f'<a href="../../files/{WHEEL}?x=1#sha256={SHA.upper()}" data-requires-python="&gt;=3.8" '
        f'data-yanked="broken" data-upload-time="2026-01-01T00:00:00Z">whatever</a>'
    )
    assert link == WheelLink(
        WHEEL,
        f"https://index.invalid/files/{WHEEL}?x=1",
        (("sha256", SHA),),
        ">=3.8",
        "broken",
        None,
        "2026-01-01T00:00:00Z",
    )
    assert link.sha256 == SHA


def test_a_bare_anchor() -> None:
    link = one(f"<A HREF='{WHEEL}'>x</A>")
    assert (link.url, link.hashes, link.yanked, link.requires_python) == (URL + WHEEL, (), None, None)


def test_base_and_escapes() -> None:
    link = one('<base href="https://files.invalid/a/"><a href="demo-1.0%2Blocal-py3-none-any.whl">x</a>')
    assert link.filename == "demo-1.0+local-py3-none-any.whl"
    assert link.url == "https://files.invalid/a/demo-1.0%2Blocal-py3-none-any.whl"


@pytest.mark.parametrize("attribute", ["data-yanked", 'data-yanked=""'])
def test_yanked_without_a_reason(attribute: str) -> None:
    assert one(f'<a href="{WHEEL}" {attribute}>x</a>').yanked == ""


def test_md5_proves_nothing_and_is_a_promise() -> None:
    link = one(f'<a href="{WHEEL}#md5=00112233445566778899aabbccddeeff">x</a>')
    assert link.proofs == ()
    assert link.promises == (("md5", "00112233445566778899aabbccddeeff"),)
    assert link.sha256 is None


@pytest.mark.parametrize(
    "href",
    [
        "demo-1.0-docs.pdf",
        "..%2F..%2Fetc%2Fdemo-1.0-py3-none-any.whl",
        "demo-1.0-py3-none-any%0a.whl",
        "demo%1b[31m-1.0-py3-none-any.whl",
        "a" * 300 + ".whl",
        "file:///etc/demo-1.0-py3-none-any.whl",
        "ftp://files.invalid/demo-1.0-py3-none-any.whl",
    ],
)
def test_what_is_no_wheel_to_fetch(href: str) -> None:
    assert html(f'<a href="{href}">x</a>') == ProjectPage((), 1)


@pytest.mark.parametrize("href", ["../", "", "http://[bad/x.whl", "sub/"])
def test_links_that_are_no_files(href: str) -> None:
    assert html(f'<a href="{href}">x</a>') == ProjectPage()


def test_only_local_pages_link_to_local_files() -> None:
    page = html(f'<a href="{WHEEL}">x</a>', url="file:///srv/simple/demo/")
    assert page.wheels[0].url == f"file:///srv/simple/demo/{WHEEL}"


def test_json_in_full() -> None:
    page = pep691(
        {
            "filename": WHEEL,
            "url": f"/files/{WHEEL}",
            "hashes": {"sha256": SHA, "md5": "00"},
            "requires-python": ">=3.8",
            "yanked": "broken",
            "size": 12,
            "upload-time": "2026-01-01T00:00:00Z",
            "core-metadata": {"sha256": SHA},
        },
        {"filename": "demo-1.0.tar.gz", "url": "/files/demo-1.0.tar.gz", "hashes": {}},
    )
    hashes = (("md5", "00"), ("sha256", SHA))
    url = f"https://index.invalid/files/{WHEEL}"
    expected = WheelLink(WHEEL, url, hashes, ">=3.8", "broken", 12, "2026-01-01T00:00:00Z")
    assert page == ProjectPage(
        (expected,), 1, (SourceLink("demo-1.0.tar.gz", url="https://index.invalid/files/demo-1.0.tar.gz"),)
    )


@pytest.mark.parametrize("name", ["demo-1.0.tar.gz", "demo-1.0.zip"])
def test_sources_are_no_wheels_and_known(name: str) -> None:
    page = html(f'<a href="{name}#sha256={SHA}" data-requires-python="&gt;=3.9" data-yanked="old">x</a>')
    assert page == ProjectPage((), 1, (SourceLink(name, ">=3.9", "old", f"https://index.invalid/simple/demo/{name}"),))


def test_a_source_on_this_machine_is_for_pages_on_this_machine() -> None:
    body = '<a href="file:///etc/demo-1.0.tar.gz">x</a>'
    assert html(body).sources == (SourceLink("demo-1.0.tar.gz"),)
    assert html(body, url="file:///index/demo/").sources[0].url == "file:///etc/demo-1.0.tar.gz"


@pytest.mark.parametrize("name", ["..%2Fdemo-1.0.tar.gz", "demo%1b-1.0.zip", "demo-1.0.tar.bz2", "demo-1.0.exe"])
def test_what_is_no_source_distribution(name: str) -> None:
    assert html(f'<a href="{name}">x</a>').sources == ()


@pytest.mark.parametrize(("said", "read"), [(False, None), (True, ""), ("why", "why"), (None, None)])
def test_json_yanked(said: object, read: str | None) -> None:
    (link,) = pep691({"filename": WHEEL, "url": WHEEL, "hashes": {}, "yanked": said}).wheels
    assert link.yanked == read


def test_a_hash_that_is_none_is_no_place_in_the_cache() -> None:
    (link,) = pep691({"filename": WHEEL, "url": WHEEL, "hashes": {"sha256": "../" * 21 + "x"}}).wheels
    assert link.sha256 is None
    assert link.proofs  # and yet it is a promise, which no file keeps


@pytest.mark.parametrize("version", ["1.0", "1.9"])
def test_minor_versions_are_read(version: str) -> None:
    """PEP 629: a client that meets a greater minor version SHOULD go on."""
    assert pep691(meta={"api-version": version}) == ProjectPage()
    assert html(f'<meta name="pypi:repository-version" content="{version}">') == ProjectPage()


def test_major_versions_are_not() -> None:
    """PEP 629: a client that meets a greater major version MUST fail."""
    with pytest.raises(FetchError, match=r"speaks version 2\.0"):
        pep691(meta={"api-version": "2.0"})
    with pytest.raises(FetchError, match=r"speaks version 2\.0"):
        html('<meta name="pypi:repository-version" content="2.0">')


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"{", "application/json"),
        (b"[" * 200000, "application/json"),
        (b"[]", "application/json"),
        (b'{"files": 1}', "application/json"),
        (b'{"files": [1]}', "application/json"),
        (b'{"files": [{"filename": "x"}]}', "application/json"),
        (b"\xff\xfe", "application/json"),
        (b"hello", "text/plain"),
        (b"hello", ""),
    ],
)
def test_no_page_is_one_line(body: bytes, content_type: str) -> None:
    with pytest.raises(FetchError) as caught:
        parse_page(body, content_type=content_type, url="https://u:secret@index.invalid/simple/demo/?t=secret")
    assert "https://****@index.invalid/simple/demo/" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", "no-such-charset"])
def test_charsets(charset: str) -> None:
    page = html(f'é <a href="{WHEEL}">x</a>', content_type=f"text/html; charset={charset}")
    assert len(page.wheels) == 1
