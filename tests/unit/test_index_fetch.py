"""Fetching over real HTTP, from a server on the loopback interface, and from folders."""

from __future__ import annotations

import hashlib
import os
import resource
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from perennial.errors import FetchError, UsageError
from perennial.index import IndexSettings, WheelChoice, fetch_wheel, list_wheels, settings_from_pip
from perennial.index.cache import default_cache_dir
from perennial.platform_tag import Libc
from tests.support.index_server import IndexServer, Offered, Reply, html_page

X86 = WheelChoice("x86_64")
WHEEL = "demo-1.0-py3-none-any.whl"
FILE = f"/files/{WHEEL}"
PAGE = "/simple/demo/"


@pytest.fixture
def index() -> Iterator[IndexServer]:
    with IndexServer() as server:
        yield server


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def settings(*urls: str, **more: object) -> IndexSettings:
    """Settings that wait for nothing and know no proxies."""
    base = IndexSettings(index_urls=urls, timeout=5.0, retries=2, environment_proxies=False, backoff=0.0)
    return base._replace(**more)  # type: ignore[arg-type]


def files_in(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.rglob("*") if path.is_file())


def failure(index: IndexServer, cache: Path, requirement: str = "demo", **more: object) -> str:
    """The message with which fetching fails, which is one line, and leaves no file behind."""
    with pytest.raises(FetchError) as caught:
        fetch_wheel(requirement, X86, settings(index.url, **more), cache_dir=cache)
    message = str(caught.value)
    assert "\n" not in message
    assert files_in(cache) == []
    return message


