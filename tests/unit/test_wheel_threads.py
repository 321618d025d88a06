"""Several threads that read one wheel: the same facts, the same error, and an end to all of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.errors import ArchiveError
from perennial.wheel import archive, member
from perennial.wheel.limits import ArchiveLimits
from perennial.wheel.member import Reading
from perennial.wheel.threads import SharedProgress, Stopped, map_in_threads
from perennial.wheel.wheel import read_wheel
from tests.support.elf_builder import Export, Import, elf
from tests.support.raw_zip import DEFLATED
from tests.support.wheel_builder import RawZip, entries_of, wheel, wheel_bytes

NAME = "demo-1.0-cp311-cp311-manylinux_2_17_x86_64.whl"


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads for wheels that a test can afford."""
    monkeypatch.setattr(member, "_LARGE", 5000)
    monkeypatch.setattr(member, "_WORTH_THREADS", 0)


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before


def files(count: int = 12) -> dict[str, bytes]:
    """Small and large ones, ELF files and others, one too large to be inflated as a whole."""
    found: dict[str, bytes] = {"demo/huge.so": elf(soname="huge.so", exports=(Export("e"),), rodata=bytes(5 << 20))}
    for number in range(count):
        symbols = (Import(f"f{number}"), Import("memcpy", "GLIBC_2.14", "libc.so.6"))
        library = elf(soname=f"lib{number}.so", needed=("libc.so.6",), imports=symbols, rodata=bytes(number * 900))
        found[f"demo/lib{number}.so"] = library
        found[f"demo/data{number}"] = bytes(range(256)) * number * 4
    return found


class Told:
    """Adds up what it is told, and does something at a certain amount."""

    def __init__(self, at: int = 1 << 60, then: Callable[[], None] = lambda: None) -> None:
        self.total: int | None = None
        self.done = 0
        self._at = at
        self._then = then

    def start(self, name: str, total: int | None) -> None:
        self.total = total

    def advance(self, amount: int) -> None:
        self.done += amount
        if self.done >= self._at:
            self._then()

    def finish(self) -> None:
        raise AssertionError("whoever began it ends it")


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("reading", Reading)
@pytest.mark.parametrize("has_pread", [True, False])
def test_the_facts_do_not_depend_on_threads(
    tmp_path: Path, reading: Reading, has_pread: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = wheel(tmp_path, members=files())
    expected = read_wheel(path, reading=reading)
    monkeypatch.setattr(archive, "_HAS_PREAD", has_pread and archive._HAS_PREAD)
    for threads in (2, 3, 9):
        told = Told()
        assert read_wheel(path, reading=reading, threads=threads, progress=told) == expected
        assert told.done == told.total


def test_a_small_wheel_is_read_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading.Thread, "start", lambda _: pytest.fail("a thread was started"))
    assert read_wheel(wheel(tmp_path, members=files()), threads=4).members


@pytest.mark.usefixtures("eager")
def test_where_the_system_gives_no_thread_one_reads_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = wheel(tmp_path, members=files())
    expected = read_wheel(path)

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert read_wheel(path, threads=4) == expected


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("bad", [("data3", "huge", "lib11"), ("lib11", "data11"), ("huge", "lib2")])
def test_of_several_errors_the_first_in_the_archive_is_named(tmp_path: Path, bad: tuple[str, ...]) -> None:
    entries = entries_of(wheel_bytes(members=files()))
    damaged = tuple(
        replace(entry, method=DEFLATED, local=replace(entry.local, crc=1), central=replace(entry.central, crc=1))
        if any(name in str(entry.name) for name in bad)
        else entry
        for entry in entries
    )
    path = tmp_path / NAME
    path.write_bytes(RawZip(entries=damaged).build())
    with pytest.raises(ArchiveError) as alone:
        read_wheel(path)
    for _ in range(8):
        with pytest.raises(ArchiveError) as together:
            read_wheel(path, threads=4)
        assert str(together.value) == str(alone.value)


@pytest.mark.usefixtures("eager")
def test_facts_are_bounded_all_the_same(tmp_path: Path) -> None:
    path = wheel(tmp_path, members=files())
    for threads in (1, 4):
        with pytest.raises(ArchiveError, match="the facts about its members take more than 9000 bytes"):
            read_wheel(path, ArchiveLimits()._replace(facts=9000), threads=threads)


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("kind", [KeyboardInterrupt, ZeroDivisionError])
def test_what_one_raises_ends_the_others(tmp_path: Path, kind: type[BaseException]) -> None:
    def fail() -> None:
        raise kind

    path = wheel(tmp_path, members=files())
    for at in (1, 20_000, 3 << 20):
        with pytest.raises(kind):
            read_wheel(path, threads=4, progress=Told(at, fail))


# ----- the map itself


@given(st.lists(st.integers(0, 9), max_size=30), st.integers(1, 5))
def test_results_are_in_order(things: list[int], threads: int) -> None:
    def slow(thing: int) -> int:
        time.sleep(thing / 50_000)
        return thing * thing

    found = map_in_threads(slow, things, int, large=5, threads=threads, progress=SharedProgress(None))
    assert found == [thing * thing for thing in things]


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.integers(1, 5))
def test_every_error_is_raised(things: list[int], threads: int) -> None:
    def some(thing: int) -> int:
        if thing > 7:
            raise IndexError(thing)
        return thing

    found: list[int] | None
    try:
        found = map_in_threads(some, things, int, large=5, threads=threads, progress=SharedProgress(None))
    except IndexError:
        found = None
    assert found == (None if max(things) > 7 else things)


def test_others_stop_at_their_next_step() -> None:
    progress = SharedProgress(None)
    steps: list[str] = []

    def work(thing: str) -> None:
        if thing == "fails":
            while not steps:
                time.sleep(0.001)
            raise ValueError(thing)
        while True:
            steps.append(thing)
            progress.advance(1)
            time.sleep(0.001)

    with pytest.raises(ValueError, match="fails"):
        map_in_threads(work, ["fails", "goes on", "and on"], len, large=6, threads=3, progress=progress)
    with pytest.raises(Stopped):
        progress.advance(1)
