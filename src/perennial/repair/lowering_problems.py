"""Why a wheel is not lowered: a problem for all that the same files are refused for the same reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from perennial.lower.options import CxxRoute, LowerOptions
from perennial.lower.private import SONAME
from perennial.lower.references import is_cxx_runtime
from perennial.policy.lowering import RULED_OUT, Lowering, Reference, Refusal
from perennial.repair.plan import Problem

_LIBGCC: Final = "libgcc_s.so.1"


def refusal_problems(
    refused: Iterable[tuple[str, Refusal]], lowering: Lowering, options: LowerOptions
) -> Iterator[Problem]:
    """The problems; `refused` has the path of each file with each of its refusals."""
    users: dict[tuple[Reference, str], set[str]] = {}
    for path, (reference, reason) in refused:
        users.setdefault((reference._replace(weak=False), reason), set()).add(path)
    groups: dict[tuple[tuple[str, ...], str, str], list[Reference]] = {}
    for (reference, reason), files in sorted(users.items()):
        groups.setdefault((tuple(sorted(files)), reference.library, reason), []).append(reference)
    firsts = {reference: lowering.first(reference) for reference, _ in users}
    highest = max((first for first in firsts.values() if first is not None), default=None)
    for (paths, library, reason), references in sorted(groups.items()):
        remedies = list(_remedies(library, reason, options))
        if highest is not None and all(firsts[reference] is not None for reference in references):
            remedies.append(f"lower to manylinux_{highest[0]}_{highest[1]}")
        remedy = ", or ".join(remedies)
        yield Problem(
            _message(paths, references, options, reason),
            f"{remedy[0].upper()}{remedy[1:]}.",
            tuple(map(_name, references)) if len(references) > 1 else (),
        )


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


def _message(paths: tuple[str, ...], references: list[Reference], options: LowerOptions, reason: str) -> str:
    who = f"{paths[0]} needs"
    if len(paths) > 1:
        who = f"{paths[0]} and {len(paths) - 1} more file{'s' if len(paths) > 2 else ''} need"
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
