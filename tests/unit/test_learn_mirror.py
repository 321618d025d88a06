"""A Debian-style mirror: made here, served on the loopback interface, with everything that goes wrong."""

from __future__ import annotations

import hashlib
import json
import lzma
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from perennial.arch import Architecture
from perennial.errors import FetchError, UnreadableError, UsageError
from perennial.index.settings import IndexSettings
from perennial.knowledge.symbol_store import load_symbols
from perennial.learn.debian_index import (
    DEBIAN_ARCHITECTURES,
    BinaryPackage,
    parse_packages,
    parse_release,
    signed_text,
)
from perennial.learn.download import Downloader
from perennial.learn.mirror import MirrorSnapshot, learn_suite, open_suite
from perennial.learn.tiers import package_tiers
from tests.support.index_server import IndexServer, Reply
from tests.unit.test_learn_archives import LIBC, LIBC_PATH, library, make_deb
from tests.unit.test_learn_roots import LIBZ, LIBZ_PATH

NOW = datetime(2026, 11, 20, tzinfo=UTC)
RELEASE = """\
Origin: Debian
Suite: testing
Codename: forky
Date: Fri, 30 Oct 2026 08:08:01 UTC
Valid-Until: Fri, 06 Nov 2026 08:08:01 UTC
Acquire-By-Hash: yes
Architectures: amd64 armel riscv64
SHA256:
 {sha256} {size} main/binary-amd64/Packages.xz
 {empty} 0 main/binary-riscv64/Packages.xz
"""
GLIB = "usr/lib/x86_64-linux-gnu/libglib-2.0.so.0.8000.0"
PACKAGES = {
    "libc6": make_deb({f"./{LIBC_PATH}": LIBC}),
    "zlib1g": make_deb({f"./{LIBZ_PATH}": LIBZ}, name="zlib1g", version="1:1.3"),
    "libglib2.0-0t64": make_deb({f"./{GLIB}": library("libglib-2.0.so.0", "g_free")}, name="libglib2.0-0t64"),
    "coreutils": make_deb({"./usr/bin/ls": b""}, name="coreutils"),
}
CONTROL = {
    "libc6": "Priority: optional\n",
    "zlib1g": "Priority: required\nDepends: libc6 (>= 2.14)\n",
    "coreutils": "Essential: yes\nPriority: required\nPre-Depends: libc6:any\n",
    "libglib2.0-0t64": "Priority: optional\nDepends: libc6\nProvides: libglib2.0-0 (= 2.80)\n",
}


class Mirror:
    """A suite with one architecture that has packages."""

    def __init__(self, server: IndexServer) -> None:
        self.server = server
        self.url = server.url.removesuffix("/simple") + "/debian"
        stanzas = []
        for name, data in PACKAGES.items():
            path = f"pool/main/{name}_1_amd64.deb"
            digest = hashlib.sha256(data).hexdigest()
            stanzas.append(
                f"Package: {name}\n{CONTROL[name]}Version: 1\nFilename: {path}\nSize: {len(data)}\nSHA256: {digest}\n"
            )
            server.replies[f"/debian/{path}"] = [Reply(body=data)]
        self.index = lzma.compress("\n".join(stanzas).encode())
        digest = hashlib.sha256(self.index).hexdigest()
        self.index_path = f"/debian/dists/forky/main/binary-amd64/by-hash/SHA256/{digest}"
        server.replies[self.index_path] = [Reply(body=self.index)]
        self.release = RELEASE.format(sha256=digest, size=len(self.index), empty=hashlib.sha256(b"").hexdigest())
        signed = f"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n{self.release}-----BEGIN PGP SIGNATURE-----\n"
        self.release_path = "/debian/dists/forky/InRelease"
        server.replies[self.release_path] = [Reply(body=signed.encode())]

    def path(self, package: str) -> str:
        return f"/debian/pool/main/{package}_1_amd64.deb"


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with IndexServer() as server:
        yield Mirror(server)


def downloader(folder: Path, *, retries: int = 2) -> Downloader:
    settings = IndexSettings(retries=retries, backoff=0.001, timeout=5, environment_proxies=False)
    return Downloader(folder, settings, plain_http=False)


def learn(
    mirror: Mirror, folder: Path, *, arch: Architecture = Architecture.X86_64, expired: bool = True, retries: int = 2
) -> MirrorSnapshot:
    with downloader(folder, retries=retries) as loader:
        suite = open_suite(mirror.url, "forky", loader, keyring=None, now=NOW, allow_expired=expired)
        assert not suite.is_verified
        return learn_suite(suite, arch, loader, release="debian:testing", kind="updates")


