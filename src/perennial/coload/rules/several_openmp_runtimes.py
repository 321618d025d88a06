"""More than one OpenMP runtime in a process, each with a pool of threads of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator

from perennial.coload.conflict import BindingLink, Conflict, name_of
from perennial.coload.imports import Pair
from perennial.coload.loader import LoadedObject, Process
from perennial.finding import Rule, Severity
from perennial.lean_typing import Final

RULE: Final = Rule(
    "several-openmp-runtimes",
    "Two packages run with different OpenMP runtimes",
    "Each starts as many threads as there are processors; with two copies of LLVM's or Intel's runtime the process "
    "may abort, and forked processes may wait for ever.",
)

# libgomp is GCC's; libomp and libiomp5 are LLVM's and Intel's, which are of one origin, find each other
# through the environment (`__KMP_REGISTERED_LIB_<pid>`) and abort: "OMP: Error #15".
_RUNTIME: Final = re.compile(r"^lib(gomp|omp|iomp5)(?:[-.][^/]*)?\.so(?:[.\d]*)$")


def find(pair: Pair) -> Iterator[Conflict]:
    theirs = _runtimes(pair.first.process)
    known = {loaded.library.path for _, loaded in theirs}
    ours = [(kind, loaded) for kind, loaded in _runtimes(pair.process) if loaded.library.path not in known]
    if not theirs or not ours:
        return
    both_kmp = any(kind != "gomp" for kind, _ in theirs) and any(kind != "gomp" for kind, _ in ours)
    first, second = pair.first.package.name, pair.second.package.name
    has, brings = name_of(theirs[0][1]), name_of(ours[0][1])
    risk = (
        "both are of LLVM's kind, which aborts when it finds another of its kind initialized (OMP: Error #15)"
        if both_kmp
        else "each has its own threads, more together than there are processors"
    )
    yield Conflict(
        rule=RULE.id,
        severity=Severity.WARNING if both_kmp else Severity.INFO,
        order=(first, second),
        symbol=None,
        bindings=(BindingLink(second, "OpenMP runtime", None, brings, has, "it is bundled under a name of its own"),),
        message=f"{first} runs with {has} and {second} with {brings}: {risk}",
        remedy=(
            "limit the threads of one of them (threadpoolctl, OMP_NUM_THREADS); do not fork after parallel regions; "
            "where packages are built together, let them use one runtime"
        ),
    )


def _runtimes(process: Process) -> list[tuple[str, LoadedObject]]:
    found = []
    for loaded in process.objects:
        match = _RUNTIME.match(loaded.library.path.rpartition("/")[2])
        if match is not None:
            found.append((match[1], loaded))
    return sorted(found, key=lambda each: each[1].library.path)