class Recorder:
    """A Progress that remembers."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, object]] = []

    def start(self, name: str, total: int | None) -> None:
        self.calls.append((name, total))

    def advance(self, amount: int) -> None:
        self.calls.append(("advance", amount))

    def finish(self) -> None:
        self.calls.append(("finish", None))


@pytest.mark.parametrize("speaks_json", [False, True], ids=["html", "json"])
def test_fetch_verifies_stores_and_reuses(cache: Path, speaks_json: bool) -> None:
    content = os.urandom(700_000)
    sha = hashlib.sha256(content).hexdigest()
    with IndexServer(speaks_json=speaks_json) as index:
        index.add_wheel(WHEEL, content)
        progress = Recorder()
        path = fetch_wheel("demo==1.0", X86, settings(index.url), cache_dir=cache, progress=progress)
        assert path == cache / "wheels" / sha[:2] / sha / WHEEL
        assert path.read_bytes() == content
        assert progress.calls[0] == (WHEEL, len(content))
        assert sum(n for name, n in progress.calls if name == "advance" and isinstance(n, int)) == len(content)
        assert progress.calls[-1] == ("finish", None)

        assert fetch_wheel("demo", X86, settings(index.url), cache_dir=cache) == path
        assert index.paths() == [PAGE, FILE, PAGE]  # the page each time, the wheel once
        assert fetch_wheel("demo", X86, settings(index.url), cache_dir=cache, no_cache=True) == path
        assert index.paths()[3:] == [PAGE, FILE]
    assert files_in(cache) == [WHEEL]


def test_a_damaged_cache_is_repaired(index: IndexServer, cache: Path) -> None:
    index.add_wheel(WHEEL, b"good")
    path = fetch_wheel("demo", X86, settings(index.url), cache_dir=cache)
    path.write_bytes(b"evil")
    assert fetch_wheel("demo", X86, settings(index.url), cache_dir=cache) == path
    assert path.read_bytes() == b"good"


@pytest.mark.parametrize("hashes", [[], [("md5", hashlib.md5(b"wheel").hexdigest())]])
def test_without_a_proof_it_is_downloaded_each_time(
    index: IndexServer, cache: Path, hashes: list[tuple[str, str]]
) -> None:
    index.add_wheel(WHEEL, b"wheel", hashes=hashes)
    for _ in range(2):
        assert fetch_wheel("demo", X86, settings(index.url), cache_dir=cache).read_bytes() == b"wheel"
    assert index.paths() == [PAGE, FILE] * 2


@pytest.mark.parametrize("name", ["sha256", "sha384", "sha512", "blake2b", "blake2b_256", "md5", "sha1", "sha224"])
def test_each_kind_of_hash(cache: Path, name: str) -> None:
    new = hashlib.blake2b(b"wheel", digest_size=32) if name == "blake2b_256" else hashlib.new(name, b"wheel")
    with IndexServer(speaks_json=True) as index:
        index.add_wheel(WHEEL, b"wheel", hashes=[(name, new.hexdigest())])
        index.add_wheel("other-1.0-py3-none-any.whl", b"WHEEL", hashes=[(name, new.hexdigest())])
        fetch_wheel("demo", X86, settings(index.url), cache_dir=cache)
        with pytest.raises(FetchError, match=f"{name} is .* and should be {new.hexdigest()}"):
            fetch_wheel("other", X86, settings(index.url), cache_dir=cache)
    assert files_in(cache) == [WHEEL]


def test_a_wrong_hash_names_both_and_keeps_nothing(index: IndexServer, cache: Path) -> None:
    index.add_wheel(WHEEL, b"wheel", hashes=[("sha256", "0" * 64)])
    message = failure(index, cache)
    assert hashlib.sha256(b"wheel").hexdigest() in message
    assert "0" * 64 in message


def test_a_hash_with_a_path_in_it_leads_nowhere(cache: Path) -> None:
    with IndexServer(speaks_json=True) as index:
        index.add_wheel(WHEEL, b"wheel", hashes=[("sha256", "../" * 20 + "abcd")])
        assert "should be ../" in failure(index, cache)


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_passing_trouble_is_retried(index: IndexServer, cache: Path, status: int) -> None:
    index.add_wheel(WHEEL, b"wheel")
    page = html_page([Offered(WHEEL, FILE)])
    index.replies[PAGE] = [Reply(status), Reply(body=page, headers=(("Content-Type", "text/html"),))]
    index.replies[FILE].insert(0, Reply(status, headers=(("Retry-After", "0"),)))
    assert fetch_wheel("demo", X86, settings(index.url), cache_dir=cache).read_bytes() == b"wheel"
    assert index.paths() == [PAGE, PAGE, FILE, FILE]


def test_lasting_trouble_is_said(index: IndexServer, cache: Path) -> None:
    index.replies[PAGE] = [Reply(503)]
    assert "answers 503 Service Unavailable: try again later" in failure(index, cache)
    assert len(index.requests) == 3


def test_a_truncated_body_starts_over(index: IndexServer, cache: Path) -> None:
    content = os.urandom(600_000)
    index.add_wheel(WHEEL, content)
    index.replies[FILE].insert(0, Reply(body=content, cut=300_000))
    progress = Recorder()
    path = fetch_wheel("demo", X86, settings(index.url), cache_dir=cache, progress=progress)
    assert path.read_bytes() == content
    assert progress.calls.count((WHEEL, len(content))) == 2


def test_a_body_that_stays_truncated(index: IndexServer, cache: Path) -> None:
    index.add_wheel(WHEEL, b"x" * 100)
    index.replies[FILE] = [Reply(body=b"x" * 100, cut=50)]
    assert "cannot be reached" in failure(index, cache)


def test_redirects_relative_and_absolute(index: IndexServer, cache: Path) -> None:
    """Relative links count from where the page was found in the end."""
    index.add_wheel(WHEEL)
    page = html_page([Offered(WHEEL, WHEEL)])
    index.replies[PAGE] = [Reply(301, headers=(("Location", "/moved/demo/"),))]
    index.replies["/moved/demo/"] = [Reply(body=page, headers=(("Content-Type", "text/html"),))]
    far = f"http://127.0.0.1:{index.port}{FILE}"
    index.replies[f"/moved/demo/{WHEEL}"] = [Reply(302, headers=(("Location", far),))]
    assert fetch_wheel("demo", X86, settings(index.url), cache_dir=cache).read_bytes() == b"wheel"


def test_redirects_without_end(index: IndexServer, cache: Path) -> None:
    index.replies[PAGE] = [Reply(302, headers=(("Location", PAGE),))]
    assert "more than 20 redirects" in failure(index, cache)


@pytest.mark.parametrize("target", ["http://files.invalid/x", "ftp://files.invalid/x", "file:///etc/passwd"])
def test_redirects_to_where_nobody_may_go(index: IndexServer, cache: Path, target: str) -> None:
    index.replies[PAGE] = [Reply(302, headers=(("Location", target),))]
    assert target in failure(index, cache)


def test_plain_http_must_be_trusted(cache: Path) -> None:
    with pytest.raises(FetchError, match=r"PIP_TRUSTED_HOST=index\.invalid"):
        fetch_wheel("demo", X86, settings("http://index.invalid/simple"), cache_dir=cache)
    trusting = settings("http://index.invalid/simple", trusted_hosts=("index.invalid",), retries=0)
    with pytest.raises(FetchError, match="cannot be reached"):
        fetch_wheel("demo", X86, trusting, cache_dir=cache)


def test_credentials_go_to_their_origin_only(cache: Path) -> None:
    with IndexServer(password="p@ss word") as index, IndexServer() as elsewhere:
        elsewhere.add_wheel(WHEEL)
        index.add_wheel(WHEEL)
        index.replies[FILE] = [Reply(302, headers=(("Location", f"http://127.0.0.1:{elsewhere.port}{FILE}"),))]
        url = index.url.replace("http://", "http://user:p%40ss%20word@")
        assert fetch_wheel("demo", X86, settings(url), cache_dir=cache).read_bytes() == b"wheel"
        assert [request.authorization is not None for request in index.requests] == [True, True]
        assert [request.authorization for request in elsewhere.requests] == [None]


def test_netrc(cache: Path, tmp_path: Path) -> None:
    logins = tmp_path / "logins"
    logins.write_text("machine 127.0.0.1 login user password secret\n")
    with IndexServer(password="secret") as index:
        index.add_wheel(WHEEL)
        fetch_wheel("demo", X86, settings(index.url, netrc=str(logins)), cache_dir=cache)


def test_wrong_credentials_are_not_shown(cache: Path) -> None:
    with IndexServer(password="right") as index:
        with pytest.raises(FetchError, match="answers 401 Unauthorized: these credentials") as caught:
            fetch_wheel("demo", X86, settings(index.url.replace("//", "//user:wrong@")), cache_dir=cache)
        assert "wrong" not in str(caught.value)
        assert "it wants credentials" in failure(index, cache)


def test_yanked_and_requires_python(index: IndexServer, cache: Path) -> None:
    index.add_wheel("demo-1.0-py3-none-any.whl", b"1.0", requires_python=">=3.8")
    index.add_wheel("demo-1.1-py3-none-any.whl", b"1.1", requires_python=">=3.12")
    index.add_wheel("demo-1.2-py3-none-any.whl", b"1.2", yanked="broken")
    here = settings(index.url)
    assert fetch_wheel("demo", X86, here, cache_dir=cache).read_bytes() == b"1.1"
    old = WheelChoice("x86_64", "3.11")
    assert fetch_wheel("demo", old, here, cache_dir=cache).read_bytes() == b"1.0"
    assert fetch_wheel("demo==1.2", X86, here, cache_dir=cache).read_bytes() == b"1.2"
    assert [link.yanked for link in list_wheels("Demo", here)] == [None, None, "broken"]


def test_no_index_to_ask(cache: Path) -> None:
    with pytest.raises(FetchError, match=r"demo: pip's setting no-index \(PIP_NO_INDEX\) forbids asking an index"):
        fetch_wheel("demo", X86, IndexSettings(), cache_dir=cache)


def test_a_misspelt_project(index: IndexServer, cache: Path) -> None:
    message = failure(index, cache, "dmeo")
    assert message == f"there is no project dmeo: check the spelling (looked in {index.url})"


def test_only_source_distributions(index: IndexServer, cache: Path) -> None:
    page = html_page([Offered("demo-1.0.tar.gz", "/demo-1.0.tar.gz")])
    index.replies[PAGE] = [Reply(body=page, headers=(("Content-Type", "text/html"),))]
    assert failure(index, cache).startswith("demo has no wheels, only source distributions")


def test_no_wheel_that_fits(index: IndexServer, cache: Path) -> None:
    index.add_wheel("demo-1.0-py3-none-win_amd64.whl")
    assert failure(index, cache).startswith("demo 1.0 has no wheel for Linux; it has Windows")


def test_what_is_no_index(index: IndexServer, cache: Path) -> None:
    index.replies[PAGE] = [Reply(body=b"hello", headers=(("Content-Type", "text/plain"),))]
    assert "is no page of a package index: it is text/plain" in failure(index, cache)


def test_nonsense_is_refused_before_anything_is_asked(index: IndexServer, cache: Path) -> None:
    for requirement, python in (("demo==", None), ("demo", "three")):
        with pytest.raises(UsageError):
            fetch_wheel(requirement, WheelChoice("x86_64", python), settings(index.url), cache_dir=cache)
    assert index.requests == []


# --- several places -----------------------------------------------------------------------


def test_all_indexes_are_equal(cache: Path, tmp_path: Path) -> None:
    """The newest version wins, wherever it is; folders that are not there are passed over."""
    with IndexServer() as first, IndexServer() as second:
        first.add_wheel("demo-1.0-py3-none-any.whl", b"first")
        second.add_wheel("demo-2.0-py3-none-any.whl", b"second")
        second.add_wheel("only-2.0-py3-none-any.whl", b"only")
        here = settings(first.url, (tmp_path / "missing").as_uri(), second.url)
        assert fetch_wheel("demo", X86, here, cache_dir=cache).read_bytes() == b"second"
        assert fetch_wheel("only", X86, here, cache_dir=cache).read_bytes() == b"only"


def test_an_index_that_refuses_is_passed_over_where_another_has_it(cache: Path) -> None:
    with IndexServer(password="x") as closed, IndexServer() as other:
        other.add_wheel(WHEEL)
        assert fetch_wheel("demo", X86, settings(closed.url, other.url), cache_dir=cache).name == WHEEL
        with pytest.raises(FetchError, match="401"):
            list_wheels("nothing", settings(closed.url, other.url))


def test_an_unreachable_index_is_an_error_though_another_has_it(index: IndexServer, cache: Path) -> None:
    index.add_wheel(WHEEL)
    with pytest.raises(FetchError, match=r"cannot be reached: .*refused"):
        fetch_wheel("demo", X86, settings(index.url, dead_url()), cache_dir=cache)


def test_without_a_network_what_is_pinned_in_full_comes_from_the_cache(index: IndexServer, cache: Path) -> None:
    name = "demo-1.0-cp312-cp312-manylinux_2_17_x86_64.whl"
    index.add_wheel(name)
    path = fetch_wheel("demo", X86, settings(index.url), cache_dir=cache)
    dead = settings(dead_url(), retries=0)
    exact = WheelChoice("x86_64", "3.12", Libc.GLIBC)
    assert fetch_wheel("demo==1.0", exact, dead, cache_dir=cache) == path
    for requirement, choice in (("demo", exact), ("demo==1.0", X86), ("demo==1.1", exact)):
        with pytest.raises(FetchError, match="cannot be reached"):
            fetch_wheel(requirement, choice, dead, cache_dir=cache)


def test_file_index_with_pages(tmp_path: Path, cache: Path) -> None:
    """A local wheel stays where it is, and its hash is checked all the same."""
    files = tmp_path / "files"
    files.mkdir()
    (files / WHEEL).write_bytes(b"wheel")
    project = tmp_path / "simple" / "demo"
    project.mkdir(parents=True)
    good = hashlib.sha256(b"wheel").hexdigest()
    here = settings((tmp_path / "simple").as_uri())
    (project / "index.html").write_bytes(html_page([Offered(WHEEL, f"../../files/{WHEEL}", (("sha256", good),))]))
    assert fetch_wheel("demo", X86, here, cache_dir=cache) == files / WHEEL
    (files / WHEEL).write_bytes(b"other")
    with pytest.raises(FetchError, match=good):
        fetch_wheel("demo", X86, here, cache_dir=cache)
    (files / WHEEL).unlink()
    with pytest.raises(FetchError, match="No such file"):
        fetch_wheel("demo", X86, here, cache_dir=cache)
    assert files_in(cache) == []


@pytest.mark.parametrize("spelling", ["foo-bar", "Foo_Bar"])
def test_file_index_of_plain_folders(tmp_path: Path, spelling: str) -> None:
    name = "Foo_Bar-1.0-py3-none-any.whl"
    (tmp_path / spelling).mkdir()
    (tmp_path / spelling / name).write_bytes(b"wheel")
    assert [link.filename for link in list_wheels("foo.bar", settings(tmp_path.as_uri()))] == [name]
    assert list_wheels("other", settings(tmp_path.as_uri())) == ()


def test_find_links(index: IndexServer, tmp_path: Path, cache: Path) -> None:
    """A folder, a page over HTTP and a wheel by itself; a local file wins over the same name elsewhere."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    (folder / WHEEL).write_bytes(b"local")
    (folder / "else-1.0-py3-none-any.whl").write_bytes(b"else")
    listed = html_page([Offered("demo-0.9-py3-none-any.whl", "/files/demo-0.9-py3-none-any.whl")])
    index.replies["/links.html"] = [Reply(body=listed, headers=(("Content-Type", "text/html"),))]
    page = f"http://127.0.0.1:{index.port}/links.html"
    single = (folder / "else-1.0-py3-none-any.whl").as_uri()
    here = settings(find_links=(folder.as_uri(), page, single, (tmp_path / "missing").as_uri()))
    assert [link.filename for link in list_wheels("demo", here)] == ["demo-0.9-py3-none-any.whl", WHEEL]
    assert fetch_wheel("demo", X86, here, cache_dir=cache) == folder / WHEEL
    assert len(list_wheels("else", here)) == 1


