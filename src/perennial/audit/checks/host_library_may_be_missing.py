"""Libraries that tags allow and that a fresh installation need not have."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.audit.content import platform_libraries
from perennial.audit.context import Judgement
from perennial.finding import Finding, Rule, Severity
from perennial.knowledge.snapshot import ESSENTIAL, PYTHON
from perennial.lean_typing import Final
from perennial.platform_tag import Libc

RULE = Rule(
    "host-library-may-be-missing",
    "Relies on a library that not every installation has",
    "PEP 600 says that a wheel works on a default install; servers and containers have less, and importing "
    "it there fails with 'cannot open shared object file'.",
)

# What has to be there for Python to run, or for the package manager that installs it.
_GUARANTEED: Final = frozenset({ESSENTIAL, PYTHON})
# In every installation of every release: not worth a look at what was learned.
_CORE: Final = frozenset({"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libutil.so.1"}) | {
    "libresolv.so.2", "libgcc_s.so.1", "libstdc++.so.6", "libz.so.1", "libmvec.so.1", "libanl.so.1"
}  # fmt: skip
# A copy of these in a wheel does not fit the driver, or the libc, that the system has.
_NEVER_GRAFTED: Final = ("libGL.", "libnsl.", "libX11.")


def check_claims(judgement: Judgement) -> Iterator[Finding]:
    content = judgement.content
    if content.policies is None or content.policies.libc is not Libc.GLIBC:
        return
    tag = judgement.strictest or judgement.lowest
    for soname, members in platform_libraries(content.resolutions).items():
        if soname in _CORE or soname.startswith("ld"):
            continue
        lacking = list(_lacking(judgement, soname, tag.version or content.policies.lowest))
        if not lacking:
            continue
        for member in sorted(members):
            yield Finding(
                RULE.id,
                Severity.WARNING,
                member,
                f"{member} needs {soname}, which is not part of every installation of {_releases(lacking)}",
                requires=soname,
                remedy=_remedy(soname, lacking),
                witnesses=tuple(name for name, _, _ in lacking),
            )


def _lacking(judgement: Judgement, soname: str, lowest: tuple[int, int]) -> Iterator[tuple[str, str, str]]:
    """(name, tier, package) of the releases that a tag promises, as far as they are known to lack a library."""
    content = judgement.content
    for release in content.policies.releases if content.policies is not None else ():
        if release.libc_version >= lowest:
            known = content.knowledge.host_library(release, content.arch_name, soname)
            if known is not None and known[0] not in _GUARANTEED:
                yield (release.name, *known)


def _releases(lacking: list[tuple[str, str, str]]) -> str:
    names = [name for name, _, _ in lacking]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _remedy(soname: str, lacking: list[tuple[str, str, str]]) -> str:
    packages = list(dict.fromkeys(package for _, _, package in lacking if package))
    install = f"Tell users to install {' or '.join(packages)}" if packages else "Do without it"
    if soname.startswith(_NEVER_GRAFTED):
        return f"{install}; it has to be the system's own, and cannot be grafted."
    return f"{install}, or graft {soname} into the wheel."
