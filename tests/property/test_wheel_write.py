"""Laws of writing wheels, and of retagging them."""

from __future__ import annotations

import csv
import io
import struct
import zipfile
from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path
from typing import Final

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, composite

from perennial.audit.audit import audit
from perennial.cli.facts import knowledge_of
from perennial.errors import ArchiveError
from perennial.finding import Severity
from perennial.platform_tag import PlatformTag
from perennial.repair.retagging.apply import Retagger, RetagSettings
from perennial.repair.retagging.plan import LegacyAliases, RetagRequest, with_tags
from perennial.repair.retagging.report import RetagOutcome
from perennial.wheel.archive import Archive
from perennial.wheel.deflate import Deflater, installed_deflater
from perennial.wheel.limits import ArchiveLimits
from perennial.wheel.wheel import parse_wheel_file, read_wheel
from perennial.wheel.write import NewMember, WriteOptions, write_wheel
from perennial.wheel.zip_writer import Moment
from tests.support.elf_builder import Import, elf
from tests.support.raw_zip import DEFLATED, STORED, RawEntry, RawZip
from tests.support.wheel_builder import entries_of, wheel, wheel_bytes

DIST_INFO: Final = "demo-1.0.dist-info"
RECORD: Final = f"{DIST_INFO}/RECORD"
PARTS: Final = st.text("ab.,\"' é漢-", min_size=1, max_size=5).filter(lambda part: part.strip(".") and part != ".")
NAMES: Final = st.lists(PARTS, min_size=1, max_size=3).map("/".join)
CONTENTS: Final = st.binary(max_size=60) | st.integers(0, 5000).map(lambda size: b"all alike\n" * size)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("wheels")


@composite
def sources(draw: DrawFn) -> tuple[bytes, dict[str, bytes]]:
    """A wheel whose zip archive has all that zip archives may have, and its members."""
    members = draw(st.dictionaries(NAMES, CONTENTS, max_size=6))
    honest = entries_of(wheel_bytes(members=members, tags="py3-none-any"))
    entries = [
        RawEntry(
            name=entry.name,
            data=entry.data,
            method=draw(st.sampled_from([STORED, DEFLATED])),
            descriptor=draw(st.sampled_from([None, "signed", "unsigned"])),
            extra=draw(st.sampled_from([b"", struct.pack("<HHBL", 0x5455, 5, 1, 7)])),
            comment=draw(st.sampled_from([b"", b"a comment"])),
            external_attr=draw(st.sampled_from([0o100644, 0o100755, 0o100600])) << 16,
            zip64=draw(st.booleans()),
        )
        for entry in draw(st.permutations(honest))
    ]
    archive = RawZip(entries=tuple(entries), zip64=draw(st.booleans()), comment=draw(st.sampled_from([b"", b"!"])))
    return archive.build(), {str(entry.name): entry.data for entry in honest}


@composite
def changes_of(draw: DrawFn, names: list[str]) -> dict[str, NewMember | None]:
    """Some members changed, some left out, some new."""
    made: dict[str, NewMember | None] = {}
    for name in draw(st.lists(st.sampled_from(names), unique=True, max_size=3)) if names else []:
        made[name] = draw(st.none() | st.builds(NewMember, CONTENTS, st.none() | st.just(0o755)))
    new = draw(
        st.dictionaries(NAMES.map(lambda name: f"new/{name}"), st.builds(NewMember, CONTENTS, st.none()), max_size=3)
    )
    return made | {name: member for name, member in new.items() if name not in names}


def raw_members(path: Path) -> dict[str, tuple[int, bytes]]:
    """Each member's method and stored bytes."""
    data = path.read_bytes()
    found = {}
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            name, extra = struct.unpack_from("<2H", data, info.header_offset + 26)
            start = info.header_offset + 30 + name + extra
            found[info.filename] = (info.compress_type, data[start : start + info.compress_size])
    return found


@settings(max_examples=200)
@given(st.data())
def test_what_is_written_is_the_source_with_its_changes(folder: Path, data: st.DataObject) -> None:
    archive_bytes, members = data.draw(sources())
    source, out, again = folder / "source.whl", folder / "out.whl", folder / "again.whl"
    source.write_bytes(archive_bytes)
    changes = data.draw(changes_of([name for name in members if name != RECORD]))
    options = WriteOptions(
        data.draw(st.sampled_from([Deflater.ZLIB, installed_deflater()])), data.draw(st.integers(0, 9))
    )
    try:
        with Archive(str(source), ArchiveLimits()) as archive:
            assume(f"{DIST_INFO}/METADATA" not in changes or changes[f"{DIST_INFO}/METADATA"] is not None)
            write_wheel(archive, str(out), changes, options)
            write_wheel(archive, str(again), changes, options)
    except ArchiveError as error:
        assume("a file, and yet other members lie below it" not in str(error))  # drawn names may do that
        raise

    expected = {name: content for name, content in members.items() if name not in changes}
    expected |= {name: member.content for name, member in changes.items() if member is not None}
    with zipfile.ZipFile(out) as made:
        assert made.testzip() is None
        found = {name: made.read(name) for name in made.namelist()}
        assert made.namelist()[-1] == RECORD
    record = found.pop(RECORD)
    expected.pop(RECORD)
    assert found == expected
    rows = list(csv.reader(io.StringIO(record.decode("utf-8"), newline="")))
    assert sorted(rows[:-1]) == sorted(
        [name, f"sha256={urlsafe_b64encode(sha256(content).digest()).rstrip(b'=').decode()}", str(len(content))]
        for name, content in found.items()
    )
    assert rows[-1] == [RECORD, "", ""]

    # Compressed bytes of unchanged members are the source's.
    before, after = raw_members(source), raw_members(out)
    for name in before.keys() - changes.keys() - {RECORD}:
        assert after[name] == before[name]
    # The same input gives the same bytes, and what is written needs no second writing.
    assert again.read_bytes() == out.read_bytes()
    with Archive(str(out), ArchiveLimits()) as archive:
        write_wheel(archive, str(again), {}, options)
    assert again.read_bytes() == out.read_bytes()


