"""Laws of repairs, for wheels and libraries that the builders make in any combination.

Libraries need each other in circles, lie in the wheel or outside, and have search paths of all kinds; modules are in
several packages; some libraries are excluded, and some are nowhere.
"""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path
from typing import Any, Final, NamedTuple

from hypothesis import event, given, settings
from hypothesis import strategies as st

from perennial.finding import Severity
from perennial.knowledge import load_knowledge
from perennial.repair.options import Places, RepairOptions
from perennial.repair.repair import Job, RepairOutcome, repair_wheel
from perennial.system import Owners
from perennial.wheel.deflate import Deflater
from perennial.wheel.limits import ArchiveLimits
from perennial.wheel.write import WriteOptions
from tests.support.audits import LIBC, audit_of
from tests.support.elf_builder import Export, Import, Need, NeedVersion, elf
from tests.support.wheel_builder import wheel

CLOCK: Final = Import("clock_gettime", "GLIBC_2.17", LIBC)
LIBRARIES: Final = tuple(f"lib{name}x.so.1" for name in "abcde")
PATHS: Final = (
    None,
    "$ORIGIN",
    "$ORIGIN/../lib",
    "{outside}",
    "{outside}:$ORIGIN",
    "{other}",
    "{other}:{outside}",
    "/nowhere:$ORIGIN:$ORIGIN",
    ":",
    "rel",
)
FOLDERS: Final = ("demo", "demo/deep", "other/lib")


class File(NamedTuple):
    """A library or module: what it needs, its search path, and where it is (None: outside the wheel).

    Outside there may be two of it, in different folders.
    """

    needs: tuple[str, ...]
    path: str | None
    runpath: bool
    versioned: bool
    folder: str | None
    twice: bool


def files(*, inside: bool) -> st.SearchStrategy[File]:
    folders = st.sampled_from(FOLDERS)
    return st.builds(
        File,
        needs=st.lists(st.sampled_from(LIBRARIES), max_size=3, unique=True).map(tuple),
        path=st.sampled_from(PATHS),
        runpath=st.booleans(),
        versioned=st.booleans(),
        folder=folders if inside else st.none() | folders,
        twice=st.booleans(),
    )


class Case(NamedTuple):
    """A wheel, what is outside, and what is asked for."""

    modules: list[File]
    libraries: dict[str, File]
    exclude: tuple[str, ...]
    no_mangle: tuple[str, ...]
    lib_sdir: str


cases = st.builds(
    Case,
    modules=st.lists(files(inside=True), min_size=1, max_size=3),
    libraries=st.fixed_dictionaries({name: files(inside=False) for name in LIBRARIES})
    | st.dictionaries(st.sampled_from(LIBRARIES), files(inside=False), min_size=2),
    exclude=st.lists(st.sampled_from(LIBRARIES), max_size=1).map(tuple),
    no_mangle=st.lists(st.sampled_from(LIBRARIES), max_size=1).map(tuple),
    lib_sdir=st.sampled_from((".libs", "/_vendored")),
)


def content(file: File, name: str, outside: Path, soname: str | None) -> bytes:
    text = None if file.path is None else file.path.format(outside=outside, other=outside / "other")
    fields: dict[str, Any] = {} if text is None else {"runpath" if file.runpath else "rpath": text}
    fields["verneeds"] = tuple(Need(need, (NeedVersion(f"V_{need[3]}"),)) for need in file.needs if file.versioned)
    export = Export(f"of_{name[3]}", f"V_{name[3]}") if soname else Export("PyInit_module")
    return elf(soname=soname, needed=(*file.needs, LIBC), imports=(CLOCK,), exports=(export,), **fields)


def build(case: Case, folder: Path, name: str = "demo") -> Path:
    outside = folder / "outside"
    (outside / "other").mkdir(parents=True, exist_ok=True)
    members = {"demo/__init__.py": b"", "demo/data.bin": bytes(range(256)) * 20}
    for soname, library in case.libraries.items():
        data = content(library, soname, outside, soname)
        if library.folder is None:
            (outside / soname).write_bytes(data)
            if library.twice:
                another = library._replace(needs=library.needs[1:])
                (outside / "other" / soname).write_bytes(content(another, soname, outside, soname))
        else:
            members[f"{library.folder}/{soname}"] = data
    for number, module in enumerate(case.modules):
        members[f"{module.folder}/m{number}.so"] = content(module, "module", outside, None)
    return wheel(folder, name=name, tags="cp312-cp312-linux_x86_64", members=members, modes={"demo/data.bin": 0o100755})


def run(path: Path, case: Case, folder: Path) -> RepairOutcome:
    folder.mkdir()
    options = RepairOptions(
        places=Places(replaced=(str(path.parent / "outside"),)),
        exclude=case.exclude,
        no_mangle=case.no_mangle,
        lib_sdir=case.lib_sdir,
    )
    job = Job(
        knowledge=load_knowledge(),
        options=options,
        providers=(),
        limits=ArchiveLimits(),
        write=WriteOptions(Deflater.ZLIB),
        owners=Owners,
        version="1",
        folder=str(folder),
    )
    return repair_wheel(str(path), job)


def contents(path: Path) -> dict[str, tuple[bytes, int]]:
    with zipfile.ZipFile(path) as archive:
        return {info.filename: (archive.read(info), info.external_attr) for info in archive.infolist()}


@given(cases)
def test_laws(case: Case) -> None:
    """What is written passes the audit, changes what the plan says and nothing else, and then stays as it is."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = build(case, folder)
        plan, _, repaired = run(path, case, folder / "out")
        copies = len(plan.grafts) - len({graft.library.digest for graft in plan.grafts})
        event(f"{'repaired' if repaired else 'refused'}, {len(plan.grafts)} grafts, {copies} of them again")
        if repaired is None:
            assert plan.problems
            assert list((folder / "out").iterdir()) == []
            return
        assert not plan.problems
        written = Path(repaired.path)
        assert [written] == list((folder / "out").iterdir())
        errors = [finding for finding in audit_of(written).findings if finding.severity is Severity.ERROR]
        assert all(finding.requires in case.exclude for finding in errors), errors
        if not case.exclude:
            assert audit_of(written).honest is True

        before, after = contents(path), contents(written)
        dist_info = {name for name in after if ".dist-info/" in name}
        changed = {edit.path for edit in plan.edits} | {graft.path for graft in plan.grafts}
        assert before.keys() - after.keys() == set()
        assert after.keys() - before.keys() <= changed | dist_info
        assert {name for name in before.keys() & after.keys() if before[name] != after[name]} <= changed | dist_info

        again = run(written, case, folder / "again").repaired
        assert again is not None
        assert again.was_copied
        assert Path(again.path).read_bytes() == written.read_bytes()


@settings(max_examples=40)
@given(cases, cases)
def test_the_same_name_means_the_same_file(first: Case, second: Case) -> None:
    """Two wheels in one process: the loader takes the first library of a name for both."""
    with tempfile.TemporaryDirectory() as name:
        grafts: dict[str, bytes] = {}
        for number, case in enumerate((first, second)):
            folder = Path(name) / str(number)
            folder.mkdir()
            mangled = case._replace(no_mangle=(), lib_sdir=".libs")
            path = build(mangled, folder)
            plan, _, repaired = run(path, mangled, folder / "out")
            if repaired is not None:
                written = contents(Path(repaired.path))
                for graft in plan.grafts:
                    data = written[graft.path][0]
                    assert grafts.setdefault(graft.name, data) == data
