"""The floor: start Python, inflate the ELF members of a wheel one by one, and do nothing with them.

Nothing that judges these bytes can be much faster than this with the same inflaters: libdeflate for what is no
larger than perennial takes as a whole, and isal, chunk by chunk, for the rest. With `--sha256` all members are
inflated and hashed: the floor of what also holds them against RECORD.
"""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterator

try:
    from deflate import deflate_decompress
    from isal.igzip_lib import IgzipDecompressor
except ImportError:
    sys.exit("the floor is that of libdeflate and isal, and one of them is not installed")

WHOLE = 4 << 20
CHUNK = 256 << 10


def main(path: str, *, hashes: bool) -> None:
    if hashes:
        from hashlib import sha256  # noqa: PLC0415 - 3 ms, which the other floor does not need
    bytes(8 << 20)  # as perennial does: malloc keeps what chunks were in
    with zipfile.ZipFile(path) as archive, open(path, "rb") as file:
        for info in archive.infolist():
            file.seek(info.header_offset + 26)
            lengths = file.read(4)
            file.seek(int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little"), 1)
            front = file.read(min(info.compress_size, 4096))
            if not hashes and not _is_elf(info, front):
                continue
            data = front + file.read(info.compress_size - len(front))
            digest = sha256() if hashes else None
            for chunk in _content(info, data):
                if digest is not None:
                    digest.update(chunk)


def _content(info: zipfile.ZipInfo, data: bytes) -> Iterator[bytes | bytearray]:
    if info.compress_type != zipfile.ZIP_DEFLATED:
        yield data
    elif info.file_size <= WHOLE:
        yield deflate_decompress(data, info.file_size)
    else:
        inflater = IgzipDecompressor()
        yield inflater.decompress(data, CHUNK)
        while not inflater.eof:
            yield inflater.decompress(b"", CHUNK)


def _is_elf(info: zipfile.ZipInfo, front: bytes) -> bool:
    if info.compress_type == zipfile.ZIP_DEFLATED and front:
        front = IgzipDecompressor().decompress(front, 4)
    return front.startswith(b"\x7fELF")


if __name__ == "__main__":
    main(sys.argv[-1], hashes="--sha256" in sys.argv)
