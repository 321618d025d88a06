"""Version needs of libraries that the loader does not load."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.audit.context import Content
from perennial.audit.resolve import Bundled, Missing
from perennial.finding import Finding, Rule, Severity
from perennial.platform_tag import Libc

RULE = Rule(
    "stale-version-need",
    "Needs versions of a library that it does not load",
    "ld.so looks for the library among those that are loaded, finds none, and ends the process ('Assertion "
    "`needed != NULL' failed').",
)


def check(content: Content) -> Iterator[Finding]:
    for member, elf in content.files:
        if content.libc_by_member.get(member.path) is Libc.MUSL:
            continue  # musl's loader does not read version needs
        stale = [need for need in elf.verneeds if need.file not in elf.needed and need.file not in content.platform]
        if not stale:
            continue
        loaded = _loaded_with(member.path, content)
        for need in stale:
            if loaded is not None and need.file not in loaded:
                yield Finding(
                    RULE.id,
                    Severity.ERROR,
                    member.path,
                    f"{member.path} needs {need.versions[0].name} from {need.file}, which nothing loads: it is not "
                    "among the libraries that the file or its dependencies need",
                    requires=need.file,
                    remedy=f"Need {need.file} again, or remove its versions too; patchelf --remove-needed leaves them.",
                    defeats_tags=True,
                )


def _loaded_with(path: str, content: Content) -> set[str] | None:
    """The sonames that are loaded with a file; None where one of them is from outside the wheel and
    not known, and may bring others.
    """
    loaded: set[str] = set()
    waiting, seen = [path], {path}
    while waiting:
        for soname, resolution in content.resolutions.of(waiting.pop()).items():
            loaded.add(soname)
            if isinstance(resolution, Missing):
                return None
            if isinstance(resolution, Bundled) and resolution.path not in seen:
                seen.add(resolution.path)
                waiting.append(resolution.path)
    return loaded
