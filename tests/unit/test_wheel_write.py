"""Written wheels: what is copied, what changes, and that nothing is ever there in half."""

from __future__ import annotations

import csv
import io
import os
import shutil
import signal
import stat
import struct
import subprocess
import sys
import textwrap
import time
import zipfile
import zlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

import pytest

from perennial.errors import ArchiveError, UnreadableError, UsageError
from perennial.wheel import deflate as deflate_module
from perennial.wheel.archive import Archive
from perennial.wheel.deflate import Deflater, deflate, installed_deflater
from perennial.wheel.limits import ArchiveLimits
from perennial.wheel.wheel import read_wheel
from perennial.wheel.write import NewMember, WriteOptions, Written, write_wheel
from perennial.wheel.zip_writer import Moment
from tests.support.raw_zip import DEFLATED, STORED, SYMLINK, RawEntry, RawZip
from tests.support.wheel_builder import add_lines, alter_line, drop_lines, entries_of, wheel, wheel_bytes

SOURCES: Final = Path(__file__).parents[2] / "src"
OPTIONS: Final = WriteOptions(installed_deflater())
DIST_INFO: Final = "demo-1.0.dist-info"
RECORD: Final = f"{DIST_INFO}/RECORD"
TEXT: Final = b"".join(b"value_%d = %d\n" % (n, n * n) for n in range(2000))
MEMBERS: Final = {
    "demo/__init__.py": b"",
    "demo/text.py": TEXT,
    "demo/a,b.txt": b"a name that RECORD has to quote\n",
    "demo/größe.txt": b"a name that is not ASCII\n",
    "demo/noise.bin": bytes((n * n * 7919 >> 3) & 255 for n in range(5000)),
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return wheel(tmp_path, tags="py3-none-any", purelib=True, members=MEMBERS, mtime=(2021, 3, 4, 5, 6, 8))


def written(
    source: Path,
    changes: Mapping[str, NewMember | None],
    options: WriteOptions = OPTIONS,
    limits: ArchiveLimits | None = None,
) -> Path:
    """What `write_wheel` makes of it, in a folder of its own, where nothing else is left."""
    folder = source.parent / "out"
    folder.mkdir(exist_ok=True)
    target = folder / source.name
    with Archive(str(source), limits or ArchiveLimits()) as archive:
        result = write_wheel(archive, str(target), changes, options)
    assert result.size == target.stat().st_size
    assert os.listdir(folder) == [source.name]
    return target


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {info.filename: archive.read(info) for info in archive.infolist()}


def stored_bytes(path: Path) -> dict[str, bytes]:
    """Each member's data as they lie in the file, found without perennial."""
    data = path.read_bytes()
    found = {}
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            name, extra = struct.unpack_from("<2H", data, info.header_offset + 26)
            start = info.header_offset + 30 + name + extra
            found[info.filename] = data[start : start + info.compress_size]
    return found


def record_rows(path: Path) -> list[list[str]]:
    with zipfile.ZipFile(path) as archive:
        return list(csv.reader(io.StringIO(archive.read(RECORD).decode("utf-8"))))


def assert_record_is_right(path: Path) -> None:
    """Each file once, with its hash and size, RECORD as the last member and in the last line."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
        assert archive.namelist()[-1] == RECORD
    rows = record_rows(path)
    assert rows[-1] == [RECORD, "", ""]
    right = [
        [name, "sha256=" + urlsafe_b64encode(sha256(data).digest()).rstrip(b"=").decode(), str(len(data))]
        for name, data in files.items()
        if name != RECORD
    ]
    assert sorted(rows[:-1]) == sorted(right)


# ----- what is written


def test_only_what_changes_is_deflated_again(source: Path) -> None:
    """The rest is the same compressed bytes, although they are not those that our deflater makes."""
    out = written(source, {"demo/a,b.txt": NewMember(b"changed\n" * 9), "demo/new.py": NewMember(TEXT)})
    before, after = stored_bytes(source), stored_bytes(out)
    untouched = before.keys() - {"demo/a,b.txt", RECORD}
    assert {name: after[name] for name in untouched} == {name: before[name] for name in untouched}
    assert contents(out) == contents(source) | {
        "demo/a,b.txt": b"changed\n" * 9,
        "demo/new.py": TEXT,
        RECORD: contents(out)[RECORD],
    }
    assert_record_is_right(out)


def test_members_can_be_left_out(source: Path) -> None:
    out = written(source, {"demo/text.py": None})
    assert contents(out).keys() == contents(source).keys() - {"demo/text.py"}
    assert_record_is_right(out)


def test_order_is_the_sources_with_metadata_behind(tmp_path: Path) -> None:
    data = wheel_bytes(members={"z.py": b"1", "a.py": b"2"})
    first = entries_of(data)
    source = tmp_path / "demo-1.0-py3-none-any.whl"
    # WHEEL and RECORD first, as some tools write them
    source.write_bytes(RawZip(entries=(*first[-2:], *first[:-2])).build())
    changes = {"m.py": NewMember(b"3"), "b.py": NewMember(b"4"), f"{DIST_INFO}/licenses/X": NewMember(b"5")}
    with zipfile.ZipFile(written(source, changes)) as archive:
        assert archive.namelist() == [
            "z.py", "a.py", "b.py", "m.py",
            f"{DIST_INFO}/WHEEL", f"{DIST_INFO}/METADATA", f"{DIST_INFO}/licenses/X", RECORD,
        ]  # fmt: skip


def test_nothing_changed_is_the_same_wheel(source: Path) -> None:
    assert written(source, {}).read_bytes() == source.read_bytes()


def test_writing_twice_gives_the_same_bytes(source: Path) -> None:
    changes = {"demo/text.py": NewMember(b"x = 1\n" * 100), "demo/b.py": NewMember(b""), "demo/a.py": NewMember(TEXT)}
    once = written(source, changes).read_bytes()
    assert written(source, dict(reversed(changes.items()))).read_bytes() == once


def test_modes_are_kept(tmp_path: Path) -> None:
    modes = {"demo/run.sh": 0o100755, "demo/secret": 0o100600, "demo/link": 0o120777}
    source = wheel(tmp_path, members=dict.fromkeys(modes, b"#!/bin/sh\n"), modes=modes)
    new = {"demo/run.sh": NewMember(b"new"), "demo/link": NewMember(b"no link"), "demo/tool": NewMember(b"", 0o755)}
    with zipfile.ZipFile(written(source, new)) as archive:
        found = {info.filename: info.external_attr >> 16 for info in archive.infolist()}
    assert found["demo/run.sh"] == 0o100755
    assert found["demo/secret"] == 0o100600
    assert found["demo/link"] == 0o100644
    assert found["demo/tool"] == 0o100755
    with zipfile.ZipFile(written(source, {})) as archive:
        assert archive.getinfo("demo/link").external_attr == SYMLINK


def test_attributes_of_another_system_are_kept(tmp_path: Path) -> None:
    """An archive made on Windows has no st_mode; what is written anew is as if it came from Unix."""
    source = tmp_path / "demo-1.0-py3-none-any.whl"
    with zipfile.ZipFile(io.BytesIO(wheel_bytes(members=MEMBERS))) as good, zipfile.ZipFile(source, "w") as made:
        for name in good.namelist():
            info = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            info.create_system, info.external_attr = 0, 0x20
            made.writestr(info, good.read(name))
    with zipfile.ZipFile(written(source, {"demo/text.py": NewMember(b"")})) as archive:
        kept, made_anew = archive.getinfo("demo/a,b.txt"), archive.getinfo("demo/text.py")
    assert (kept.create_system, kept.external_attr) == (0, 0x20)
    assert (made_anew.create_system, made_anew.external_attr) == (3, 0o100644 << 16)


def test_folders_are_kept(tmp_path: Path) -> None:
    folder = RawEntry(name="demo/sub/", external_attr=0o40755 << 16 | 0x10)
    source = tmp_path / "demo-1.0-py3-none-any.whl"
    source.write_bytes(RawZip(entries=(folder, *entries_of(wheel_bytes(members=MEMBERS)))).build())
    out = written(source, {"demo/sub/x.py": NewMember(b"")})
    assert_record_is_right(out)
    with zipfile.ZipFile(out) as archive:
        assert archive.getinfo("demo/sub/").external_attr == folder.external_attr


def test_headers_are_the_plain_ones(tmp_path: Path) -> None:
    """Descriptors, extra fields and comments of the source go; sizes are in the local headers, names UTF-8."""
    data = wheel_bytes(members=MEMBERS)
    stamp = struct.pack("<HHBL", 0x5455, 5, 1, 1600000000)
    entries = tuple(
        RawEntry(
            name=entry.name, data=entry.data, method=DEFLATED if entry.data else STORED, extra=stamp,
            descriptor="signed" if n % 2 else "unsigned", comment=b"a comment",
        )
        for n, entry in enumerate(entries_of(data))
    )  # fmt: skip
    old_name = RawEntry(name="caf\x82.txt".encode("latin-1"), data=b"code page 437")
    source = tmp_path / "demo-1.0-py3-none-any.whl"
    source.write_bytes(RawZip(entries=(old_name, *entries), comment=b"of the archive").build())
    out = written(source, {"demo/neu_ä.py": NewMember(b"")})
    raw = out.read_bytes()
    with zipfile.ZipFile(out) as archive:
        assert archive.comment == b""
        assert "café.txt" in archive.namelist()
        for info in archive.infolist():
            assert (info.extra, info.comment) == (b"", b"")
            assert info.flag_bits == (0 if info.filename.isascii() else 0x800)
            fields = struct.unpack_from("<4s5H3L2H", raw, info.header_offset)
            assert fields[2] == info.flag_bits
            assert fields[6:9] == (info.CRC, info.compress_size, info.file_size)
            assert fields[10] == 0
    assert contents(out)["café.txt"] == b"code page 437"
    read_wheel(out)


def test_an_empty_deflate_stream_of_no_bytes_is_stored(tmp_path: Path) -> None:
    source = tmp_path / "demo-1.0-py3-none-any.whl"
    empty = RawEntry(name="demo/empty.py", method=DEFLATED, payload=b"")
    source.write_bytes(RawZip(entries=(empty, *entries_of(wheel_bytes(members={})))).build())
    out = written(source, {})
    with zipfile.ZipFile(out) as archive:
        assert archive.getinfo("demo/empty.py").compress_type == STORED
    assert contents(out)["demo/empty.py"] == b""


# ----- dates


def dates(path: Path) -> dict[str, tuple[int, ...]]:
    with zipfile.ZipFile(path) as archive:
        return {info.filename: info.date_time for info in archive.infolist()}


def test_members_keep_their_dates_and_new_ones_get_that_of_wheel(source: Path) -> None:
    changes = {"demo/text.py": NewMember(b"changed"), "demo/new.py": NewMember(b"new")}
    assert set(dates(written(source, changes)).values()) == {(2021, 3, 4, 5, 6, 8)}


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        (Moment(2024, 2, 29, 23, 59, 59), (2024, 2, 29, 23, 59, 58)),
        (Moment(1970), (1980, 1, 1, 0, 0, 0)),
        (Moment(2500, 6), (2107, 12, 31, 23, 59, 58)),
    ],
)
def test_a_given_date_is_that_of_every_member(source: Path, moment: Moment, shown: tuple[int, ...]) -> None:
    changes = {"demo/text.py": NewMember(b"changed"), "demo/new.py": NewMember(b"new")}
    assert set(dates(written(source, changes, OPTIONS._replace(moment=moment))).values()) == {shown}


# ----- RECORD


def test_lines_of_unchanged_members_stay_to_the_byte(tmp_path: Path) -> None:
    """Another algorithm, needless quotes, line ends, and an order of their own."""
    plain = wheel_bytes(members=MEMBERS)
    with zipfile.ZipFile(io.BytesIO(plain)) as archive:
        lines = archive.read(RECORD).decode().splitlines()
    own = [line.replace("demo/__init__.py", '"demo/__init__.py"') for line in reversed(lines)]
    source = wheel(tmp_path, members=MEMBERS, record="".join(f"{line}\r\n" for line in own).encode())
    out = written(source, {"demo/noise.bin": NewMember(b"quiet"), "demo/new.py": NewMember(b"")})
    with zipfile.ZipFile(out) as archive:
        made = archive.read(RECORD).decode().split("\r\n")
    kept = [line for line in own if not line.startswith("demo/noise.bin")]
    assert [line for line in made if line in kept] == kept
    assert [line.partition(",")[0] for line in made if line not in kept] == ["demo/noise.bin", "demo/new.py", ""]


def test_a_wrong_hash_is_not_made_right(tmp_path: Path) -> None:
    source = wheel(tmp_path, members=MEMBERS, edit_record=alter_line("demo/text.py", digest="sha256=AAAA"))
    assert ["demo/text.py", "sha256=AAAA", str(len(TEXT))] in record_rows(written(source, {"x.py": NewMember(b"")}))


def test_names_are_brought_in_line(tmp_path: Path) -> None:
    """Files without a line get one, and lines without a file go, as those that say nothing."""

    def edit(lines: list[str]) -> list[str]:
        return [*add_lines("demo/gone.py,sha256=AAAA,1", "nonsense")(list(drop_lines("demo/text.py")(lines)))]

    source = wheel(tmp_path, members=MEMBERS, edit_record=edit)
    rows = record_rows(written(source, {}))
    listed = [row[0] for row in rows]
    assert sorted(listed) == sorted(contents(source))
    assert next(row for row in rows if row[0] == "demo/text.py")[2] == str(len(TEXT))


def test_a_wheel_without_record_gets_one(tmp_path: Path) -> None:
    assert_record_is_right(written(wheel(tmp_path, members=MEMBERS, omit=("RECORD",)), {}))


def test_signatures_go_with_the_record_that_they_sign(tmp_path: Path) -> None:
    signed = {f"{RECORD}.jws": b"{}", f"{RECORD}.p7s": b"\x30"}
    source = wheel(tmp_path, members=MEMBERS | signed, edit_record=drop_lines(*signed))
    with Archive(str(source), ArchiveLimits()) as archive:
        result = write_wheel(archive, str(tmp_path / "new.whl"), {"demo/text.py": None}, OPTIONS)
        assert result.dropped == tuple(sorted(signed))
        same = write_wheel(archive, str(tmp_path / "same.whl"), {}, OPTIONS)
        assert same.dropped == ()
    assert_record_is_right(tmp_path / "new.whl")
    assert contents(tmp_path / "same.whl").keys() == contents(source).keys()


# ----- deflating


@pytest.mark.parametrize("deflater", Deflater)
@pytest.mark.parametrize("level", range(10))
def test_every_level_of_either_deflater_inflates_again(deflater: Deflater, level: int) -> None:
    if not deflater.is_installed:
        pytest.skip(f"{deflater} is not installed here")
    made = deflate(TEXT, level, deflater)
    if level == 0:
        assert made is None
    else:
        assert made is not None
        assert len(made) < len(TEXT) / 2
        assert zlib.decompress(made, -15) == TEXT


@pytest.mark.parametrize("deflater", Deflater)
def test_what_would_grow_is_stored(deflater: Deflater) -> None:
    if not deflater.is_installed:
        pytest.skip(f"{deflater} is not installed here")
    assert deflate(os.urandom(3000), 9, deflater) is None
    assert deflate(b"", 9, deflater) is None
    assert deflate(b"x", 9, deflater) is None


@pytest.mark.parametrize(
    ("deflater", "digest"),
    [
        (Deflater.LIBDEFLATE, "bb257f7bd0393fcc"),
        (Deflater.ZLIB, "525be7d534740927"),
    ],
)
def test_the_bytes_are_those_of_other_machines_and_versions(deflater: Deflater, digest: str) -> None:
    """Not a promise of either library: if this fails for a new release, docs/reference/cli.md has to say so.

    deflate 0.8.1 and 0.9.0; zlib 1.2.13 and 1.3.2.
    """
    if not deflater.is_installed:
        pytest.skip(f"{deflater} is not installed here")
    if deflater is Deflater.ZLIB and "ng" in zlib.ZLIB_RUNTIME_VERSION:
        pytest.skip("Python was built with zlib-ng, which makes other bytes")
    made = sha256()
    for level in range(1, 10):
        made.update(deflate(TEXT, level, deflater) or b"")
    assert made.hexdigest()[:16] == digest


def test_level_zero_gives_the_same_bytes_whatever_the_deflater(source: Path) -> None:
    changes = {"demo/text.py": NewMember(TEXT[::-1])}
    made = {written(source, changes, WriteOptions(deflater, 0)).read_bytes() for deflater in Deflater}
    assert len(made) == 1


def test_without_libdeflate_zlib_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deflate_module, "libdeflate", None)
    assert installed_deflater() is Deflater.ZLIB
    with pytest.raises(UsageError, match="libdeflate is not installed here"):
        deflate(TEXT, 6, Deflater.LIBDEFLATE)


# ----- refusals; nothing is left behind


def test_changes_without_sense_are_mistakes_of_the_caller(source: Path) -> None:
    for changes in (
        {"nothing/there": None},
        {RECORD: NewMember(b"")},
        {"folder/": NewMember(b"")},
        {"x.py": NewMember(b"", 0o100644)},
    ):
        with pytest.raises(ValueError):
            written(source, changes)
    for name in ("../up.py", "/etc/passwd", "a\\b", "a//b", "a\nb"):
        with pytest.raises(ArchiveError):
            written(source, {name: NewMember(b"")})
    assert os.listdir(source.parent / "out") == []


def test_a_member_below_a_file_is_refused_when_it_is_read_back(source: Path) -> None:
    with pytest.raises(ArchiveError, match=r"out/demo-1.0-py3-none-any.whl: .*would not be readable: a file, and yet"):
        written(source, {"demo/text.py/below": NewMember(b"")})
    assert os.listdir(source.parent / "out") == []


def test_damage_is_not_copied(source: Path) -> None:
    data = source.read_bytes()
    deflated = stored_bytes(source)["demo/text.py"]
    assert data.count(deflated) == 1
    source.write_bytes(data.replace(deflated, deflated[:-20] + bytes(8) + deflated[-12:]))
    with pytest.raises(ArchiveError, match=r"'demo/text\.py'"):
        written(source, {"demo/new.py": NewMember(b"")})
    assert os.listdir(source.parent / "out") == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, UnreadableError, RuntimeError])
def test_who_does_not_accept_leaves_everything_as_it_was(source: Path, error: type[BaseException]) -> None:
    before = source.read_bytes()
    seen: list[bytes] = []

    def refuse(path: str, result: Written) -> None:
        assert os.path.basename(path).startswith(".") and not path.endswith(".whl")
        assert result.size == os.path.getsize(path)
        seen.extend(contents(Path(path)).values())
        raise error

    with Archive(str(source), ArchiveLimits()) as archive, pytest.raises(error):
        write_wheel(archive, str(source), {"demo/new.py": NewMember(b"new content")}, OPTIONS, accept=refuse)
    assert b"new content" in seen
    assert source.read_bytes() == before
    assert os.listdir(source.parent) == [source.name]


def test_a_wheel_can_be_written_over_itself(source: Path) -> None:
    with Archive(str(source), ArchiveLimits()) as archive:
        write_wheel(archive, str(source), {"demo/text.py": NewMember(b"changed")}, OPTIONS)
        with pytest.raises(ArchiveError, match="closed"):  # or Windows would not have replaced it
            archive.read(archive.entries[0], 1000)
    assert contents(source)["demo/text.py"] == b"changed"
    assert contents(source)["demo/noise.bin"] == MEMBERS["demo/noise.bin"]
    assert os.listdir(source.parent) == [source.name]


def test_the_new_file_has_the_permissions_of_any_new_file(source: Path) -> None:
    umask = os.umask(0o027)
    try:
        assert stat.S_IMODE(written(source, {}).stat().st_mode) == 0o640
    finally:
        os.umask(umask)


@pytest.mark.parametrize("target", ["nowhere/x.whl", "a file/x.whl", "nul\0.whl", "x" * 300 + ".whl"])
def test_where_nothing_can_be_written_is_one_line(source: Path, target: str) -> None:
    (source.parent / "a file").write_bytes(b"")
    with (
        Archive(str(source), ArchiveLimits()) as archive,
        pytest.raises(UnreadableError, match="cannot be written: ") as said,
    ):
        write_wheel(archive, str(source.parent / target), {}, OPTIONS)
    assert "\n" not in str(said.value)
    assert sorted(os.listdir(source.parent)) == ["a file", source.name]


WRITE: Final = textwrap.dedent("""
    import sys
    from perennial.errors import PerennialError
    from perennial.wheel.archive import Archive
    from perennial.wheel.deflate import Deflater
    from perennial.wheel.limits import ArchiveLimits
    from perennial.wheel.write import NewMember, WriteOptions, write_wheel

    def write(source, target, value):
        with Archive(source, ArchiveLimits()) as archive:
            changes = {"demo/value.py": NewMember(b"value = %d" % value)}
            write_wheel(archive, target, changes, WriteOptions(Deflater.ZLIB))
""")


def child(code: str, *arguments: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITE + textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
    )


def test_a_full_disk_is_one_line_and_leaves_nothing(source: Path, tmp_path: Path) -> None:
    """A limit on the size of files stands for it: the kernel refuses to write more, as on a full disk."""
    folder = tmp_path / "full"
    folder.mkdir()
    (folder / source.name).write_bytes(b"what was there before")
    code = """
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
        try:
            write(sys.argv[1], sys.argv[2], 1)
        except PerennialError as error:
            print(error)
    """
    process = child(code, source, folder / source.name)
    out, err = process.communicate()
    assert (out, err) == (f"{folder / source.name}: cannot be written: File too large\n", "")
    assert os.listdir(folder) == [source.name]
    assert (folder / source.name).read_bytes() == b"what was there before"


def test_killed_at_any_moment_no_half_wheel_is_there(tmp_path: Path) -> None:
    """A process writes one wheel after the other over the same name, and is killed without warning."""
    noise = os.urandom(1 << 20)
    source = wheel(tmp_path, members={f"demo/{n}.bin": noise for n in range(4)}, compression="stored")
    folder = tmp_path / "out"
    folder.mkdir()
    target = folder / source.name
    code = """
        import itertools
        print("ready", flush=True)
        for value in itertools.count():
            write(sys.argv[1], sys.argv[2], value)
    """
    partial = 0
    values = set()
    for turn in range(12):
        process = child(code, source, target)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.02 + 0.013 * turn)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        partial += len(set(os.listdir(folder)) - {source.name})
        for name in set(os.listdir(folder)) - {source.name}:
            assert name.startswith(".") and not name.endswith(".whl")
            (folder / name).unlink()
        if target.exists():
            assert_record_is_right(target)
            values.add(contents(target)["demo/value.py"])
    assert partial > 0, "no process was killed while it wrote"
    assert len(values) > 1, "no process came to an end of one"


# ----- what others say


@pytest.fixture
def changed(source: Path) -> Path:
    changes = {
        "demo/text.py": NewMember(TEXT + b"# changed\n"),
        "demo/ünï.py": NewMember(b"x = 1\n"),
        f"{DIST_INFO}/sboms/demo.cdx.json": NewMember(b"{}"),
    }
    return written(source, changes)


OF_INSTALLERS: Final = {"INSTALLER", "REQUESTED", "RECORD", ".lock", "direct_url.json", "uv_cache.json"}


def installed(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc" and path.name not in OF_INSTALLERS
    }


def test_unzip_reads_it(changed: Path) -> None:
    unzip = shutil.which("unzip")
    if unzip is None:
        pytest.skip("Info-ZIP's unzip is not installed")
    done = subprocess.run([unzip, "-tqq", changed], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_pip_installs_it(changed: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--no-compile"]
    subprocess.run([*command, "--target", tmp_path / "site", changed], check=True, capture_output=True)
    expected = contents(changed)
    del expected[RECORD]
    assert installed(tmp_path / "site") == expected


def test_uv_installs_it(changed: Path, tmp_path: Path) -> None:
    uv = shutil.which("uv", path=os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")]))
    if uv is None:
        pytest.skip("uv is not installed")
    command = [uv, "pip", "install", "-q", "--no-config", "--offline", "--no-index", "--no-deps", "--no-cache"]
    target = ["--python", sys.executable, "--target", str(tmp_path / "site"), str(changed)]
    subprocess.run([*command, *target], check=True, capture_output=True)
    expected = contents(changed)
    del expected[RECORD]
    assert installed(tmp_path / "site") == expected


def test_auditwheel_reads_what_is_written(tmp_path: Path) -> None:
    """The strict reader that PyPI's uploads pass is ours as well; this one is its oldest client."""
    source = wheel(tmp_path, members=MEMBERS, tags="cp311-cp311-linux_x86_64")
    out = written(source, {"demo/text.py": NewMember(b"")})
    from auditwheel.tools import zip2dir

    zip2dir(out, tmp_path / "dir")
    assert (tmp_path / "dir/demo/noise.bin").read_bytes() == MEMBERS["demo/noise.bin"]
