"""An explanation in sentences: what a person who knows would answer, in the order in which people ask."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.arch import Architecture
from perennial.lean_typing import Final, NamedTuple
from perennial.platform_tag import Libc, PlatformTag
from perennial.report.coverage_line import coverage_line
from perennial.report.demangle import demangle
from perennial.report.text import listed
from perennial.tags.explain import ON_PLATFORM, Explanation, ProjectExplanation, other_python
from perennial.tags.install import Installation, dotted
from perennial.tags.installers import Installer
from perennial.tags.platforms import accepted_architectures, accepts_platform
from perennial.tags.project import Miss
from perennial.tags.pythons import stable_abi
from perennial.tags.running import Running, Runs, Trouble
from perennial.tags.target import Python, Target
from perennial.tags.why import Axis, Refusal
from perennial.wheel.filename import WheelFilename

_MOST_TROUBLES: Final = 3
_MOST_SYMBOLS: Final = 3
_MOST_MISSES: Final = 4
_SPELLED: Final = {"arm64": "aarch64", "amd64": "x86_64", "x64": "x86_64", "arm": "armv7l", "x86": "i686"}
_SHELL: Final = {
    "debian": "apt-get install", "ubuntu": "apt-get install", "alpine": "apk add", "opensuse": "zypper install",
}  # fmt: skip


class Advice(NamedTuple):
    """Something to do: its kind, for programs, and a sentence."""

    kind: str
    text: str


# ----- will it install there?


def installs(found: Installation, target: Target) -> str:
    refusal = found.refusal
    if refusal is None:
        return f"yes, as {found.tag}; {_takers(found)}"
    more = [each.needs for each in found.further if each.axis is not Axis.ARCHITECTURE]
    also = f"; it also needs {_and(more)}" if more else ""
    others = [each.installer.value for each in found.installers if each.accepts and each.installer is not Installer.PIP]
    if refusal.axis is Axis.INSTALLER and others:
        also += f"; {_and(others)} {'takes' if len(others) == 1 else 'take'} it"
    return f"no: {refused(refusal, found.tag, target)}{also}"


def refused(refusal: Refusal, tag: str, target: Target) -> str:
    """Why, as a clause."""
    platform = PlatformTag.parse(tag.rpartition("-")[2])
    needs, has = refusal.needs, refusal.has
    match refusal.axis:
        case Axis.SYSTEM:
            return f"it is for {needs}, and this is Linux"
        case Axis.ARCHITECTURE:
            spelled = _SPELLED.get(platform.arch or "")
            if spelled == target.arch:
                return f"no system has the tag {platform}: tags spell this architecture {spelled}, not {platform.arch}"
            return f"it is for {needs}, and this Python is {has}"
        case Axis.LIBC:
            kind = "manylinux" if platform.libc is Libc.GLIBC else "musllinux"
            return f"{kind} wheels need {needs}, and this system has {has}"
        case Axis.LIBC_VERSION:
            return f"needs {needs}, this system has {has.rpartition(' ')[2]}"
        case Axis.TAG if accepts_platform(platform, target):
            return f"no Python has the tags {needs}: this is {target.python}"
        case Axis.TAG:
            return f"no system has the tag {needs}: this is {has}"
        case Axis.OVERRIDE:
            source = "" if target.override is None else target.override.source
            return f"the _manylinux module of this Python ({source}) refuses {needs}"
        case Axis.INSTALLER:
            return f"needs {needs}; there is {has}"
        case Axis.PYTHON_VERSION | Axis.ABI | Axis.IMPLEMENTATION:
            return f"needs {needs}, and this is {has}"


# In a table, the axis on which a wheel is refused.
_CELLS: Final = {
    Axis.SYSTEM: "system", Axis.ARCHITECTURE: "arch", Axis.LIBC: "libc", Axis.TAG: "tag", Axis.OVERRIDE: "refused",
    Axis.PYTHON_VERSION: "python", Axis.ABI: "abi", Axis.IMPLEMENTATION: "impl", Axis.INSTALLER: "pip",
}  # fmt: skip


def refusal_word(refusal: Refusal) -> str:
    """Why, in a word, for the cell of a table."""
    return _CELLS.get(refusal.axis) or refusal.needs.partition(" ")[0]


def system_words(target: Target) -> str:
    """A target in a few words: `Debian 12, CPython 3.11, glibc 2.36`."""
    python = target.python
    words = f"{python.name} {python.version[0]}.{python.version[1]}{'t' * python.free_threaded}"
    place = f"{target.name}, {words}, {target.libc_text}" if target.name else f"{target.libc_text}, {words}"
    return place if target.arch == "x86_64" else f"{place}, {target.arch}"


def taken(answer: Explanation | ProjectExplanation) -> str | None:
    """The wheel that is installed; None where none is."""
    if isinstance(answer, ProjectExplanation):
        return None if answer.answer.takes is None else answer.answer.takes.filename.text
    return answer.installation.filename.text if answer.installation.accepted else None


def _takers(found: Installation) -> str:
    takers = [_taker(each.installer.value, found) for each in found.installers if each.accepts]
    others = [f"not {each.installer}: {each.reason}" for each in found.installers if not each.accepts]
    text = f"{_and(takers)} {'takes' if len(takers) == 1 else 'take'} it" if takers else "no installer takes it"
    return "; ".join([text, *others])


def _taker(installer: str, found: Installation) -> str:
    if installer == "pip" and found.first_pip is not None:
        return f"pip ≥ {dotted(found.first_pip)}"
    return installer


def _and(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


# ----- will it run there?


def runs(explained: Explanation) -> str:
    running, refusal = explained.running, explained.installation.refusal
    if running is None:
        return "not looked at: only the name of the wheel is known"
    if not running.has_files:
        return "yes: it has no compiled files" if refusal is None else "it has no compiled files"
    if running.verdict is Runs.YES:
        return _runs(running, explained)
    troubles = _troubles(running)
    if running.verdict is Runs.NO:
        return f"no: it installs, then fails: {troubles}" if refusal is None else f"no, it would fail: {troubles}"
    if running.verdict is Runs.IF_INSTALLED:
        packages = _and(sorted({trouble.package for trouble in running.troubles if trouble.package}))
        return f"if {packages} is installed: {troubles}"
    advice = "" if explained.target.release else f"; of {running.judged_by} no more than that is known"
    return f"perhaps: {troubles}{advice}"


def _runs(running: Running, explained: Explanation) -> str:
    refusal = explained.installation.refusal
    least = f" (glibc ≥ {dotted(running.highest)})" if running.highest is not None else ""
    if refusal is None:
        return f"yes: {running.judged_by} has all that its files need{least}"
    if refusal.axis is Axis.LIBC_VERSION:
        version = f" (it needs {dotted(running.highest)})" if running.highest is not None else ""
        return f"it would run: all needs are met by {explained.target.libc_text}{version}; the tag is too strict"
    if _is_on_platform(explained) or refusal.axis is Axis.INSTALLER:
        return f"it would run: {running.judged_by} has all that its files need{least}"
    return f"{running.judged_by} has all that its files need{least}; what is refused is the Python"


def _troubles(running: Running) -> str:
    shown: dict[tuple[str | None, str], Trouble] = {}
    chosen = [each for each in running.troubles if each.fatal] or list(running.troubles)
    for trouble in chosen:
        shown.setdefault((trouble.member, trouble.library), trouble)
    texts = [f"{each.what}{_symbols(each)}" for each in shown.values()]
    rest = len(texts) - _MOST_TROUBLES
    return "; ".join(texts[:_MOST_TROUBLES]) + (f"; and {rest} more" if rest > 0 else "")


def _symbols(trouble: Trouble) -> str:
    names = [demangle(name) for name in trouble.symbols]
    return f" ({listed(names, _MOST_SYMBOLS)})" if names else ""


# ----- what to do?


def advice(explained: Explanation, project: ProjectExplanation | None = None) -> tuple[Advice, ...]:
    """What helps, the nearest at hand first; () where all is well."""
    return tuple(_advice(explained, project))


def _advice(explained: Explanation, project: ProjectExplanation | None) -> Iterator[Advice]:
    found, running = explained.installation, explained.running
    refusal = found.refusal
    if refusal is None:
        yield from _to_make_it_run(explained)
        return
    if refusal.axis is Axis.INSTALLER and found.first_pip is not None:
        yield Advice("newer-pip", f"upgrade pip: python -m pip install --upgrade 'pip>={dotted(found.first_pip)}'")
        yield from _to_make_it_run(explained)
        return
    if not _is_on_platform(explained):
        yield from _with_another_python(explained)
    if running is not None and running.verdict is Runs.YES and refusal.axis is Axis.LIBC_VERSION:
        yield Advice("ask-for-tag", f"ask its maintainers for its honest tag: it keeps {running.lowest}")
    if _is_on_platform(explained) and refusal.axis is not Axis.OVERRIDE:
        yield from _elsewhere(explained)
    if project is None:
        yield Advice("other-wheel", _wanted(explained, refusal))
        name = found.filename.distribution
        text = f"or build it: pip install --no-binary {name} {name}, if it has a source distribution"
        yield Advice("from-source", text)


def _is_on_platform(explained: Explanation) -> bool:
    """Whether it is the platform on which a wheel fails, and not the Python."""
    refusal, target = explained.installation.refusal, explained.target
    if refusal is None or refusal.axis not in ON_PLATFORM:
        return False
    return not accepts_platform(PlatformTag.parse(explained.installation.tag.rpartition("-")[2]), target)


def _to_make_it_run(explained: Explanation) -> Iterator[Advice]:
    running = explained.running
    if running is None or running.verdict is Runs.YES:
        return
    packages = sorted({trouble.package for trouble in running.troubles if trouble.package})
    if packages:
        family = (explained.target.release or "").partition(":")[0]
        yield Advice(
            "host-library", f"install what is missing: {_SHELL.get(family, 'dnf install')} {' '.join(packages)}"
        )
    if running.verdict is not Runs.NO:
        return
    if not running.is_for_target:
        yield Advice(
            "mislabelled", "the wheel is mislabelled: tell its maintainers, and show them what perennial show says"
        )
    elif explained.runs_on is not None and explained.runs_on.runs:
        yield Advice("release", f"its files run on {coverage_line(explained.runs_on)}")


def _with_another_python(explained: Explanation) -> Iterator[Advice]:
    python = other_python(explained.installation.filename, explained.target)
    if python is not None:
        kind = "" if python.implementation != "cp" or python.free_threaded else _with_the_gil(python, explained.target)
        yield Advice("python", f"it installs here with {python}{kind}")


def _with_the_gil(python: Python, target: Target) -> str:
    return " with the GIL" if target.python.free_threaded and python.version == target.python.version else ""


def _elsewhere(explained: Explanation) -> Iterator[Advice]:
    coverage, name = explained.reach, explained.installation.filename
    if coverage is None or not (coverage.runs or coverage.fails):
        return
    if not coverage.runs:
        yield Advice("release", "no release in support accepts its tags")
        return
    arches = {tag.arch for tag in name.platforms if tag.arch is not None}
    of = "" if explained.target.arch in arches else f" of {min(arches)}"
    text = coverage_line(coverage._replace(fails=(), nearest_miss=()))
    yield Advice("release", f"it installs on {text}{of}{_pythons_of(name)}")


def _pythons_of(name: WheelFilename) -> str:
    """`, with CPython 3.10`, where a wheel is for one version."""
    versions = sorted({(python, abi) for python, abi, _ in name.tags if python[2:].isdigit() and len(python) > 3})
    if len(versions) != 1:
        return ""
    (python, abi), implementation = versions[0], {"cp": "CPython", "pp": "PyPy"}.get(versions[0][0][:2], "Python")
    later = " or later" if abi in ("abi3", "abi3t") else ""
    free = ", free-threaded" if abi in (f"{python}t", "abi3t") else ""
    return f"; with {implementation} {python[2]}.{python[3:]}{later}{free}"


def _wanted(explained: Explanation, refusal: Refusal) -> str:
    """The wheel to look for instead."""
    target = explained.target
    python = target.python
    if refusal.axis is Axis.OVERRIDE:
        return "who put it there says that such wheels do not run here: take the distribution's own package"
    if not _is_on_platform(explained) or target.libc is None or target.libc_version is None:
        stable = stable_abi(python)
        tags = [f"{python.interpreter}-{abi}" for abi in python.abis] + [stable or "", "py3-none"]
        return f"look for a wheel tagged {' or '.join(filter(None, tags))}"
    arch = accepted_architectures(target)[-1]
    kind = "manylinux" if target.libc is Libc.GLIBC else "musllinux"
    if arch not in list(Architecture):
        return f"look for a wheel tagged linux_{arch} (piwheels has such): no installer has {kind} tags for {arch}"
    version = "{}_{}".format(*target.libc_version)
    return f"look for a wheel tagged {kind}_{version}_{arch}{' or lower' * (target.libc_version[1] > 0)}"


# ----- projects


def project_installs(found: ProjectExplanation) -> str:
    """What an installer gets of a project."""
    answer = found.answer
    if answer.takes is not None and found.wheel is not None:
        installed = found.wheel.installation
        text = f"yes: {installed.filename.text}; {_takers(installed)}"
        if answer.misses:
            miss = answer.misses[0]
            text += f"; not {miss.version}: {refused(miss.refusal, _tag_of(miss), found.target)}"
        return text
    if found.wheel is not None:
        nearest = found.wheel.installation
        return f"{installs(nearest, found.target)} ({nearest.filename.text} comes nearest)"
    return f"no: {found.newest} has no wheel" + ("" if answer.builds is None else ", only a source distribution")


def _tag_of(miss: Miss) -> str:
    name = WheelFilename.parse(miss.filename)
    return f"{name.pythons[0]}-{name.abis[0]}-{name.platforms[0]}"


def project_advice(found: ProjectExplanation) -> tuple[Advice, ...]:
    """What helps, where a project's newest version is not what is taken, or does not run."""
    return tuple(_project_advice(found))


def _project_advice(found: ProjectExplanation) -> Iterator[Advice]:
    answer = found.answer
    if answer.takes is not None and answer.builds is not None:
        name = answer.takes.filename.distribution
        yield Advice(
            "version",
            f"pip builds {answer.builds} from source first; "
            f"for the wheel: pip install '{name}=={answer.takes_version}'",
        )
    if found.wheel is not None:
        yield from _advice(found.wheel, found)
    if answer.takes is None:
        for miss in answer.misses[1:_MOST_MISSES]:
            yield Advice("near-miss", f"{miss.version}: {refused(miss.refusal, _tag_of(miss), found.target)}")
        if found.instead is not None:
            version, filename = found.instead
            yield Advice("version", f"the newest version with a wheel that fits is {version}: {filename}")
        if answer.builds is not None:
            yield Advice("from-source", f"{answer.builds} has a source distribution: installers will try to build it")
        else:
            yield Advice("from-source", "there is no source distribution that this Python could build")