@given(st.integers(0, 1 << 40))
def test_dates_never_go_back(second: int) -> None:
    """4.4.6 has steps of two seconds, so that some moments are written alike."""
    from datetime import UTC, datetime, timedelta

    def dos(seconds: int) -> int:
        time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=min(seconds, 250_000_000_000))
        return Moment(time.year, time.month, time.day, time.hour, time.minute, time.second).dos

    assert dos(second) <= dos(second + 1) <= dos(second + 2)
    assert 0 <= dos(second) < 1 << 32


HEADER_LINES: Final = st.sampled_from(
    [
        "Wheel-Version: 1.0",
        "Generator: x",
        "Tag: py3-none-any",
        "tag: cp3-abi3-any",
        "Build: 1",
        "TAG:x",
        " goes on",
        "\tso",
    ]
)


@given(
    st.lists(HEADER_LINES),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["", "\n", "\nTag: in-the-body", "no colon\nTag: behind"]),
    st.booleans(),
)
def test_tag_lines_are_replaced_and_nothing_else(lines: list[str], end: str, body: str, ends: bool) -> None:
    text = end.join(lines) + (end if ends and lines else "")
    content = (text + body.replace("\n", end) * (not text or text.endswith(end))).encode()
    tags = ("a-b-c", "d-e-f")
    made = with_tags(content, tags)

    def others(fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
        return [field for field in fields if field[0] != "tag"]

    fields = parse_wheel_file(made)
    assert [value for key, value in fields if key == "tag"] == [*tags]
    assert others(fields) == others(parse_wheel_file(content))
    assert with_tags(made, tags) == made


# ----- retagging


VERSIONS: Final = st.sampled_from([(2, 5), (2, 12), (2, 17), (2, 28), (2, 34), (2, 35)])
ARCHES: Final = st.sampled_from(["x86_64", "aarch64", "i686"])
TAGS: Final = st.builds(PlatformTag.manylinux, VERSIONS, ARCHES).map(str) | st.sampled_from(
    ["auto", "any", "linux_x86_64", "manylinux1_x86_64", "manylinux2014_aarch64", "musllinux_1_2_x86_64", "win_amd64"]
)
REQUESTS: Final = st.builds(
    RetagRequest, st.lists(TAGS, min_size=1, max_size=2).map(tuple), st.booleans(), st.sampled_from(LegacyAliases)
) | st.builds(RetagRequest, st.just(()), st.just(False), st.sampled_from(LegacyAliases))


@settings(max_examples=150)
@given(
    st.sampled_from(["x86_64", "aarch64"]),
    st.sampled_from(["GLIBC_2.17", "GLIBC_2.28", "GLIBC_2.34"]),
    st.sampled_from(["linux_x86_64", "manylinux_2_17_x86_64", "manylinux_2_28_x86_64.manylinux_2_34_x86_64", "any"]),
    REQUESTS,
)
def test_what_retag_writes_is_honest_and_stays(
    tmp_path_factory: pytest.TempPathFactory, arch: str, version: str, claimed: str, request: RetagRequest
) -> None:
    """Without --force: nothing is written, or what passes the audit by its new tags, and is not retagged again."""
    folder = tmp_path_factory.mktemp("retag")
    content = elf(arch=arch, needed=("libc.so.6",), imports=(Import("clock_gettime", version, "libc.so.6"),))
    source = wheel(folder, tags=f"cp312-cp312-{claimed}", members={"demo/x.so": content})
    knowledge = knowledge_of(None)

    def retagger(request: RetagRequest) -> Retagger:
        settings = RetagSettings(folder=str(folder / "out"))
        return Retagger(request, settings, WriteOptions(Deflater.ZLIB, verified=True), knowledge, ArchiveLimits())

    done = retagger(request).retag(str(source))
    if done.outcome is RetagOutcome.REFUSED:
        assert done.plan.objections
        assert not (folder / "out").exists()
        return
    assert done.output is not None
    after = read_wheel(done.output)
    report = audit(after, knowledge)
    assert [finding for finding in report.findings if finding.severity is Severity.ERROR] == []
    assert report.honest is not False
    before = {member.path: member.digest for member in read_wheel(source).members}
    for member in after.members:
        if member.path.rpartition("/")[2] not in ("WHEEL", "RECORD"):
            assert before[member.path] == member.digest
    again = retagger(request).retag(done.output)
    assert again.outcome is RetagOutcome.UNCHANGED
