"""Packages and archives of releases: each format as its tools write it, and as somebody hostile would.

The archives are made here, by the standard library's tarfile and from the formats' specifications.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.errors import ArchiveError
from perennial.learn.limits import Budget, Limits
from perennial.learn.members import Kind, Member
from perennial.learn.packages import libraries_of, open_package
from perennial.learn.rpm import read_cpio
from perennial.learn.streams import ByteReader, decompressed, file_chunks
from perennial.learn.tar import read_tar
from tests.support.elf_builder import Export, elf

Entry = bytes | str | None  # a file's content, a link's target, a folder
LIBC_PATH = "usr/lib/x86_64-linux-gnu/libc.so.6"


def library(soname: str, *exports: str, arch: str = "x86_64", **fields: Any) -> bytes:
    """A library; an export is `name` or `name@VERSION`."""
    symbols = tuple(Export(name, version or None) for name, _, version in (each.partition("@") for each in exports))
    return elf(arch=arch, soname=soname, exports=symbols, **fields)


LIBC = library("libc.so.6", "memcpy@GLIBC_2.14", "memcpy@GLIBC_2.2.5", "statx@GLIBC_2.28")


def make_tar(entries: Mapping[str, Entry], *, style: int = tarfile.PAX_FORMAT, end: bool = True) -> bytes:
    """A tar archive; `@NAME` as content makes a hard link to NAME."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=style) as archive:
        for name, content in entries.items():
            info = tarfile.TarInfo(name)
            if content is None:
                info.type = tarfile.DIRTYPE
            elif isinstance(content, str):
                info.type = tarfile.LNKTYPE if content.startswith("@") else tarfile.SYMTYPE
                info.linkname = content.removeprefix("@")
            else:
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else None)
        length = archive.offset
    return raw.getvalue() if end else raw.getvalue()[:length]


def make_ar(parts: Mapping[str, bytes]) -> bytes:
    data = b"!<arch>\n"
    for name, content in parts.items():
        data += f"{name:16}{0:<12}{0:<6}{0:<6}{'100644':8}{len(content):<10}`\n".encode() + content
        data += b"\n" * (len(content) % 2)
    return data


def make_deb(files: Mapping[str, Entry], *, name: str = "libc6", version: str = "2.41-12", pack: str = "xz") -> bytes:
    control = f"Package: {name}\nVersion: {version}\nArchitecture: amd64\nDescription: demo\n more of it\n"
    return make_ar(
        {
            "debian-binary": b"2.0\n",
            "control.tar.gz": gzip.compress(make_tar({"./control": control.encode()})),
            f"data.tar.{pack}": compressed(make_tar(files, style=tarfile.GNU_FORMAT), pack),
        }
    )


def make_apk(files: Mapping[str, Entry], *, name: str = "musl", version: str = "1.2.5-r0") -> bytes:
    info = f"# Generated\npkgname = {name}\npkgver = {version}\n".encode()
    pieces = (
        make_tar({".SIGN.RSA.somebody.rsa.pub": b"signature"}, end=False),
        make_tar({".PKGINFO": info, ".post-install": b"#!/bin/sh\n"}, end=False),
        make_tar(files),
    )
    return b"".join(gzip.compress(piece) for piece in pieces)


def make_cpio(files: Mapping[str, Entry]) -> bytes:
    data = b""
    for number, (name, content) in enumerate([*files.items(), ("TRAILER!!!", b"")], 1):
        mode = 0o040755 if content is None else 0o120777 if isinstance(content, str) else 0o100644
        body = b"" if content is None else content.encode() if isinstance(content, str) else content
        raw = name.encode() + b"\0"
        fields = (number, mode, 0, 0, 1, 0, len(body), 0, 0, 0, 0, len(raw), 0)
        head = b"070701" + b"".join(b"%08x" % field for field in fields) + raw
        data += head + bytes(-len(head) % 4) + body + bytes(-len(body) % 4)
    return data


