"""The floor: start Python, inflate the ELF members of a wheel one by one, and do nothing with them.

Nothing that judges these bytes can be much faster than this with the same inflater. With `--sha256` they
are hashed too: the floor of what also holds them against RECORD.
"""

from __future__ import annotations

import sys
import zipfile

try:
    from isal import isal_zlib as zlib
except ImportError:
    import zlib  # type: ignore[no-redef]


def main(path: str, *, hashes: bool) -> None:
    if hashes:
        from hashlib import sha256  # noqa: PLC0415 - 3 ms, which the other floor does not need
    with zipfile.ZipFile(path) as archive, open(path, "rb") as file:
        for info in archive.infolist():
            file.seek(info.header_offset + 26)
            lengths = file.read(4)
            file.seek(int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little"), 1)
            front = file.read(min(info.compress_size, 4096))
            if not _is_elf(info, front):
                continue
            data = front + file.read(info.compress_size - len(front))
            if info.compress_type == zipfile.ZIP_DEFLATED:
                data = zlib.decompress(data, -15, info.file_size)
            if hashes:
                sha256(data).digest()


def _is_elf(info: zipfile.ZipInfo, front: bytes) -> bool:
    if info.compress_type == zipfile.ZIP_DEFLATED and front:
        front = zlib.decompressobj(-15).decompress(front, 4)
    return front.startswith(b"\x7fELF")


if __name__ == "__main__":
    main(sys.argv[-1], hashes="--sha256" in sys.argv)
