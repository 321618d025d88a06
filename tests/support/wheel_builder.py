"""Builds wheels for tests: well-formed ones, and with RECORD lines that are not.

Sources: the PyPA specifications "Binary distribution format" (the WHEEL file, compressed tag
sets) and "Recording installed projects" (RECORD). The bytes depend on the arguments only.
"""

from __future__ import annotations

import csv
import io
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Final, Literal

from tests.support.raw_zip import HOSTILE, Eocd, RawEntry, RawZip, Side, overlapping

__all__ = [
    "HOSTILE",
    "Eocd",
    "RawEntry",
    "RawZip",
    "RecordEdit",
    "Side",
    "add_lines",
    "alter_line",
    "drop_lines",
    "entries_of",
    "expand_tags",
    "overlapping",
    "record_line",
    "wheel",
    "wheel_bytes",
]

RecordEdit = Callable[[list[str]], Iterable[str]]
"""Takes the honest RECORD's lines and gives those to be written; lines have no line ends."""

DEFAULT_TAGS: Final = "cp311-cp311-manylinux_2_17_x86_64"
Mtime = tuple[int, int, int, int, int, int]


def expand_tags(tags: str) -> list[str]:
    """`py2.py3-none-any` to one tag a line, as WHEEL wants it."""
    return ["-".join(tag) for tag in product(*(part.split(".") for part in tags.split("-")))]


def record_line(name: str, data: bytes) -> str:
    """RECORD's line for a member: path, unpadded urlsafe sha256, size."""
    digest = urlsafe_b64encode(sha256(data).digest()).rstrip(b"=").decode()
    return _csv(name, f"sha256={digest}", str(len(data)))


def _csv(*fields: str) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(fields)
    return out.getvalue()


def _path_of(line: str) -> str:
    return next(csv.reader([line]))[0]


def drop_lines(*names: str) -> RecordEdit:
    """RECORD without the lines of these members."""
    return lambda lines: [line for line in lines if _path_of(line) not in names]


def alter_line(name: str, *, digest: str | None = None, size: int | str | None = None) -> RecordEdit:
    """RECORD with another hash (`sha256=...`) or size for one member."""

    def edit(lines: list[str]) -> Iterable[str]:
        for line in lines:
            path, old_digest, old_size = next(csv.reader([line]))
            if path == name:
                yield _csv(path, old_digest if digest is None else digest, old_size if size is None else str(size))
            else:
                yield line

    return edit


def add_lines(*extra: str) -> RecordEdit:
    """RECORD with these lines at its end."""
    return lambda lines: [*lines, *extra]


def wheel_bytes(
    *,
    name: str = "demo",
    version: str = "1.0",
    tags: str = DEFAULT_TAGS,
    members: Mapping[str, bytes],
    wheel_tags: Sequence[str] | None = None,
    purelib: bool = False,
    dist_info: str | None = None,
    metadata: bytes | None = None,
    wheel_file: bytes | None = None,
    record: bytes | None = None,
    edit_record: RecordEdit | None = None,
    omit: Iterable[str] = (),
    modes: Mapping[str, int] | None = None,
    compression: Literal["deflated", "stored"] = "deflated",
    mtime: Mtime = (1980, 1, 1, 0, 0, 0),
) -> bytes:
    """A wheel: `members` in their order, then METADATA, WHEEL and RECORD.

    `wheel_tags` are WHEEL's Tag lines (default: what `tags` expands to). `metadata`, `wheel_file`
    and `record` replace these files' contents, `edit_record` RECORD's lines, and `omit` names
    ("RECORD", "WHEEL", "METADATA") leave a file out altogether. `modes` are the members' st_mode.
    """
    folder = dist_info if dist_info is not None else f"{name}-{version}.dist-info"
    lines = ["Wheel-Version: 1.0", "Generator: tests", f"Root-Is-Purelib: {'true' if purelib else 'false'}"]
    lines += [f"Tag: {tag}" for tag in (expand_tags(tags) if wheel_tags is None else wheel_tags)]
    own = {
        "METADATA": metadata or f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        "WHEEL": wheel_file or "".join(f"{line}\n" for line in lines).encode(),
    }
    left_out = frozenset(omit)
    everything = dict(members)
    everything |= {f"{folder}/{file}": data for file, data in own.items() if file not in left_out}
    if "RECORD" not in left_out:
        listed = [record_line(path, data) for path, data in everything.items()] + [_csv(f"{folder}/RECORD", "", "")]
        listed = list(edit_record(listed)) if edit_record else listed
        everything[f"{folder}/RECORD"] = (
            record if record is not None else "".join(f"{line}\n" for line in listed).encode()
        )
    method = zipfile.ZIP_DEFLATED if compression == "deflated" else zipfile.ZIP_STORED
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for path, data in everything.items():
            info = zipfile.ZipInfo(path, mtime)
            info.create_system = 3  # Unix, whatever runs the tests: only then external_attr is a mode
            info.external_attr = (modes or {}).get(path, 0o100644) << 16
            info.compress_type = method
            archive.writestr(info, data)
    return out.getvalue()


def wheel(
    path_dir: Path,
    *,
    name: str = "demo",
    version: str = "1.0",
    build: str | None = None,
    tags: str = DEFAULT_TAGS,
    members: Mapping[str, bytes],
    wheel_tags: Sequence[str] | None = None,
    purelib: bool = False,
    dist_info: str | None = None,
    metadata: bytes | None = None,
    wheel_file: bytes | None = None,
    record: bytes | None = None,
    edit_record: RecordEdit | None = None,
    omit: Iterable[str] = (),
    modes: Mapping[str, int] | None = None,
    compression: Literal["deflated", "stored"] = "deflated",
    mtime: Mtime = (1980, 1, 1, 0, 0, 0),
) -> Path:
    """Writes `wheel_bytes` under the file name that these arguments make; returns its path."""
    data = wheel_bytes(
        name=name,
        version=version,
        tags=tags,
        members=members,
        wheel_tags=wheel_tags,
        purelib=purelib,
        dist_info=dist_info,
        metadata=metadata,
        wheel_file=wheel_file,
        record=record,
        edit_record=edit_record,
        omit=omit,
        modes=modes,
        compression=compression,
        mtime=mtime,
    )
    parts = [name, version, *([build] if build else []), tags]
    path = path_dir / f"{'-'.join(parts)}.whl"
    path.write_bytes(data)
    return path


def entries_of(archive: bytes) -> tuple[RawEntry, ...]:
    """A good archive's members, to be joined by a hostile one in a `RawZip`."""
    with zipfile.ZipFile(io.BytesIO(archive)) as good:
        return tuple(
            RawEntry(
                name=info.filename,
                data=good.read(info),
                method=info.compress_type,
                external_attr=info.external_attr,
            )
            for info in good.infolist()
        )