def rpm_header(tags: Mapping[int, str | int | list[str] | list[int]]) -> bytes:
    """A header with these tags (RPM file format, "Header format")."""
    index, store = b"", b""
    for tag, value in sorted(tags.items()):
        if isinstance(value, str):
            kind, count, data = 6, 1, value.encode() + b"\0"
        else:
            values = [value] if isinstance(value, int) else value
            count = len(values)
            if values and isinstance(values[0], str):
                kind, data = 8, b"".join(str(each).encode() + b"\0" for each in values)
            else:
                store += bytes(-len(store) % 4)
                kind, data = 4, struct.pack(f">{count}I", *values)
        index += struct.pack(">IIII", tag, kind, len(store), count)
        store += data
    return struct.pack(">II", len(index) // 16, len(store)) + index + store


def make_rpm(files: Mapping[str, Entry], *, name: str = "glibc", pack: str = "zst") -> bytes:
    magic = b"\x8e\xad\xe8\x01" + bytes(4)
    signature = rpm_header({62: "signed"})
    header = rpm_header({1000: name, 1001: "2.42", 1002: "5.fc43", 1003: 1})
    lead = (b"\xed\xab\xee\xdb\x03\x00" + bytes(90))[:96]
    padding = bytes(-(len(signature) - 8 - 16) % 8)
    return lead + magic + signature + padding + magic + header + compressed(make_cpio(files), pack)


def compressed(data: bytes, pack: str) -> bytes:
    if pack == "zst":
        for module in ("compression.zstd", "backports.zstd"):
            try:
                return bytes(import_module(module).compress(data))
            except ImportError:
                continue
        pytest.skip("this Python has neither compression.zstd nor backports.zstd")
    packers: dict[str, Callable[[bytes], bytes]] = {
        "gz": gzip.compress, "xz": lzma.compress, "bz2": bz2.compress, "": bytes,
    }  # fmt: skip
    return packers[pack](data)


def members(data: bytes, limits: Limits = Limits()) -> list[tuple[Member, bytes]]:  # noqa: B008 - a value
    budget = Budget("demo.tar", limits)
    reader = ByteReader(decompressed(file_chunks(io.BytesIO(data)), budget), "demo.tar")
    return [(each, each.read() if each.kind is Kind.FILE else b"") for each in read_tar(reader, budget)]


def found_in(package: bytes) -> list[tuple[str, str, str, str]]:
    budget = Budget("demo")
    found = libraries_of(open_package(io.BytesIO(package), budget), budget)
    return [(each.path, each.file.soname, each.package, each.version) for each in found]


@pytest.mark.parametrize("style", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
@pytest.mark.parametrize("pack", ["", "gz", "xz", "bz2", "zst"])
def test_tar_says_what_tarfile_wrote(style: int, pack: str) -> None:
    long = "/".join(["folder"] * 12 + ["x" * 90])
    entries: dict[str, Entry] = {
        "./a": b"content", "usr": None, "usr/link": "../lib", "usr/hard": "@./a", long: b"y" * 1000, "empty": b"",
    }  # fmt: skip
    found = members(compressed(make_tar(entries, style=style), pack))
    assert [(each.name, each.kind, each.target, data) for each, data in found] == [
        ("a", Kind.FILE, "", b"content"),
        ("usr", Kind.DIRECTORY, "", b""),
        ("usr/link", Kind.SYMLINK, "../lib", b""),
        ("usr/hard", Kind.HARD_LINK, "a", b""),
        (long, Kind.FILE, "", b"y" * 1000),
        ("empty", Kind.FILE, "", b""),
    ]


def test_names_longer_than_a_ustar_header_has_room_for() -> None:
    name, target = "n" * 300, "t" * 300
    for style in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        ((first, _), (second, _)) = members(make_tar({name: b"1", "link": target}, style=style))
        assert (first.name, second.target) == (name, target)


def test_what_is_not_read_is_passed_over() -> None:
    data = make_tar({f"f{number}": bytes(number * 300) for number in range(10)})
    budget = Budget("demo.tar")
    reader = ByteReader(file_chunks(io.BytesIO(data)), "demo.tar")
    assert [each.name for each in read_tar(reader, budget)] == [f"f{number}" for number in range(10)]


@pytest.mark.parametrize("read", [True, False])
def test_the_padding_of_the_last_member_may_be_missing(read: bool) -> None:
    """umoci 0.4.7 writes layers so; not a byte of content is missing."""
    whole = make_tar({"a": b"one", "b": b"x" * 700}, end=False)
    cut = whole[: 512 + 512 + 512 + 700]
    assert len(cut) < len(whole)
    if read:
        assert [(member.name, data) for member, data in members(cut)] == [("a", b"one"), ("b", b"x" * 700)]
        with pytest.raises(ArchiveError, match="middle of a member"):
            members(cut[:-1])
    else:
        budget = Budget("demo.tar")
        assert [each.name for each in read_tar(ByteReader([cut], "demo.tar"), budget)] == ["a", "b"]
        with pytest.raises(ArchiveError, match="middle of a member"):
            list(read_tar(ByteReader([cut[:-1]], "demo.tar"), budget))


def test_a_gnu_sparse_member_is_passed_over_with_its_map() -> None:
    header = bytearray(make_tar({"sparse": b""}, style=tarfile.GNU_FORMAT)[:512])
    header[156] = ord("S")
    header[124:136] = b"%011o\0" % 600
    header[482] = 1
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    more = bytearray(512)
    more[504] = 1
    data = bytes(header) + bytes(more) + bytes(512) + bytes(1024) + make_tar({"after": b"x"})
    assert [each.name for each, _ in members(data.replace(bytes(0), b""))][-1:] == ["after"]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda data: data[:700], "middle of"),
        (lambda data: data[:300], "middle of a header"),
        (lambda data: data[:148] + b"7777777\0" + data[156:], "checksum"),
        (lambda data: gzip.compress(data)[:-20], "middle of its compressed data"),
        (lambda data: gzip.compress(data)[:-8] + bytes(8), "broken gzip data"),
        (lambda data: gzip.compress(data) + b"garbage", "something else after the end"),
        (lambda data: lzma.compress(data)[:40] + bytes(40), "broken xz data"),
    ],
)
def test_a_damaged_archive_is_one_line(damage: Callable[[bytes], bytes], said: str) -> None:
    data = make_tar({"usr/lib/libz.so.1": bytes(range(256)) * 4}, style=tarfile.GNU_FORMAT)
    with pytest.raises(ArchiveError, match=said) as caught:
        members(damage(data))
    assert "\n" not in str(caught.value)


