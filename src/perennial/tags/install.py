"""Will a wheel install on a target: by which of its tags, by which installers, and if not, why not.

A file name is enough to know. What a tag says of a wheel's content is another question (`tags.running`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from perennial.errors import UsageError, printable
from perennial.lean_typing import TYPE_CHECKING, Final, NamedTuple
from perennial.platform_tag import Libc, PlatformTag
from perennial.tags.compute import accepted_tags, compatible
from perennial.tags.installers import PEP, RULES, Installer, Overriding
from perennial.tags.platforms import floor_of
from perennial.tags.target import Target
from perennial.tags.why import Axis, Refusal, first_refusal, nearness, refusals
from perennial.wheel.filename import WheelFilename

if TYPE_CHECKING:
    from collections.abc import Iterable

# Those that install; packaging is the library in most of them.
ASKED: Final = (Installer.PIP, Installer.UV, Installer.POETRY, Installer.PDM)
Version = tuple[int, ...]


class InstallerVerdict(NamedTuple):
    """Whether an installer takes a wheel; `reason` is a clause, "" where it does what the PEPs say."""

    installer: Installer
    accepts: bool
    reason: str


class Installation(NamedTuple):
    """The answer for one wheel and one target.

    `tag` is the best of the wheel's tags that the target accepts, by the PEPs, or the nearest where it accepts
    none. Then `refusal` is why it does not accept that one, `further` what else it would not, and `refusals` why
    each is not accepted. `first_pip` is the first pip that reads a tag by which the wheel is accepted;
    None where any does, or none is accepted.
    """

    filename: WheelFilename
    tag: str
    refusal: Refusal | None
    further: tuple[Refusal, ...]
    refusals: tuple[tuple[str, Refusal], ...]
    installers: tuple[InstallerVerdict, ...]
    first_pip: Version | None

    @property
    def accepted(self) -> bool:
        """Whether some installer takes it, by the PEPs and by the pip that is there."""
        return self.refusal is None


class Listing(NamedTuple):
    """What a target accepts, computed once for many wheels: by the PEPs, and as each installer has it."""

    target: Target
    ranks: Mapping[str, int]
    installers: Mapping[Installer, frozenset[str] | str]  # a string: why the installer refuses the target itself


def listing(target: Target) -> Listing:
    ranks = {tag: rank for rank, tag in reversed(list(enumerate(accepted_tags(target))))}
    lists: dict[Installer, frozenset[str] | str] = {}
    for installer in ASKED:
        try:
            lists[installer] = frozenset(accepted_tags(target, installer))
        except UsageError as error:
            lists[installer] = str(error)
    return Listing(target, ranks, lists)


def installation(
    name: WheelFilename, there: Listing, *, requires_python: str | None = None, pip: Version | None = None
) -> Installation:
    """Whether a target accepts a wheel.

    `requires_python` is the wheel's metadata, where that is known; `pip` the version of pip that is there, where
    it is to count: an old one cannot read young tags.
    """
    target = there.target
    tags = sorted("-".join(tag) for tag in name.tags)
    own = sorted((there.ranks.get(tag, len(there.ranks)), tag) for tag in tags if compatible(tag, target))
    refused = tuple((tag, refusal) for tag in tags if (refusal := first_refusal(tag, target)) is not None)
    tag, refusal, further = _nearest(refused, target) if not own else (own[0][1], None, ())
    demanded = None if requires_python is None else _demanded(requires_python, target)
    if refusal is None and demanded is not None:
        refusal = demanded
    first = min((first_pip(tag) for _, tag in own), default=())
    if refusal is None and pip is not None and pip < first:
        young = next(tag for _, tag in own if first_pip(tag) == first)
        needs = f"pip ≥ {dotted(first)}, the first that reads {young.rpartition('-')[2]}"
        refusal = Refusal(Axis.INSTALLER, needs, f"pip {dotted(pip)}")
    return Installation(
        filename=name,
        tag=tag,
        refusal=refusal,
        further=further,
        refusals=refused if not own else (),
        installers=tuple(_verdict(each, tags, there) for each in ASKED) if own else (),
        first_pip=first or None,
    )


def _nearest(refused: tuple[tuple[str, Refusal], ...], target: Target) -> tuple[str, Refusal, tuple[Refusal, ...]]:
    """The tag that comes nearest, why it is refused, and what else it would be refused for."""
    best = max(nearness(refusal) for _, refusal in refused)
    found = []
    for tag, refusal in refused:
        if nearness(refusal) == best:
            python, abi, platform = tag.split("-")
            found.append((tag, refusal, tuple(refusals(python, abi, platform, target))[1:]))
    return min(found, key=lambda each: (len(each[2]), each[0]))


def dotted(version: Version) -> str:
    return ".".join(map(str, version))


def parse_version(text: str) -> Version:
    """`9.0.1` as numbers; UsageError for what is no version of pip."""
    found = re.fullmatch(r"(?:pip[ =]*)?(\d+(?:\.\d+){0,3})(?:[a-z]+\d*)?", text.strip(), re.ASCII)
    if found is None:
        raise UsageError(f"{printable(text)}: a version of pip is written 9.0.1")
    return tuple(map(int, found[1].split(".")))


# ----- installers


def _verdict(installer: Installer, tags: Iterable[str], there: Listing) -> InstallerVerdict:
    known = there.installers[installer]
    if isinstance(known, str):
        return InstallerVerdict(installer, False, known)
    if any(tag in known for tag in tags) or not any(tag in there.ranks for tag in tags):
        return InstallerVerdict(installer, True, "")  # in the second case of a glibc 3, of which no list is long enough
    return InstallerVerdict(installer, False, _difference(installer, tags, there.target))


def _difference(installer: Installer, tags: Iterable[str], target: Target) -> str:
    """In which way an installer's list is another one than the PEPs'."""
    rules = RULES[installer]
    platforms = [PlatformTag.parse(tag.rpartition("-")[2]) for tag in tags]
    arches = [each.arch for each in platforms if each.arch is not None and each.libc is Libc.GLIBC]
    for arch in arches:
        own, usual = floor_of(arch, rules), floor_of(arch, PEP)
        if own is None:
            return f"it has no manylinux tags on {arch}"
        if usual is not None and own > usual and all((p.version or (0, 0)) < (2, own) for p in platforms):
            return f"its lowest tag on {arch} is manylinux_2_{own}"
    if target.override is not None and rules.overriding is Overriding.ONCE:
        return "it asks the _manylinux module once, for the system's own glibc"
    if target.libc_version is not None and target.libc_version >= (3, 0) and not rules.crosses_majors:
        return "it does not go on from glibc 3 to glibc 2 tags"
    return "its list lacks the tag"


# ----- pip


_LEGACY: Final = {"manylinux1": (8, 1), "manylinux2010": (19, 0), "manylinux2014": (19, 3)}


def first_pip(tag: str) -> Version:
    """The first pip that reads a tag; () where all do that are still to be met.

    pip's NEWS: 8.1 (manylinux1), 19.0 (2010), 19.3 (2014), 20.3 (PEP 600), 21.2 (musllinux), 24.1 (cp313t: an
    older one takes the wheels for the GIL). A test reads the same out of these pips.
    """
    _, abi, platform = tag.split("-")
    parsed = PlatformTag.parse(platform)
    needs: Version = ()
    if re.fullmatch(r"cp\d+t", abi):
        needs = (24, 1)
    if parsed.libc is Libc.MUSL:
        needs = max(needs, (21, 2))
    elif parsed.libc is Libc.GLIBC:
        alias = platform.partition("_")[0]
        needs = max(needs, _LEGACY.get(alias, (20, 3)))
        if parsed.arch in ("riscv64", "loongarch64"):
            needs = max(needs, (24, 1))  # packaging 24 is the first that has manylinux tags there
    return needs


# ----- Requires-Python


def _demanded(requires_python: str, target: Target) -> Refusal | None:
    """What Requires-Python asks for and the target's Python is not."""
    python = target.python
    if satisfies(requires_python, python.version, python.micro):
        return None
    return Refusal(Axis.PYTHON_VERSION, f"Python {requires_python} (Requires-Python)", str(python))


def satisfies(requires_python: str, version: tuple[int, int], micro: int | None) -> bool:
    """Whether some release of a Python satisfies it; malformed, it counts as none, as for pip."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # noqa: PLC0415 - slow, and seldom needed

    try:
        wanted = SpecifierSet(requires_python)
    except InvalidSpecifier:
        return True
    micros = (0, 99) if micro is None else (micro,)
    return any(wanted.contains(f"{version[0]}.{version[1]}.{each}", prereleases=True) for each in micros)
