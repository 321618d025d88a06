"""rpm's databases, written by rpm and by Berkeley DB themselves; ndb by its format, since Debian's rpm lacks it."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import struct
import subprocess
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

# A package with a library, a text that is marked as licence and one that is not; %{epoch} is left out where 0.
_SPEC: Final = """\
Name: {name}
Version: {version}
Release: {release}
{epoch}
Summary: A demonstration
License: {licence}
BuildArch: noarch
%define _build_id_links none
%description
None.
%prep
%build
%install
mkdir -p %{{buildroot}}/usr/lib64 %{{buildroot}}/usr/share/licenses/{name} %{{buildroot}}/usr/share/doc/{name}
echo library > %{{buildroot}}/usr/lib64/{library}
echo licence > %{{buildroot}}/usr/share/licenses/{name}/COPYING
echo readme > %{{buildroot}}/usr/share/doc/{name}/README
%files
/usr/lib64/{library}
%license /usr/share/licenses/{name}/COPYING
%doc /usr/share/doc/{name}/README
"""

DB_LOAD: Final = shutil.which("db5.3_load") or shutil.which("db_load")
MISSING: Final = "rpmbuild and db_load are not installed" if not (shutil.which("rpmbuild") and DB_LOAD) else ""


def build_package(folder: Path, **fields: str) -> Path:
    """An .rpm; fields are those of the spec file above."""
    folder.mkdir(parents=True, exist_ok=True)
    spec = folder / "demo.spec"
    spec.write_text(_SPEC.format(**{"epoch": "", "version": "1.0", "release": "1", "licence": "MIT"} | fields))
    define = ["--define", f"_topdir {folder}/build", "--define", "_build_name_fmt %%{NAME}.rpm"]
    subprocess.run(["rpmbuild", "-bb", "--quiet", *define, str(spec)], check=True, capture_output=True)
    return next((folder / "build" / "RPMS").rglob("*.rpm"))


def install(root: Path, packages: Sequence[Path]) -> None:
    """Installs packages into a root, with a database of rpm's in sqlite."""
    options = ["--root", str(root), "--dbpath", "/var/lib/rpm", "--define", "_db_backend sqlite"]
    subprocess.run(
        ["rpm", *options, "--nodeps", "--noscripts", "--nosignature", "-i", *map(str, packages)],
        check=True,
        capture_output=True,
    )


def to_ndb(root: Path) -> None:
    """Replaces a root's sqlite database by the same headers in ndb, with a free slot between (rpm, rpmpkg.c)."""
    blobs = _take_headers(root)
    slots, data = b"", b""
    first = 4096 // 16  # blocks of 16 bytes; one page of slots
    for number, blob in enumerate(blobs, 1):
        body = struct.pack("<4sIII", b"BlbS", number, 7, len(blob)) + blob
        body += bytes(-(len(body) + 12) % 16) + struct.pack("<II4s", zlib.adler32(body), len(blob), b"BlbE")
        slots += struct.pack("<4sIII", b"Slot", number, first + len(data) // 16, len(body) // 16)
        slots += struct.pack("<4sIII", b"Slot", 0, 0, 0)
        data += body
    slots += struct.pack("<4sIII", b"Slot", 0, 0, 0) * ((4096 - 32 - len(slots)) // 16)
    head = struct.pack("<4sIIII", b"RpmP", 0, 7, 1, len(blobs) + 1) + bytes(12)
    (root / "var/lib/rpm/Packages.db").write_bytes(head + slots + data)


def to_berkeley_db(root: Path, *, byte_order: int, filler: int = 200) -> None:
    """Replaces a root's sqlite database by what Berkeley DB makes of it; `byte_order` is 1234 or 4321.

    Fillers are small values, which the format keeps on the page itself; headers are larger than a page.
    """
    values = [*_take_headers(root), *(number.to_bytes(2, "big") * 8 for number in range(filler))]
    lines = ["VERSION=3", "format=bytevalue", "type=hash", f"db_lorder={byte_order}", "db_pagesize=4096", "HEADER=END"]
    for number, value in enumerate(values):
        lines += [f" {number.to_bytes(4, 'little').hex()}", f" {value.hex()}"]
    lines.append("DATA=END\n")
    assert DB_LOAD is not None
    place = str(root / "var/lib/rpm/Packages")
    subprocess.run([DB_LOAD, place], input="\n".join(lines).encode(), check=True)


def _take_headers(root: Path) -> list[bytes]:
    folder = root / "var/lib/rpm"
    with contextlib.closing(sqlite3.connect(folder / "rpmdb.sqlite")) as database:
        blobs = [bytes(blob) for (blob,) in database.execute("SELECT blob FROM Packages")]
    for path in folder.iterdir():
        path.unlink()
    return blobs