def test_compressed_streams_may_follow_one_another_and_be_padded() -> None:
    data = make_tar({"a": b"x" * 5000})
    for pack in ("gz", "xz", "bz2"):
        both = compressed(data[:1000], pack) + compressed(data[1000:], pack) + bytes(512)
        assert members(both)[0][1] == b"x" * 5000


def test_a_name_that_leads_out_is_refused() -> None:
    for name in ("../etc/passwd", "usr/../../x"):
        with pytest.raises(ArchiveError, match="leads out"):
            members(make_tar({name: b""}))


def test_limits_hold() -> None:
    many = make_tar({f"f{number}": b"" for number in range(20)})
    with pytest.raises(ArchiveError, match="more than 10 entries"):
        members(many, Limits(entries=10))
    bomb = gzip.compress(make_tar({"zeros": bytes(1 << 22)}))
    assert len(bomb) < 1 << 14
    with pytest.raises(ArchiveError, match="unpacks to more than"):
        members(bomb, Limits(total=1 << 20))
    with pytest.raises(ArchiveError, match="larger than"):
        members(make_tar({"zeros": bytes(2000)}), Limits(library=1000))
    with pytest.raises(ArchiveError, match="longer than a path"):
        members(make_tar({"n" * 5000: b""}))


def test_a_long_name_of_a_gigabyte_is_refused_before_it_is_read() -> None:
    header = bytearray(make_tar({"x": b""}, style=tarfile.GNU_FORMAT)[:512])
    header[156] = ord("L")
    header[124:136] = b"%011o\0" % (1 << 30)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    with pytest.raises(ArchiveError, match="extended header of 1073741824 bytes"):
        members(bytes(header))


@pytest.mark.parametrize("record", [b"x", b"5 a=b", b"99 path=x\n", b"0 path=x\n", b"999999999999999999999 a=b\n"])
def test_broken_extended_headers_are_refused(record: bytes) -> None:
    header = bytearray(make_tar({"x": b""}, style=tarfile.GNU_FORMAT)[:512])
    header[156] = ord("x")
    header[124:136] = b"%011o\0" % len(record)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    with pytest.raises(ArchiveError, match=r"list of records|no length"):
        members(bytes(header) + record + bytes(512 - len(record)))


@pytest.mark.parametrize("pack", ["xz", "gz", "zst", "bz2", ""])
def test_a_debian_package(pack: str) -> None:
    package = make_deb({"./usr/": None, f"./{LIBC_PATH}": LIBC, "./usr/share/doc/x": b"text"}, pack=pack)
    assert found_in(package) == [(LIBC_PATH, "libc.so.6", "libc6", "2.41-12")]


@pytest.mark.parametrize("pack", ["zst", "xz", "gz"])
def test_an_rpm_package(pack: str) -> None:
    files: dict[str, Entry] = {"./usr": None, "./usr/lib64/libc.so.6": LIBC, "./usr/lib64/libc.so": "libc.so.6"}
    assert found_in(make_rpm(files, pack=pack)) == [("usr/lib64/libc.so.6", "libc.so.6", "glibc", "1:2.42-5.fc43")]