# --- what can happen to the disk, the network and the person ------------------------------


def test_a_full_disk_is_one_line(index: IndexServer, cache: Path) -> None:
    """The limit on a file's size stands in for the full disk: both are OSErrors of write."""
    index.add_wheel(WHEEL, os.urandom(200_000))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        message = failure(index, cache)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "cannot be stored in" in message
    assert message.endswith("name another folder with PERENNIAL_CACHE_DIR, or keep nothing with --no-cache")


def test_a_cache_that_is_a_file(index: IndexServer, tmp_path: Path) -> None:
    index.add_wheel(WHEEL)
    (tmp_path / "cache").write_text("")
    with pytest.raises(FetchError, match=r"cannot be stored in .*cache"):
        fetch_wheel("demo", X86, settings(index.url), cache_dir=tmp_path / "cache")


def test_ctrl_c_leaves_nothing(index: IndexServer, cache: Path) -> None:
    class Impatient(Recorder):
        def advance(self, amount: int) -> None:
            raise KeyboardInterrupt

    index.add_wheel(WHEEL, os.urandom(600_000))
    progress = Impatient()
    with pytest.raises(KeyboardInterrupt):
        fetch_wheel("demo", X86, settings(index.url), cache_dir=cache, progress=progress)
    assert files_in(cache) == []
    assert progress.calls[-1] == ("finish", None)