def test_a_suite(mirror: Mirror, tmp_path: Path) -> None:
    learned = learn(mirror, tmp_path)
    snapshot = learned.snapshot
    assert snapshot[:4] == ("debian:testing", "x86_64", "2026-10-30", "updates")
    assert snapshot.packages == {"libc6": "2.41-12", "libglib2.0-0t64": "2.41-12", "zlib1g": "1:1.3"}
    tiers = {each.soname: each.tier for each in snapshot.libraries}
    assert tiers["libc.so.6"] == "essential"
    assert tiers["libglib-2.0.so.0"] == "optional"
    assert tiers["libX11.so.6"] == "absent"
    assert "ld-linux-aarch64.so.1" not in tiers  # it is no library of this architecture
    assert learned.packages.sha256 == hashlib.sha256(mirror.index).hexdigest()
    assert mirror.path("coreutils") not in mirror.server.paths()


def test_what_was_downloaded_is_not_downloaded_again(mirror: Mirror, tmp_path: Path) -> None:
    first = learn(mirror, tmp_path)
    asked = len(mirror.server.requests)
    assert learn(mirror, tmp_path).snapshot == first.snapshot
    assert mirror.server.paths()[asked:] == [mirror.release_path]


def test_a_cut_download_goes_on_where_it_ended(mirror: Mirror, tmp_path: Path) -> None:
    data = PACKAGES["libc6"]
    half = len(data) // 2
    rest = Reply(206, data[half:], (("Content-Range", f"bytes {half}-{len(data) - 1}/{len(data)}"),))
    mirror.server.replies[mirror.path("libc6")] = [Reply(body=data, cut=half), Reply(503), rest]
    assert "libc6" in learn(mirror, tmp_path).snapshot.packages
    assert mirror.server.paths().count(mirror.path("libc6")) == 3


def test_a_partial_file_of_an_earlier_run_is_used(mirror: Mirror, tmp_path: Path) -> None:
    data = PACKAGES["libc6"]
    digest = hashlib.sha256(data).hexdigest()
    (tmp_path / digest[:2]).mkdir(parents=True)
    partial = tmp_path / digest[:2] / f"{digest}.part"
    partial.write_bytes(data[:100])
    rest = Reply(206, data[100:], (("Content-Range", f"bytes 100-{len(data) - 1}/{len(data)}"),))
    mirror.server.replies[mirror.path("libc6")] = [rest]
    assert "libc6" in learn(mirror, tmp_path).snapshot.packages
    assert not partial.exists()


@pytest.mark.parametrize("left", [b"something else", b"x" * 100_000])
def test_a_damaged_partial_file_is_begun_anew(mirror: Mirror, tmp_path: Path, left: bytes) -> None:
    data = PACKAGES["libc6"]
    digest = hashlib.sha256(data).hexdigest()
    (tmp_path / digest[:2]).mkdir(parents=True)
    (tmp_path / digest[:2] / f"{digest}.part").write_bytes(left)
    start = len(left)
    first = (
        Reply(206, data[start:], (("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}"),))
        if start < len(data)
        else Reply(416)
    )
    mirror.server.replies[mirror.path("libc6")] = [first, Reply(body=data)]
    assert "libc6" in learn(mirror, tmp_path).snapshot.packages


def test_a_server_that_knows_no_ranges(mirror: Mirror, tmp_path: Path) -> None:
    data = PACKAGES["libc6"]
    mirror.server.replies[mirror.path("libc6")] = [Reply(body=data, cut=50), Reply(body=data)]
    assert "libc6" in learn(mirror, tmp_path).snapshot.packages


def test_what_is_not_what_the_index_promises_is_refused(mirror: Mirror, tmp_path: Path) -> None:
    data = PACKAGES["libc6"]
    mirror.server.replies[mirror.path("libc6")] = [Reply(body=data[:-1] + b"x")]
    with pytest.raises(FetchError, match="not what its index promises"):
        learn(mirror, tmp_path)
    mirror.server.replies[mirror.path("libc6")] = [Reply(body=data + b"x")]
    with pytest.raises(FetchError, match="larger than"):
        learn(mirror, tmp_path)
    assert not list(tmp_path.rglob(f"{hashlib.sha256(data).hexdigest()}"))