def test_an_apk_package() -> None:
    musl = library("libc.musl-x86_64.so.1", "statx")
    package = make_apk(
        {"lib": None, "lib/ld-musl-x86_64.so.1": musl, "lib/libc.musl-x86_64.so.1": "ld-musl-x86_64.so.1"}
    )
    assert found_in(package) == [("lib/ld-musl-x86_64.so.1", "libc.musl-x86_64.so.1", "musl", "1.2.5-r0")]


def test_a_library_of_debian_11_has_its_version_in_its_file_name() -> None:
    package = make_deb(
        {"./lib/x86_64-linux-gnu/libc-2.31.so": LIBC, "./lib/x86_64-linux-gnu/libc.so.6": "libc-2.31.so"}
    )
    assert found_in(package) == [("lib/x86_64-linux-gnu/libc-2.31.so", "libc.so.6", "libc6", "2.41-12")]


def test_only_what_a_loader_finds_counts() -> None:
    elsewhere: Iterable[str] = (
        "opt/lib/libc.so.6", "usr/lib/x86_64-linux-gnu/glibc-hwcaps/x86-64-v3/libc.so.6", "usr/lib/debug/libc.so.6",
    )  # fmt: skip
    assert found_in(make_deb(dict.fromkeys(elsewhere, LIBC))) == []


def test_a_linker_script_is_no_library() -> None:
    assert found_in(make_deb({"./usr/lib/x86_64-linux-gnu/libc.so": b"GROUP ( /lib/libc.so.6 )"})) == []


@pytest.mark.parametrize(
    ("package", "said"),
    [
        (b"PK\x03\x04 a wheel", "neither a Debian, an RPM nor an APK"),
        (make_ar({"debian-binary": b"2.0\n"}), "has no control.tar"),
        (make_ar({"control.tar": make_tar({"x": b""})}), "no control file"),
        (make_deb({})[:200], "middle of"),
        (b"!<arch>\n" + b"x" * 60, "broken member header"),
        (make_rpm({}, pack="gz")[:150], "middle of its header"),
        (make_rpm({}, pack="gz")[:96] + b"x" * 16, "broken RPM header"),
        (make_rpm({}, pack="gz")[:96] + struct.pack(">4sIII", b"\x8e\xad\xe8\x01", 0, 1 << 30, 0), "broken RPM header"),
        (gzip.compress(make_tar({"x": b""}), mtime=0), "has no .PKGINFO"),
        (b"ADBd" + bytes(20), "version 3"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{len(value)} bytes",
)
def test_a_broken_package_is_one_line(package: bytes, said: str) -> None:
    with pytest.raises(ArchiveError, match=said) as caught:
        found_in(package)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("at", range(0, 110, 7))
def test_cpio_with_broken_headers_is_refused_or_read(at: int) -> None:
    data = bytearray(make_cpio({"a": b"content"}))
    data[at] = ord("z")
    budget = Budget("demo.cpio")
    with pytest.raises(ArchiveError, match="broken cpio header"):
        list(read_cpio(ByteReader([bytes(data)], "demo.cpio"), budget))


def test_cpio_without_its_end_is_cut_short() -> None:
    data = make_cpio({"a": b"content"})
    with pytest.raises(ArchiveError, match="middle of"):
        list(read_cpio(ByteReader([data[:-124]], "demo.cpio"), Budget("demo.cpio")))


WHOLE = (
    make_deb({f"./{LIBC_PATH}": LIBC}, pack="gz"),
    make_deb({f"./{LIBC_PATH}": LIBC}, pack=""),
    make_rpm({"./usr/lib64/libc.so.6": LIBC}, pack="gz"),
    make_rpm({"./usr/lib64/libc.so.6": LIBC}, pack=""),
    make_apk({"lib/ld-musl-x86_64.so.1": library("libc.musl-x86_64.so.1", "statx")}),
)


@given(st.sampled_from(WHOLE), st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), max_size=6), st.data())
def test_damage_is_an_error_or_harmless(whole: bytes, changes: list[tuple[int, int]], data: st.DataObject) -> None:
    """Whatever is done to a package, it is read or refused, and nothing else."""
    damaged = bytearray(whole[: data.draw(st.integers(0, len(whole)) | st.just(len(whole)))])
    for at, value in changes:
        if damaged:
            damaged[at % len(damaged)] = value
    try:
        found_in(bytes(damaged))
    except ArchiveError as error:
        assert "\n" not in str(error)  # noqa: PT017 - whether there is an error depends on the damage
