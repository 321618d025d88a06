"""Laws of the whole: from the bytes of a wheel to its lowest tag.

Wheels are built with needs of our choosing; that a tag provides them is asked of the policies,
whose own laws are in test_policy_laws.
"""

from __future__ import annotations

from math import inf
from typing import Final, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from perennial.arch import Architecture
from perennial.audit.report import AuditReport
from perennial.finding import Severity
from perennial.knowledge import load_knowledge
from perennial.platform_tag import Libc, PlatformTag
from perennial.policy import Policies, policies
from tests.support.audits import LIBC, MODULE, audit_members
from tests.support.elf_builder import Import, Need, NeedVersion, elf

CASES: Final = {
    arch: policies(load_knowledge(), Libc.GLIBC, Architecture(arch))
    for arch in ("x86_64", "i686", "aarch64", "s390x", "riscv64")
}
UNKNOWN: Final = ((LIBC, "GLIBC_2.99"), (LIBC, "OTHER_1"), ("libstdc++.so.6", "GLIBCXX_3.4.99"))


def known_needs(case: Policies) -> list[tuple[str, str]]:
    sonames = sorted(load_knowledge().libraries(Libc.GLIBC, case.arch.value))
    return [(soname, name) for soname in sonames for name in sorted(case.known_nodes(soname) or ())]


NEEDS: Final = {arch: known_needs(case) for arch, case in CASES.items()}


class Needs(NamedTuple):
    """What a built module asks for: versions, weakly wanted versions, and further libraries."""

    arch: str
    versions: tuple[tuple[str, str], ...]
    weak: tuple[tuple[str, str], ...] = ()
    libraries: tuple[str, ...] = ()

    def build(self) -> bytes:
        flags = dict.fromkeys(self.weak, True) | dict.fromkeys(self.versions, False)
        by_library: dict[str, list[NeedVersion]] = {}
        for (library, version), weak in flags.items():
            by_library.setdefault(library, []).append(NeedVersion(version, weak=weak))
        verneeds = tuple(Need(library, tuple(versions)) for library, versions in by_library.items())
        needed = tuple(dict.fromkeys((LIBC, *by_library, *self.libraries)))
        return elf(arch=self.arch, needed=needed, verneeds=verneeds)

    def audit(self, *, tag: str | None = None, name: str = MODULE) -> AuditReport:
        tag = tag or f"manylinux_2_39_{self.arch}"
        return audit_members({name: self.build()}, f"cp312-cp312-{tag}")


@st.composite
def needs(draw: st.DrawFn, *, unknown: bool = True) -> Needs:
    arch = draw(st.sampled_from(sorted(CASES)))
    version = st.sampled_from(NEEDS[arch])
    sonames = sorted(load_knowledge().libraries(Libc.GLIBC, arch))
    if unknown:
        version = st.one_of(version, version, version, st.sampled_from(UNKNOWN))
        sonames.append("libssl.so.3")
    versions = draw(st.lists(version, max_size=6, unique=True))
    libraries = draw(st.lists(st.sampled_from(sonames), max_size=2, unique=True))
    return Needs(arch, tuple(versions), (), tuple(libraries))


def rank(tag: PlatformTag) -> float:
    """Tags by how few systems take them; linux_* is the last."""
    return inf if tag.version is None else tag.version[0] * 1000 + tag.version[1]


@given(needs(), st.data())
def test_adding_a_need_never_lowers_the_tag(wheel: Needs, data: st.DataObject) -> None:
    added = data.draw(st.sampled_from([*NEEDS[wheel.arch], *UNKNOWN]))
    more = wheel._replace(versions=tuple(dict.fromkeys((*wheel.versions, added))))
    assert rank(more.audit().lowest) >= rank(wheel.audit().lowest)


@given(needs(), st.sampled_from(["libssl.so.3", "libX11.so.6", "libmvec.so.1", "libz.so.1", "libpython3.12.so.1.0"]))
def test_adding_a_library_never_lowers_the_tag(wheel: Needs, soname: str) -> None:
    more = wheel._replace(libraries=tuple(dict.fromkeys((*wheel.libraries, soname))))
    assert rank(more.audit().lowest) >= rank(wheel.audit().lowest)


