"""glibc's history against real libraries: this machine's, and Debian's packages of other releases.

What may differ, and why (nothing else may):

- `GLIBC_PRIVATE` symbols: for glibc's own libraries only, and different in every release;
- `__*_version_placeholder`: they keep the nodes of emptied libraries alive, nobody refers to them;
- symbols that are named as a node: the nodes themselves, as absolute symbols;
- libraries that the tables do not cover (libnsl, libmvec, libnss_*, libthread_db …).
"""

from __future__ import annotations

import hashlib
import io
import lzma
import os
import platform
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import httpx
import pytest

from perennial.elf.read import read_elf
from perennial.knowledge.glibc_history import GlibcHistory, load_glibc_history

Symbols = set[tuple[str, str]]  # (name, version)

SYMBOL = re.compile(
    r"^ +\d+: [0-9a-f]+ +\S+ +\S+ +(?P<bind>GLOBAL|WEAK|UNIQUE|<.*?>: \d+) +\S+ +(?:\[.*?\] +)?(?P<index>\S+)"
    r" (?P<name>[^@\s]+)@@?(?P<version>\S+)"
)


def is_expected_difference(name: str, version: str) -> bool:
    return version == "GLIBC_PRIVATE" or name.endswith("_version_placeholder") or name == version


def of_release(history: GlibcHistory, library: str, release: tuple[int, int]) -> Symbols:
    """What the table says."""
    return {
        (symbol, export.version)
        for symbol in history.symbols(library)
        for export in history.exports(library, symbol)
        if export.at(release)
    }


def by_readelf(path: Path) -> Symbols:
    command = ["readelf", "-W", "--dyn-syms", str(path)]
    text = subprocess.run(command, capture_output=True, check=True, text=True, env={"LC_ALL": "C"}).stdout
    found = [match for line in text.splitlines() if (match := SYMBOL.match(line)) and match["index"] != "UND"]
    pairs = {(match["name"], match["version"]) for match in found}
    return {pair for pair in pairs if not is_expected_difference(*pair)}


def by_us(path: Path) -> Symbols:
    exports = read_elf(path.read_bytes(), exports=True).exports or ()
    pairs = {(symbol.name, symbol.version) for symbol in exports}
    return {(name, version) for name, version in pairs if version and not is_expected_difference(name, version)}


def find(folder: Path, library: str) -> Path | None:
    """A library under a folder, whatever the layout; libm.so.6 may be a name for libm-2.31.so."""
    for path in sorted(folder.rglob(library)):
        if path.is_file():
            return path
        if path.is_symlink() and (target := path.parent / os.readlink(path).rpartition("/")[2]).is_file():
            return target
    return None


def this_glibc() -> tuple[Path, tuple[int, int]]:
    """Where this process's libc.so.6 lies, and its release."""
    try:
        text = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, ValueError):
        text = ""
    maps = Path("/proc/self/maps")
    loaded = re.search(r"(/\S+)/libc(?:-[0-9.]+\.so|\.so\.6)$", maps.read_text() if maps.exists() else "", re.MULTILINE)
    if not text.startswith("glibc 2.") or loaded is None or platform.machine() != "x86_64":
        pytest.skip("this Python runs on no glibc of x86_64")
    release = (2, int(text.split(".")[1]))
    if release > load_glibc_history("x86_64").newest:
        pytest.skip(f"the history ends before glibc 2.{release[1]}")
    return Path(loaded[1]), release


@pytest.mark.skipif(shutil.which("readelf") is None, reason="no readelf on this machine")
def test_this_machines_libraries() -> None:
    folder, release = this_glibc()
    history = load_glibc_history("x86_64")
    compared = 0
    for library in history.libraries:
        path = folder / library
        if path.exists():
            assert of_release(history, library, release) == by_readelf(path), library
            compared += 1
    assert compared >= 5


def mirror() -> str:
    """A Debian mirror: the one that PERENNIAL_DEBIAN_MIRROR names, or that apt is configured with here."""
    chosen = os.environ.get("PERENNIAL_DEBIAN_MIRROR")
    if chosen:
        return chosen.rstrip("/")
    if shutil.which("apt-get") is None:
        pytest.skip("no Debian mirror is known here (PERENNIAL_DEBIAN_MIRROR)")
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Origin: Debian", "Created-By: Packages"]
    listed = subprocess.run(command, capture_output=True, check=False, text=True).stdout.split()
    # archives of security updates have other suites
    main = [uri for uri in listed if uri.startswith("http") and "security" not in uri]
    if not main:
        pytest.skip("apt knows no Debian mirror here (PERENNIAL_DEBIAN_MIRROR)")
    return main[0].rstrip("/")


def fetch(url: str) -> bytes:
    try:
        answer = httpx.get(url, timeout=120, follow_redirects=True)
        answer.raise_for_status()
    except httpx.HTTPError as error:
        pytest.skip(f"{url}: {error}")
    return answer.content


def debian_package(name: str, suite: str, arch: str, folder: Path) -> tuple[str, Path]:
    """A package's version, and the folder into which its libraries were unpacked."""
    if shutil.which("dpkg-deb") is None:
        pytest.skip("no dpkg-deb on this machine")
    site = mirror()
    index = lzma.decompress(fetch(f"{site}/dists/{suite}/main/binary-{arch}/Packages.xz")).decode()
    stanza = next(part for part in index.split("\n\n") if part.startswith(f"Package: {name}\n"))
    fields = dict(line.split(": ", 1) for line in stanza.splitlines() if ": " in line and line[0] != " ")
    package = fetch(f"{site}/{fields['Filename']}")
    assert hashlib.sha256(package).hexdigest() == fields["SHA256"]
    path = folder / "package.deb"
    path.write_bytes(package)
    unpacked = subprocess.run(["dpkg-deb", "--fsys-tarfile", str(path)], capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(unpacked)) as archive:
        wanted = [member for member in archive if re.search(r"/lib.*\.so", member.name) and not member.isdir()]
        archive.extractall(folder, wanted, filter="tar")
    return fields["Version"], folder


@pytest.mark.wheels
@pytest.mark.parametrize(
    ("suite", "release", "debian_arch", "arch"),
    [
        ("bullseye", (2, 31), "amd64", "x86_64"),
        ("bullseye", (2, 31), "i386", "i686"),
        ("bullseye", (2, 31), "armhf", "armv7l"),
        ("trixie", (2, 41), "amd64", "x86_64"),
        ("trixie", (2, 41), "s390x", "s390x"),
        ("trixie", (2, 41), "ppc64el", "ppc64le"),
        ("trixie", (2, 41), "riscv64", "riscv64"),
    ],
)
def test_debians_libraries(suite: str, release: tuple[int, int], debian_arch: str, arch: str, tmp_path: Path) -> None:
    """Read by ourselves, on any host; readelf agrees with us, as other tests show."""
    version, folder = debian_package("libc6", suite, debian_arch, tmp_path)
    assert version.startswith(f"{release[0]}.{release[1]}-")
    history = load_glibc_history(arch)
    compared = 0
    for library in history.libraries:
        path = find(folder, library)
        if path is not None:
            assert of_release(history, library, release) == by_us(path), library
            compared += 1
    assert compared == len(history.libraries)
