"""Laws of lowering, for any references that glibc has, on any architecture, to any tag.

References are drawn from the history of glibc itself, so most of what can be built on a new system comes up.
"""

from __future__ import annotations

import tempfile
import zipfile
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from hypothesis import event, given, settings
from hypothesis import strategies as st

from perennial.elf.read import read_elf
from perennial.finding import Severity
from perennial.knowledge import load_knowledge
from perennial.knowledge.glibc_history import load_glibc_history
from perennial.lower.options import LowerOptions
from perennial.lower.reach import reach
from perennial.platform_tag import Libc, PlatformTag
from perennial.policy import policies
from perennial.policy.lowering import Lowering, Reference, Refusal
from perennial.repair.options import Places, RepairOptions
from perennial.repair.repair import Job, RepairOutcome, repair_wheel
from perennial.system import Owners
from perennial.wheel.deflate import Deflater
from perennial.wheel.limits import ArchiveLimits
from perennial.wheel.write import WriteOptions
from tests.support.audits import MODULE, audit_of
from tests.support.elf_builder import ElfSpec, Export, Import, build_elf
from tests.support.wheel_builder import wheel

ARCHES: Final = ("x86_64", "aarch64", "i686", "armv7l", "ppc64le", "s390x")
LIBRARIES: Final = ("libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1")
TARGETS: Final = ((2, 17), (2, 24), (2, 28), (2, 31), (2, 34))


class Case(NamedTuple):
    arch: str
    references: frozenset[Reference]
    target: tuple[int, int]


@cache
def known(arch: str) -> tuple[Reference, ...]:
    """Every symbol@version of glibc's on an architecture, each weak and not; what can be treated comes first."""
    history = load_glibc_history(arch)
    judge = Lowering(policies(load_knowledge(), Libc.GLIBC, arch))
    every = [
        Reference(library, symbol, export.version, weak)
        for library in LIBRARIES
        for symbol in sorted(history.symbols(library))
        for export in history.exports(library, symbol)
        if export.until is None and export.version.startswith("GLIBC_2.") and export.since < (2, 44)
        for weak in (False, True)
    ]
    return tuple(sorted(every, key=lambda each: (isinstance(judge.choose(each, (2, 17)), (Refusal, type(None))), each)))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    arch = draw(st.sampled_from(ARCHES))
    # Short of all that is treated, refusals would be all that is ever seen.
    treated = draw(st.lists(st.sampled_from(known(arch)[:400]), max_size=6))
    anything = draw(st.lists(st.sampled_from(known(arch)), max_size=1))
    return Case(arch, _one_each([*treated, *anything]), draw(st.sampled_from(TARGETS)))


def _one_each(references: list[Reference]) -> frozenset[Reference]:
    """A file has one reference of a name, mostly: linkers bind all of its uses to the same version."""
    return frozenset({reference.symbol: reference for reference in references}.values())


def build(case: Case, folder: Path) -> Path:
    imports = tuple(Import(each.symbol, each.version, each.library, weak=each.weak) for each in sorted(case.references))
    needed = tuple(dict.fromkeys(["libc.so.6", *(each.library for each in sorted(case.references))]))
    content = build_elf(ElfSpec.for_arch(case.arch, needed=needed, imports=imports, exports=(Export("PyInit__core"),)))
    members = {"demo/__init__.py": b"", "demo/data": b"data" * 100, MODULE: content}
    return wheel(folder, tags=f"cp312-cp312-linux_{case.arch}", members=members)


def run(path: Path, case: Case, folder: Path) -> RepairOutcome:
    folder.mkdir(exist_ok=True)
    to = PlatformTag.manylinux(case.target, case.arch)
    job = Job(
        knowledge=load_knowledge(),
        options=RepairOptions(places=Places(replaced=()), lower=LowerOptions(to, copies_libraries=False)),
        providers=(),
        limits=ArchiveLimits(),
        write=WriteOptions(Deflater.ZLIB),
        owners=Owners,
        version="1",
        folder=str(folder),
    )
    return repair_wheel(str(path), job)


def contents(path: str | Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


@settings(deadline=None)
@given(cases())
def test_laws(case: Case) -> None:
    """What is written keeps the tag, by each symbol; what is refused is refused for what has no treatment."""
    judge = Lowering(policies(load_knowledge(), Libc.GLIBC, case.arch))
    refused = {each for each in case.references if isinstance(judge.choose(each, case.target), Refusal)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = build(case, folder)
        plan, _, repaired = run(path, case, folder / "out")
        event(f"{len(refused)} refused")
        told = " ".join(problem.message for problem in plan.problems)
        assert all(each.symbol in told for each in refused)
        assert (repaired is None) == bool(refused)
        if repaired is None:
            assert list((folder / "out").iterdir()) == []
            return
        report = audit_of(Path(repaired.path))
        assert not [finding for finding in report.findings if finding.severity is Severity.ERROR]
        assert report.honest is True
        assert report.lowest.version is not None
        assert report.lowest.version <= case.target

        history = load_glibc_history(case.arch)
        for data in contents(repaired.path).values():
            if data.startswith(b"\x7fELF"):
                for symbol in read_elf(data).imports:
                    if symbol.library is not None:
                        assert history.is_provided(symbol.name, symbol.version, case.target), symbol

        before, after = contents(path), contents(repaired.path)
        assert {each for each in before if before[each] != after.get(each)} <= {MODULE} | set(_papers(before))
        again = run(Path(repaired.path), case, folder / "again").repaired
        assert again is not None
        assert again.was_copied
        assert Path(again.path).read_bytes() == Path(repaired.path).read_bytes()


def _papers(members: dict[str, bytes]) -> list[str]:
    return [name for name in members if name.endswith((".dist-info/WHEEL", ".dist-info/RECORD"))]


@settings(deadline=None)
@given(cases())
def test_show_promises_what_lower_does(case: Case) -> None:
    """The tag that `show` names can be had, and where something limits it, no lower one."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = build(case, folder)
        found = reach(audit_of(path), load_knowledge())
        if found is None or found.tag is None or found.tag.version is None:
            return
        event(f"limits: {bool(found.limits)}")
        assert run(path, case._replace(target=found.tag.version), folder / "out").repaired is not None
        below = [v for v in policies(load_knowledge(), Libc.GLIBC, case.arch).versions if v < found.tag.version]
        if found.limits:
            assert run(path, case._replace(target=max(below)), folder / "below").plan.problems


@settings(deadline=None)
@given(cases(), st.data())
def test_one_reference_more_never_lowers_the_tag(case: Case, data: st.DataObject) -> None:
    symbols = {each.symbol for each in case.references}
    other = data.draw(st.sampled_from([each for each in known(case.arch)[:400] if each.symbol not in symbols]))
    with tempfile.TemporaryDirectory() as name:
        reached = []
        for number, references in enumerate((case.references, case.references | {other})):
            folder = Path(name) / str(number)
            folder.mkdir()
            report = audit_of(build(case._replace(references=references), folder))
            found = reach(report, load_knowledge())
            best = report.lowest if found is None or found.tag is None else found.tag
            reached.append(best.version or (99, 0))
        assert reached[0] <= reached[1]