@given(needs())
def test_the_lowest_tag_provides_all_and_the_next_lower_one_does_not(wheel: Needs) -> None:
    """PEP 600: a wheel tagged manylinux_X_Y "will work on any mainstream Linux distribution that uses
    glibc version X.Y or later"; and of these the *smallest*, with nothing rounded.
    """
    case = CASES[wheel.arch]
    libraries = {LIBC, *wheel.libraries, *(library for library, _ in wheel.versions)}

    def provided(version: tuple[int, int]) -> bool:
        policy = case.policy(version)
        return libraries <= policy.libraries and all(policy.provides(*need) for need in wheel.versions)

    lowest = wheel.audit().lowest
    if lowest.version is None:
        assert not provided(case.newest)
        return
    assert provided(lowest.version)
    below = [version for version in case.versions if version < lowest.version]
    assert not below or not provided(below[-1])


@given(needs(), st.data())
def test_weak_needs_never_change_the_tag(wheel: Needs, data: st.DataObject) -> None:
    """LSB, "Version Needed Auxiliary Entries": VER_FLG_WEAK is a "weak version identifier"; glibc warns
    and goes on (`_dl_check_map_versions`).
    """
    weak = data.draw(st.lists(st.sampled_from([*NEEDS[wheel.arch], *UNKNOWN]), min_size=1, max_size=4, unique=True))
    own = {LIBC, *wheel.libraries, *(library for library, _ in wheel.versions)}
    # A library must be needed as such to be asked for a version, and that need would not be weak.
    weak = [need for need in weak if need[0] in own]
    assert wheel._replace(weak=tuple(weak)).audit().lowest == wheel.audit().lowest


FOLDERS: Final = st.lists(st.text("abcxyz_", min_size=1, max_size=5), max_size=3)
NAMES: Final = st.builds(
    lambda folders, stem, suffix: "/".join([*folders, stem + suffix]),
    FOLDERS,
    st.text("abcxyz_", min_size=1, max_size=6),
    st.sampled_from(["", ".so", ".so.1", ".py", ".txt", ".PYD", ".abi3.so", ".cpython-312-x86_64-linux-gnu.so", ".o"]),
)


@given(needs(), NAMES)
def test_the_name_of_a_file_does_not_matter(wheel: Needs, name: str) -> None:
    """ELF files are found by magic in every member of the archive, whatever its name."""
    here, there = wheel.audit(), wheel.audit(name=name)
    assert here.lowest == there.lowest
    assert here.honest == there.honest
    assert [finding.rule for finding in here.findings] == [finding.rule for finding in there.findings]


@given(needs(unknown=False), st.data())
def test_a_higher_tag_never_makes_an_honest_wheel_dishonest(wheel: Needs, data: st.DataObject) -> None:
    """Policies only grow with X.Y, so a wheel may always be tagged for fewer systems than it runs on."""
    case = CASES[wheel.arch]
    low, high = sorted(data.draw(st.lists(st.sampled_from(case.versions), min_size=2, max_size=2)))
    if wheel.audit(tag=PlatformTag.manylinux(low, wheel.arch).text).honest:
        report = wheel.audit(tag=PlatformTag.manylinux(high, wheel.arch).text)
        assert report.honest
        assert not [finding for finding in report.findings if finding.severity is Severity.ERROR]


@given(needs())
def test_the_verdict_on_the_claim_follows_from_the_lowest_tag(wheel: Needs) -> None:
    """Claimed at its lowest tag a wheel is honest, and one step below it is not."""
    lowest = wheel.audit().lowest
    case = CASES[wheel.arch]
    if lowest.version is None:
        assert wheel.audit(tag=PlatformTag.manylinux(case.newest, wheel.arch).text).honest is False
        return
    assert wheel.audit(tag=lowest.text).honest is True
    below = [version for version in case.versions if version < lowest.version]
    if below:
        lower = wheel.audit(tag=PlatformTag.manylinux(below[-1], wheel.arch).text)
        assert lower.honest is False
        assert any(finding.severity is Severity.ERROR for finding in lower.findings)


MUSL: Final = elf(needed=("libc.musl-x86_64.so.1",), imports=(Import("printf"),), relocations=True)
PROMISES: Final = st.builds(
    lambda kind, major, minor, arch: f"{kind}_{major}_{minor}_{arch}",
    st.sampled_from(["manylinux", "musllinux"]),
    st.sampled_from([0, 1, 1, 2, 2, 3]),
    st.one_of(st.integers(0, 3), st.integers(0, 50)),
    st.sampled_from(["x86_64", "x86_64", *CASES, "armv7l", "ppc64"]),
)


@given(needs(), st.booleans(), PROMISES)
def test_a_promise_that_is_not_kept_is_an_error(wheel: Needs, is_musl: bool, tag: str) -> None:
    """Whatever makes a wheel dishonest, the gate has to fail."""
    report = audit_members({MODULE: MUSL if is_musl else wheel.build()}, f"cp312-cp312-{tag}")
    assert report.honest is not False or report.has_errors