def test_a_forged_index_is_refused(mirror: Mirror, tmp_path: Path) -> None:
    mirror.server.replies[mirror.index_path] = [Reply(body=mirror.index[:-1] + b"x")]
    with pytest.raises(FetchError, match="not what its index promises"):
        learn(mirror, tmp_path)


def test_a_stale_mirror_says_so(mirror: Mirror, tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match=r"valid until 2026-11-06.*--allow-expired"):
        learn(mirror, tmp_path, expired=False)


def test_architectures_that_are_not_there(mirror: Mirror, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no s390x \(it has: x86_64, riscv64\)"):
        learn(mirror, tmp_path, arch=Architecture.S390X)


def test_a_mirror_that_has_no_such_suite(mirror: Mirror, tmp_path: Path) -> None:
    with downloader(tmp_path) as loader, pytest.raises(FetchError, match="no Release file"):
        open_suite(mirror.url, "buzz", loader, keyring=None, now=NOW, allow_expired=False)


def test_a_mirror_that_is_busy(mirror: Mirror, tmp_path: Path) -> None:
    mirror.server.replies[mirror.release_path] = [Reply(503)]
    with pytest.raises(FetchError, match="answers 503: try again later"):
        learn(mirror, tmp_path, retries=1)
    mirror.server.replies[mirror.release_path] = [Reply(403)]
    with pytest.raises(FetchError, match="answers 403"):
        learn(mirror, tmp_path)


def test_plain_http_needs_a_signature(tmp_path: Path) -> None:
    with downloader(tmp_path) as loader, pytest.raises(FetchError, match=r"not HTTPS.*--keyring"):
        open_suite("http://mirror.invalid/debian", "sid", loader, keyring=None, now=NOW, allow_expired=False)


def test_a_redirect_to_plain_http_is_not_followed(mirror: Mirror, tmp_path: Path) -> None:
    away = Reply(302, headers=(("Location", "http://mirror.invalid/debian/dists/forky/InRelease"),))
    mirror.server.replies[mirror.release_path] = [away]
    with pytest.raises(FetchError, match="not HTTPS"):
        learn(mirror, tmp_path)


@pytest.mark.skipif(shutil.which("gpgv") is None, reason="gpgv is not installed")
def test_a_keyring_that_does_not_vouch(mirror: Mirror, tmp_path: Path) -> None:
    keyring = tmp_path / "keys.gpg"
    keyring.write_bytes(b"")
    with downloader(tmp_path) as loader, pytest.raises(UnreadableError, match="no key of") as caught:
        open_suite(mirror.url, "forky", loader, keyring=keyring, now=NOW, allow_expired=True)
    assert "\n" not in str(caught.value)


def test_progress_is_told(mirror: Mirror, tmp_path: Path) -> None:
    told: list[tuple[str, object]] = []

    class Listener:
        def start(self, name: str, total: int | None) -> None:
            told.append((name, total))

        def advance(self, amount: int) -> None:
            told.append(("advance", amount))

        def finish(self) -> None:
            told.append(("finish", None))

    settings = IndexSettings(environment_proxies=False)
    with Downloader(tmp_path, settings, plain_http=False, progress=Listener()) as loader:
        suite = open_suite(mirror.url, "forky", loader, keyring=None, now=NOW, allow_expired=True)
        learn_suite(suite, Architecture.X86_64, loader, release="debian:testing", kind="updates")
    assert ("libc6_1_amd64.deb", len(PACKAGES["libc6"])) in told
    sizes = len(mirror.index) + sum(len(data) for name, data in PACKAGES.items() if name != "coreutils")
    assert sum(int(str(amount)) for name, amount in told if name == "advance") == sizes


# Indices


def test_only_what_was_signed_is_read() -> None:
    text = "before\n"
    signed = (
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nDate: x\n- -dash\n-----BEGIN PGP SIGNATURE-----\n\nabc\n"
        "-----END PGP SIGNATURE-----\nafter\n"
    )
    assert signed_text(signed) == "Date: x\n-dash"
    assert signed_text(text) == text


@pytest.mark.parametrize(
    "text", ["", "Suite: x\n", "Date: Fri, 30 Oct 2026 08:08:01 UTC\n", "Date: x\nSHA256:\n a 1 b\n"]
)
def test_what_is_no_release_file(text: str) -> None:
    with pytest.raises(UnreadableError, match="no Release file"):
        parse_release(text, "demo")


@pytest.mark.parametrize(
    "stanza",
    [
        "Package: x\nFilename: pool/x.deb\nSize: 3\n",
        "Package: x\nFilename: ../../etc/passwd\nSize: 3\nSHA256: " + "0" * 64,
        "Package: x\nFilename: //elsewhere/x\nSize: 3\nSHA256: " + "0" * 64,
        "Package: x\nFilename: pool/x.deb\nSize: many\nSHA256: " + "0" * 64,
    ],
)
def test_stanzas_that_are_not_sound(stanza: str) -> None:
    with pytest.raises(UnreadableError, match="lacks a sound"):
        list(parse_packages(stanza.splitlines(keepends=True), "demo"))


def test_relations() -> None:
    text = (
        "Package: x\nFilename: pool/x.deb\nSize: 3\nSHA256: " + "0" * 64 + "\n"
        "Depends: a (>= 1) | b:any, c [amd64], d(= 2)\nProvides: v (= 1), w\n"
    )
    (package,) = parse_packages(text.splitlines(keepends=True), "demo")
    assert package.depends == (("a", "b"), ("c",), ("d",))
    assert package.provides == ("v", "w")


# Tiers


def package(name: str, *depends: str, **fields: object) -> BinaryPackage:
    alternatives = tuple(tuple(each.split("|")) for each in depends)
    empty = BinaryPackage(name, "1", False, "optional", alternatives, (), (), "", 0, "")
    return empty._replace(**fields)  # type: ignore[arg-type]


def tiers(*packages: BinaryPackage) -> dict[str, str]:
    return package_tiers({each.name: each for each in packages})


def test_tiers_are_closures_each_on_top_of_the_one_before() -> None:
    found = tiers(
        package("base", "libc6", essential=True),
        package("apt", "libstdc++6"),
        package("libc6"),
        package("libstdc++6", "libc6"),
        package("python3", "libexpat1"),
        package("libexpat1", "libc6"),
        package("ssh", priority="standard", recommends=(("xauth",),)),
        package("xauth", "libx11-6"),
        package("libx11-6"),
        package("task-desktop", recommends=(("gnome",),)),
        package("gnome", "libgl1"),
        package("libgl1"),
        package("libatomic1"),
    )
    assert {name: found[name] for name in ("libc6", "libstdc++6", "libexpat1", "libx11-6", "libgl1", "libatomic1")} == {
        "libc6": "essential", "libstdc++6": "essential", "libexpat1": "python", "libx11-6": "standard",
        "libgl1": "desktop", "libatomic1": "optional",
    }  # fmt: skip


def test_a_minimal_installation_takes_no_recommendations() -> None:
    found = tiers(package("base", essential=True, recommends=(("more",),)), package("more"))
    assert found == {"base": "essential", "more": "optional"}


def test_alternatives_are_met_by_what_is_there_or_coming() -> None:
    found = tiers(
        package("base", "awk", essential=True),
        package("gawk", provides=("awk",)),
        package("mawk", provides=("awk",), priority="required"),
    )
    assert found == {"base": "essential", "gawk": "optional", "mawk": "essential"}
    found = tiers(package("base", "missing|b|a", essential=True), package("a"), package("b"))
    assert found == {"base": "essential", "a": "optional", "b": "essential"}
    assert tiers(package("base", "v", essential=True), package("p", provides=("v",)))["p"] == "essential"


FACTS = Path(__file__).parents[2].parent / "shared" / "facts" / "debian_tiers.json"
SUITES = {
    "bullseye": "debian:11", "bookworm": "debian:12", "trixie": "debian:13", "forky": "debian:testing",
    "sid": "debian:unstable",
}  # fmt: skip
AS_TIERS = {
    "minbase": "essential", "python3": "python", "important": "standard", "standard": "standard",
    "desktop": "desktop", "installable": "optional",
}  # fmt: skip


@pytest.mark.skipif(not FACTS.exists(), reason="the facts are not beside this checkout")
def test_the_shipped_tiers_are_those_that_were_found_before() -> None:
    facts = json.loads(FACTS.read_text(encoding="utf-8"))
    compared = 0
    for key, fact in facts.items():
        suite, _, name = key.rpartition("-")
        store = load_symbols(DEBIAN_ARCHITECTURES[name].value)
        number = next(n for n, info in enumerate(store.snapshots) if info.release == SUITES[suite])
        for soname, tier in fact["tier"].items():
            if soname in store.sonames:
                assert store.tier(soname, number) == AS_TIERS[tier], (key, soname)
                compared += 1
    assert compared > 400


def test_nothing_is_left_open(tmp_path: Path) -> None:
    with downloader(tmp_path) as loader:
        assert loader is not None
    assert os.listdir(tmp_path) == []
