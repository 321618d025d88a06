"""Targets as people write them: `debian:12`, `glibc:2.28,arch=aarch64,python=3.12`, `alpine:3.19`.

A release stands for the C library and the Python that the knowledge has of it. What is not said is
settled by a rule that is the same everywhere, and a sentence says which: x86_64, and the release's
own newest Python.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from perennial.arch import Architecture
from perennial.errors import UsageError, printable
from perennial.lean_typing import TYPE_CHECKING, Final, NamedTuple
from perennial.platform_tag import Libc
from perennial.tags.target import Detail, Override, Python, Target

if TYPE_CHECKING:
    from perennial.knowledge import DistributionRelease, Knowledge

DEFAULT_PYTHON: Final = (3, 14)  # where a target has none of its own: the newest that perennial is tested with
KEYS: Final = ("arch", "python", "implementation", "abi", "manylinux")
_LIBC: Final = re.compile(r"(glibc|musl):(\d{1,2})\.(\d{1,3})(?:\.\d+)*")
_VERSION: Final = re.compile(r"(2|3)\.(\d{1,2})(?:\.(\d{1,4}))?(t?)(d?)")
_TAG: Final = re.compile(r"([a-z]+)(2|3)(\d{1,2})(t?)(d?)")
_ARCH: Final = re.compile(r"[a-z0-9_]+")
_ANSWERS: Final = {"yes": True, "no": False}


class Choices(NamedTuple):
    """What a text says besides the system: each as written, None where it says nothing."""

    arch: str | None = None
    python: str | None = None
    implementation: str | None = None
    abi: str | None = None
    manylinux: str | None = None


def parse_target(text: str, knowledge: Knowledge | None = None) -> Target:
    """The target that a text means: "debian:12", "glibc:2.28,arch=aarch64,python=3.12", "alpine:3.19,python=3.13t".

    Releases are those of the shipped knowledge, which is read where a release is named, or of the given one.
    Raises `UsageError`.
    """
    system, choices = split_spec(text)
    found = _LIBC.fullmatch(system)
    if found is not None:
        libc, version = Libc(found[1]), (int(found[2]), int(found[3]))
        detail = Detail("libc", f"{libc} {version[0]}.{version[1]}: as asked for")
        return _settle(Target(libc, version, "", Python.cpython(DEFAULT_PYTHON), details=(detail,)), choices, None)
    if knowledge is None:
        from perennial.knowledge import load_knowledge  # noqa: PLC0415 - C libraries need none of it

        knowledge = load_knowledge()
    release = _find(system, knowledge.releases)
    return _settle(_of_release(release), choices, release)


def _of_release(release: DistributionRelease) -> Target:
    detail = Detail("libc", f"{release.libc} {release.libc_release}: what {release.name} has")
    python = Python.cpython(DEFAULT_PYTHON)
    return Target(
        release.libc, release.libc_version, "", python, name=release.name, details=(detail,), release=release.id
    )


def split_spec(text: str) -> tuple[str, Choices]:
    """What stands before the first comma, and the `key=value` parts after it."""
    system, *parts = text.split(",")
    said: dict[str, str] = {}
    for part in parts:
        key, equals, value = part.strip().partition("=")
        if not equals or key not in KEYS or not value or key in said:
            raise UsageError(
                f"{printable(text)}: {printable(part) or 'an empty part'}: after the system come "
                f"{', '.join(f'{each}=…' for each in KEYS)}, each once"
            )
        said[key] = value.lower()
    return system.strip(), Choices(**said)


def apply_choices(target: Target, choices: Choices) -> Target:
    """A target that was read from disk, with what a text says of it besides."""
    if choices.arch is not None:
        raise UsageError("arch= is for releases and C libraries; a root's or an interpreter's is read from its files")
    if choices.python is not None or choices.implementation is not None or choices.abi is not None:
        python = _python(choices, f"{target.python.version[0]}.{target.python.version[1]}")
        target = _with(target._replace(python=python), "python", f"{python}: as asked for")
    return _overridden(target, choices)


def _find(system: str, releases: Iterable[DistributionRelease]) -> DistributionRelease:
    by_id = {release.id: release for release in releases}
    found = by_id.get(system.lower())
    if found is not None:
        return found
    family = system.lower().partition(":")[0]
    related = [name for name in by_id if name.startswith(f"{family}:")]
    if related:
        raise UsageError(f"{printable(system)}: of {family} there are {', '.join(related)}")
    from difflib import get_close_matches  # noqa: PLC0415 - 4 ms, for a message

    close = get_close_matches(system.lower(), by_id, 3)
    hint = f"did you mean {' or '.join(close)}?" if close else "perennial distro list --all has the releases"
    raise UsageError(
        f"{printable(system)}: neither a release (debian:12), nor a C library (glibc:2.28, musl:1.2), "
        f"nor a folder that is there; {hint}"
    )


def _settle(target: Target, choices: Choices, release: DistributionRelease | None) -> Target:
    arch = choices.arch or Architecture.X86_64.value
    if not _ARCH.fullmatch(arch):
        raise UsageError(f"arch={printable(arch)}: an architecture is spelled as in tags, {', '.join(Architecture)}")
    if release is not None and arch not in release.architectures and arch in list(Architecture):
        there = ", ".join(sorted(release.architectures))
        text = f"{arch}: as asked for; {release.name} is known on {there} only"
    else:
        text = f"{arch}: as asked for" if choices.arch else f"{arch}: nothing was said of it"
    target = _with(target._replace(arch=arch), "architecture", text)
    own = None if release is None or release.python is None else release.python.rpartition("/")[2]
    python = _python(choices, own)
    if choices.python is not None:
        text = f"{python}: as asked for"
    elif own is not None and release is not None:
        text = f"{python}: {release.name}'s own"
    else:
        text = f"{python}: nothing was said of it, and no Python that comes with it is known"
    return _overridden(_with(target._replace(python=python), "python", text), choices)


def _python(choices: Choices, own: str | None) -> Python:
    """`python=3.13`, `3.13t`, `cp312`, `pp311`; `implementation=pp`; `abi=cp313t`."""
    text = choices.python or own or "{}.{}".format(*DEFAULT_PYTHON)
    implementation = choices.implementation
    found = _VERSION.fullmatch(text)
    if found is not None:
        version, micro, flags = (int(found[1]), int(found[2])), found[3], (found[4], found[5])
    else:
        found = _TAG.fullmatch(text)
        if found is None or implementation not in (None, found[1]):
            raise UsageError(f"python={printable(text)}: write 3.12, 3.13t, cp312 or pp311")
        implementation, version, micro, flags = found[1], (int(found[2]), int(found[3])), None, (found[4], found[5])
    abis = None if choices.abi is None else tuple(choices.abi.split("+"))
    number = None if micro is None else int(micro)
    if implementation in (None, "cp", "cpython"):
        python = Python.cpython(version, free_threaded=bool(flags[0]), debug=bool(flags[1]), micro=number)
        if abis is not None:
            _check_abis(abis, python.interpreter)
        return python if abis is None else python._replace(abis=abis)
    if any(flags):
        raise UsageError(f"python={printable(text)}: only CPython has free-threaded and debug builds")
    implementation = {"pypy": "pp", "ironpython": "ip", "jython": "jy"}.get(implementation, implementation)
    if not implementation.isalpha():
        raise UsageError(f"implementation={printable(implementation)}: write cp, pp or the name in full")
    if abis is None and implementation == "pp":
        # PyPy 7.3 has been the version of the ABI since 2019.
        abis = (f"pypy{version[0]}{version[1]}_pp73",)
    return Python(implementation, version, abis or (), number)


def _check_abis(abis: tuple[str, ...], interpreter: str) -> None:
    for abi in abis:
        if not re.fullmatch(rf"{interpreter}[a-z]*", abi):
            raise UsageError(f"abi={printable(abi)}: an ABI of {interpreter} begins so: {interpreter}, {interpreter}t")


def _overridden(target: Target, choices: Choices) -> Target:
    if choices.manylinux is None:
        return target
    if choices.manylinux not in _ANSWERS:
        raise UsageError(f"manylinux={printable(choices.manylinux)}: yes or no, what a _manylinux module answers")
    said = _ANSWERS[choices.manylinux]
    override = Override("as asked for", lambda _major, _minor, _arch: said)
    text = f"_manylinux answers {said} to every tag: as asked for"
    return _with(target._replace(override=override), "override", text)


def _with(target: Target, part: str, text: str) -> Target:
    """The target with another sentence on a part."""
    kept = tuple(detail for detail in target.details if detail.part != part)
    return target._replace(details=(*kept, Detail(part, text)))
