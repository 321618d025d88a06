"""All orders of some packages, each in a process of its own, with every package alone as the control."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import permutations

from perennial.coload.run.diagnose import Tools, diagnose
from perennial.coload.run.environment import Installed, Wheel, make_environment
from perennial.coload.run.imports import Bench, execute
from perennial.coload.run.interpreter import Interpreter, fits
from perennial.coload.run.model import End, Run, RunReport
from perennial.errors import UsageError, printable
from perennial.lean_typing import Final, NamedTuple

DEFAULT_TIMEOUT: Final = 120.0  # seconds, for one process


class Request(NamedTuple):
    """What is to be run. `wheels` are imported, `beside` only installed; `modules` (what to import of a project)
    and `smoke` (code to run after the imports) go by project name. `in_order` is only the order of `wheels`,
    instead of all ordered pairs.
    """

    wheels: tuple[Wheel, ...]
    beside: tuple[Wheel, ...]
    modules: Mapping[str, tuple[str, ...]]
    smoke: Mapping[str, str]
    in_order: bool
    timeout: float = DEFAULT_TIMEOUT


@contextmanager
def scratch_folder() -> Iterator[str]:
    """A folder that is gone afterwards, whatever happens. Its path has no symbolic links: the loader's has none."""
    folder = os.path.realpath(tempfile.mkdtemp(prefix="perennial-coload-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run_orders(
    request: Request,
    interpreter: Interpreter,
    tools: Tools,
    scratch: str,
    *,
    advance: Callable[[str], None] = lambda _: None,
) -> RunReport:
    """Makes the environment below `scratch` and imports. Raises `UsageError` for what does not fit together."""
    check_request(request, interpreter)
    advance("unpacking")
    environment = make_environment(
        os.path.join(scratch, "environment"), (*request.wheels, *request.beside), request.modules
    )
    bench = Bench(interpreter, environment, request.smoke, scratch, request.timeout)
    packages = environment.packages[: len(request.wheels)]
    return run_packages(bench, packages, tools, in_order=request.in_order, advance=advance)


def run_packages(
    bench: Bench,
    packages: Sequence[Installed],
    tools: Tools,
    *,
    in_order: bool,
    advance: Callable[[str], None] = lambda _: None,
) -> RunReport:
    """Imports packages of the bench's environment. Those of which nothing can be imported are left out, and said."""
    nothing = tuple(
        Run((package.label,), None, skipped="nothing in it looks like a module")
        for package in packages
        if not package.modules
    )
    packages = [package for package in packages if package.modules]
    alone = tuple(_run(bench, (package,), advance) for package in packages)
    failed = {run.order[0]: run for run in alone if run.outcome is None or run.outcome.end is not End.FINE}
    orders = [tuple(packages)] if in_order else list(permutations(packages, 2))
    runs = []
    for order in orders:
        broken = [failed[package.label] for package in order if package.label in failed]
        if broken:
            why = f"{', '.join(run.order[0] for run in broken)} fails alone"
            runs.append(Run(_names(order), None, skipped=why))
            continue
        run = _run(bench, order, advance)
        assert run.outcome is not None  # noqa: S101 - _run has just run it
        if run.outcome.end is not End.FINE:
            told = _prefixed(advance, " then ".join(package.name for package in order))
            run = run._replace(diagnosis=diagnose(bench, order, run.outcome, tools, advance=told))
        runs.append(run)
    return RunReport(bench.interpreter.path, bench.interpreter.text, (*alone, *nothing), tuple(runs))


def _prefixed(advance: Callable[[str], None], label: str) -> Callable[[str], None]:
    return lambda text: advance(f"{label}: {text}")


def check_request(request: Request, interpreter: Interpreter) -> None:
    """Refuses wheels that the interpreter cannot import, and names that belong to none of them."""
    names: set[str] = set()
    for wheel in (*request.wheels, *request.beside):
        if wheel.name in names:
            raise UsageError(f"{wheel.name} is given twice: one environment has one of each project")
        names.add(wheel.name)
        if not fits(wheel.file, interpreter):
            raise UsageError(
                f"{printable(wheel.file.text)} is not for CPython {interpreter.text} on {interpreter.machine}: "
                "name another interpreter with --python"
            )
    check_names({wheel.name for wheel in request.wheels}, request.modules, request.smoke)


def check_names(imported: Collection[str], modules: Mapping[str, object], smoke: Mapping[str, object]) -> None:
    """Refuses options for projects that are not imported."""
    for option, given in (("--smoke", smoke), ("--import", modules)):
        for name in sorted(given.keys() - set(imported)):
            raise UsageError(f"{option} {printable(name)}: nothing of that project is imported")


def _run(bench: Bench, order: Sequence[Installed], advance: Callable[[str], None]) -> Run:
    advance(" then ".join(package.name for package in order))
    return Run(_names(order), execute(bench, order).outcome)


def _names(order: Sequence[Installed]) -> tuple[str, ...]:
    return tuple(package.label for package in order)
