"""The Python and ABI parts: which pairs of them a Python accepts, the best first.

PEP 425 leaves the order to installers; all follow packaging's, but pdm, which does without some
and calls others equally good. The stable ABI is abi3 (PEP 384) and, without the GIL, abi3t (PEP 803).
"""

from __future__ import annotations

from collections.abc import Iterator

from perennial.errors import UsageError
from perennial.lean_typing import NamedTuple
from perennial.tags.installers import Installer, rules_of
from perennial.tags.target import Python

Pair = tuple[str, str]  # Python tag and ABI tag
_FIRST_STABLE = (3, 2)  # PEP 384


class Pairs(NamedTuple):
    """What goes with each of the target's platforms, and what with `any`.

    `native` is a tuple of groups: pairs of one group are equally good, and their platforms decide.
    Where `any_with_native` is set, `any` is the last of the platforms and `pure` is empty.
    """

    native: tuple[tuple[Pair, ...], ...]
    pure: tuple[Pair, ...]
    any_with_native: bool = False


def python_pairs(python: Python, installer: Installer | None = None) -> Pairs:
    """The pairs that a Python accepts, as an installer orders them; UsageError where it refuses such a Python."""
    if installer is Installer.PDM:
        return _pdm(python)
    generic = [(tag, "none") for tag in generic_pythons(python.version)]
    if python.implementation == "cp":
        native = [*cpython_pairs(python, installer), *generic]
        pure = [(python.interpreter, "none"), *generic]
    else:
        if installer is Installer.POETRY:
            raise UsageError(f"poetry lists for {python.name} what it finds in the Python that runs it: not known here")
        native = [(python.interpreter, abi) for abi in python.abis]
        # packaging ends these with pp311-none-<platform>, which uv leaves out.
        native += [] if installer is Installer.UV else [(python.interpreter, "none")]
        native += generic
        pure = [*_own_pure(python, installer), *generic]
    return Pairs(tuple((pair,) for pair in native), tuple(pure))


def cpython_pairs(python: Python, installer: Installer | None = None) -> Iterator[Pair]:
    """A CPython's own pairs: its ABIs, the stable one, none, and the stable one of older versions."""
    own = python.abis
    if installer is Installer.POETRY:
        own = own[-1:]  # it asks for the GIL and not for debug builds
    yield from ((python.interpreter, abi) for abi in own)
    stable = stable_abi(python)
    if stable is not None:
        yield (python.interpreter, stable)
    yield (python.interpreter, "none")
    if stable is not None:
        major, minor = python.version
        yield from ((f"cp{major}{each}", stable) for each in range(minor - 1, _FIRST_STABLE[1] - 1, -1))


def stable_abi(python: Python) -> str | None:
    """The stable ABI that a CPython has."""
    if python.implementation != "cp" or python.version < _FIRST_STABLE:
        return None
    return "abi3t" if python.free_threaded else "abi3"


def _own_pure(python: Python, installer: Installer | None) -> list[Pair]:
    """What packaging, pip and uv put before py3-none-any where it is not CPython's."""
    if installer is Installer.PIP:
        return [(python.interpreter, "none")]
    return [("pp3", "none")] if python.implementation == "pp" and installer is not Installer.UV else []


def generic_pythons(version: tuple[int, int]) -> Iterator[str]:
    """py312, then py3, which any minor version takes, then py311 down to py30."""
    major, minor = version
    yield f"py{major}{minor}"
    yield f"py{major}"
    yield from (f"py{major}{each}" for each in range(minor - 1, -1, -1))


def _pdm(python: Python) -> Pairs:
    """dep-logic's order: the version in the Python tag first, then own ABI, abi3, none; and then the platform.

    A tag such as py310 means Python 3.10 alone to it.
    """
    if python.implementation not in ("cp", "pp", "pyston"):
        raise UsageError(f"pdm knows no {python.name}: it fails there")
    rules = rules_of(Installer.PDM)
    major, minor = python.version
    own = tuple((python.interpreter, abi) for abi in python.abis if abi.endswith("t") is python.free_threaded)
    groups = [own]
    stable = stable_abi(python)
    has_stable = stable is not None and (stable == "abi3" or rules.abi3t)
    if has_stable:
        groups.append(((python.interpreter, "abi3"),))
    groups.append(((python.interpreter, "none"), (f"py{major}{minor}", "none")))
    if has_stable:
        groups += [((f"cp{major}{each}", "abi3"),) for each in range(minor - 1, -1, -1)]
    groups.append(((f"{python.implementation}{major}", "none"), (f"py{major}", "none")))
    return Pairs(tuple(group for group in groups if group), (), any_with_native=True)
