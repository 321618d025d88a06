"""Work for the libraries of a distribution, the same everywhere: what it prints depends on no architecture.

Lines with `maps` say which libraries are in the process, before and after. Runs on the Python of every
suite, so what is imported is imported late, and untyped.
"""

from __future__ import annotations

import ctypes
import hashlib
import io
import sys
from importlib import import_module


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")


def say_libraries(when: str) -> None:
    names: list[str] = []

    # The second member of struct dl_phdr_info is the name.
    def visit(info: ctypes._Pointer[ctypes.c_void_p], _size: int, _data: None) -> int:
        address = info[1]
        assert isinstance(address, int)
        names.append(ctypes.string_at(address).decode())
        return 0

    kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_void_p), ctypes.c_size_t, ctypes.c_void_p)
    ctypes.CDLL(None).dl_iterate_phdr(kind(visit), None)
    for name in names:
        if name:
            say(when, "maps", name)


def compress() -> None:
    text = b"perennial " * 1000
    for name in ("bz2", "lzma", "zlib"):
        module = import_module(name)
        packed = module.compress(text)
        assert len(packed) < 1000
        assert module.decompress(packed) == text
    say("compressed", hashlib.sha256(text).hexdigest())


def query() -> None:
    database = import_module("sqlite3").connect(":memory:")
    database.execute("create table wheel (name text, size real)")
    database.executemany("insert into wheel values (?, ?)", [("numpy", 1.5), ("lxml", 2.25), ("pillow", 4)])
    say("sqlite", database.execute("select max(name), sum(size) from wheel").fetchall())
    database.close()


def encrypt() -> None:
    ssl = import_module("ssl")
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    for answer in (b"", b"not TLS at all"):
        incoming.write(answer)
        try:
            client.do_handshake()
        except ssl.SSLError as error:
            say("tls", type(error).__name__, outgoing.read(3).hex())


def transform() -> None:
    etree = import_module("lxml.etree")
    sheet = etree.XSLT(
        etree.XML("""<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
          <xsl:template match="/"><sum><xsl:value-of select="sum(//n)"/></sum></xsl:template>
        </xsl:stylesheet>""")
    )
    document = etree.XML("<all>" + "".join(f"<n>{number}</n>" for number in range(100)) + "</all>")
    say("xslt", str(sheet(document)).splitlines()[-1])
    try:
        etree.XML("<open>")
    except etree.XMLSyntaxError as error:
        say("xml error in line", error.lineno)


def draw() -> None:
    image_module = import_module("PIL.Image")
    image = image_module.new("RGB", (64, 48), "white")
    import_module("PIL.ImageDraw").Draw(image).ellipse((8, 8, 40, 40), fill="navy")
    for kind, options in (("PNG", {}), ("TIFF", {"compression": "tiff_lzw"}), ("JPEG", {})):
        file = io.BytesIO()
        image.save(file, kind, **options)
        file.seek(0)
        again = image_module.open(file).convert("RGB")
        say("image", kind, again.size, kind == "JPEG" or again.tobytes() == image.tobytes())


def main() -> None:
    say_libraries("before")
    compress()
    query()
    encrypt()
    transform()
    draw()
    say_libraries("after")


main()