def test_many_at_once(index: IndexServer, cache: Path) -> None:
    content = os.urandom(300_000)
    index.add_wheel(WHEEL, content)
    found: list[Path] = []

    def fetch() -> None:
        found.append(fetch_wheel("demo", X86, settings(index.url), cache_dir=cache))

    threads = [threading.Thread(target=fetch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert found[0].read_bytes() == content
    assert files_in(cache) == [WHEEL]


def test_a_dead_port(cache: Path) -> None:
    url = dead_url().replace("//", "//user:secret@")
    with pytest.raises(FetchError, match=r"cannot be reached: .*refused.*--index-url") as caught:
        fetch_wheel("demo", X86, settings(url), cache_dir=cache)
    assert "secret" not in str(caught.value)


def test_a_silent_server(cache: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        with pytest.raises(FetchError, match=r"no answer within 0\.2 s \(PIP_TIMEOUT\)"):
            fetch_wheel("demo", X86, settings(url, timeout=0.2, retries=0), cache_dir=cache)


@pytest.mark.parametrize("proxy", ["http://user:secret@127.0.0.1:1", "nonsense://user:secret@proxy.invalid"])
def test_a_bad_proxy(index: IndexServer, cache: Path, proxy: str) -> None:
    assert "secret" not in failure(index, cache, proxy=proxy, retries=0)


def test_certificates_that_are_not_there(cache: Path, tmp_path: Path) -> None:
    nowhere = settings("https://127.0.0.1:1/simple", certificates=str(tmp_path / "no.pem"))
    with pytest.raises(FetchError, match=r"no\.pem cannot be used: .*PIP_CERT"):
        fetch_wheel("demo", X86, nowhere, cache_dir=cache)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key in the same file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl makes the certificate, and is not installed")
    pem = tmp_path / "own.pem"
    command = [
        openssl,
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=127.0.0.1",
    ]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(pem), "-out", f"{pem}.crt"]
    subprocess.run(command, check=True, capture_output=True)
    pem.write_text(pem.read_text() + Path(f"{pem}.crt").read_text())
    return pem


def test_https(certificate: Path, cache: Path) -> None:
    """Refused at once as it is; accepted with its certificate, or where its host is trusted."""
    with IndexServer(certificate=certificate) as index:
        index.add_wheel(WHEEL)
        with pytest.raises(FetchError, match=r"CERTIFICATE_VERIFY_FAILED.*PIP_CERT"):
            fetch_wheel("demo", X86, settings(index.url), cache_dir=cache)
        for more in ({"certificates": str(certificate)}, {"trusted_hosts": (f"127.0.0.1:{index.port}",)}):
            here = settings(index.url, **more)
            assert fetch_wheel("demo", X86, here, cache_dir=cache, no_cache=True).name == WHEEL


def test_trust_is_not_handed_on(certificate: Path, cache: Path) -> None:
    """A trusted host that redirects elsewhere: the certificate there is verified."""
    with IndexServer() as trusted, IndexServer(certificate=certificate) as elsewhere:
        elsewhere.add_wheel(WHEEL)
        trusted.replies[PAGE] = [Reply(302, headers=(("Location", f"{elsewhere.url}/demo/"),))]
        here = settings(trusted.url, trusted_hosts=(f"127.0.0.1:{trusted.port}",))
        with pytest.raises(FetchError, match="CERTIFICATE_VERIFY_FAILED"):
            fetch_wheel("demo", X86, here, cache_dir=cache)


def test_where_the_cache_is(tmp_path: Path) -> None:
    assert default_cache_dir({"PERENNIAL_CACHE_DIR": str(tmp_path)}) == tmp_path
    assert default_cache_dir({}).name == "perennial"


def dead_url() -> str:
    """An index on a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return f"http://127.0.0.1:{port}/simple"


@pytest.mark.wheels
def test_the_configured_index() -> None:
    links = list_wheels("six", settings_from_pip(os.environ))
    assert any(link.filename.startswith("six-1.16.0-") and link.sha256 for link in links)
