"""Why a wheel is not lowered: a problem for all that the same files are refused for the same reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from perennial.lean_typing import Final, TypeAlias
from perennial.lower.options import CxxRoute, LowerOptions
from perennial.lower.private import SONAME
from perennial.lower.references import is_cxx_runtime
from perennial.policy.lowering import RULED_OUT, Lowering, Reference, Refusal
from perennial.repair.plan import Problem

_LIBGCC: Final = "libgcc_s.so.1"
# More sets of files that are refused for one reason than anybody wants to read about one by one.
_MANY: Final = 6

_Users: TypeAlias = dict[tuple[Reference, str], set[str]]
_Groups: TypeAlias = dict[tuple[tuple[str, ...], str, str], list[Reference]]


def refusal_problems(
    refused: Iterable[tuple[str, Refusal]], lowering: Lowering, options: LowerOptions
) -> Iterator[Problem]:
    """The problems; `refused` has the path of each file with each of its refusals."""
    users: _Users = {}
    for path, (reference, reason) in refused:
        users.setdefault((reference._replace(weak=False), reason), set()).add(path)
    firsts = {reference: lowering.first(reference) for reference, _ in users}
    highest = max((first for first in firsts.values() if first is not None), default=None)
    for (paths, library, reason), references in sorted(_groups(users).items()):
        remedies = list(_remedies(library, reason, options))
        if highest is not None and all(firsts[reference] is not None for reference in references):
            remedies.append(f"lower to manylinux_{highest[0]}_{highest[1]}")
        remedy = ", or ".join(remedies)
        yield Problem(
            _message(paths, references, options, reason),
            f"{remedy[0].upper()}{remedy[1:]}.",
            tuple(_detail(each, users[each, reason], paths) for each in references) if len(references) > 1 else (),
        )


def _groups(users: _Users) -> _Groups:
    """The references by (files, library, reason); all files that a reason is given for, where they make many sets."""
    sets = Counter((library, reason) for _, library, reason in {_key(*each) for each in users.items()})
    gathered: dict[tuple[str, str], set[str]] = {}
    for (reference, reason), files in users.items():
        if sets[reference.library, reason] > _MANY:
            gathered.setdefault((reference.library, reason), set()).update(files)
    groups: _Groups = {}
    for (reference, reason), files in sorted(users.items()):
        paths = gathered.get((reference.library, reason), files)
        groups.setdefault(_key((reference, reason), paths), []).append(reference)
    return groups


def _key(refused: tuple[Reference, str], files: Iterable[str]) -> tuple[tuple[str, ...], str, str]:
    reference, reason = refused
    return tuple(sorted(files)), reference.library, reason


def outside_problem(who: str, name: str) -> Problem:
    """For who wants a wheel to be lowered and nothing else: a library from outside that would come into it."""
    return Problem(
        f"{who} needs {name}, which is neither in the wheel nor on every system",
        "perennial repair --lower-to copies it into the wheel and lowers both, or leaves it to the system (--exclude).",
    )


def no_libstdcxx(who: str, name: str, places: int | None) -> Problem:
    """A copy of libstdc++ that was asked for, and is not to be had; `places` is None on machines of another kind."""
    looked = f"looked for in {places} places and not found"
    return Problem(
        f"{who} needs a {name} of the wheel's own, which was "
        + ("not found; this machine's own folders hold none for its architecture" if places is None else looked),
        "Name its folder with --lib-path, or the root file system that the wheel was built in with --sysroot.",
    )


def _detail(reference: Reference, files: set[str], paths: tuple[str, ...]) -> str:
    """A symbol, and who needs it where that is not all of them."""
    name = _name(reference)
    return name if len(files) == len(paths) else f"{name} in {_files(sorted(files))}"


def _files(paths: Sequence[str]) -> str:
    more = len(paths) - 1
    return paths[0] + (f" and {more} more file{'s' if more > 1 else ''}" if more else "")


def _message(paths: tuple[str, ...], references: list[Reference], options: LowerOptions, reason: str) -> str:
    who = f"{_files(paths)} need{'s' if len(paths) == 1 else ''}"
    library = references[0].library
    if len(references) == 1:
        return f"{who} {_name(references[0])} from {library}, which {options.to} lacks: {reason}"
    return f"{who} {len(references)} symbols from {library}, each of which {options.to} lacks: {reason}"


def _name(reference: Reference) -> str:
    return str(reference) if reference.symbol else reference.version


def _remedies(library: str, reason: str, options: LowerOptions) -> Iterator[str]:
    if is_cxx_runtime(library):
        if reason.endswith(RULED_OUT):
            yield "leave out --cxx refuse"
        if options.cxx is not CxxRoute.PRIVATE:
            yield f"--cxx private copies {SONAME} into the wheel"
        yield "link with -static-libstdc++ and lower that"
    elif library == _LIBGCC:
        yield "link with -static-libgcc and lower that"
    else:
        yield "build on an older system, or do without it"
