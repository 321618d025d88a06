"""The tags of a target as JSON (`perennial.tags/1`)."""

from __future__ import annotations

from perennial.lean_typing import Any
from perennial.tags.compute import TagList
from perennial.tags.installers import Installer, rules_of
from perennial.tags.target import Override, Target


def tags_json(target: Target, installer: Installer | None, found: TagList, *, platforms_only: bool) -> dict[str, Any]:
    document: dict[str, Any] = {"schema": "perennial.tags/1", "target": target_json(target)}
    if installer is not None:
        document["as"] = {"installer": installer.value, "version": rules_of(installer).measured}
    if platforms_only:
        document["platforms"] = list(found.platforms)
    else:
        document["tags"] = list(found.tags())
    return document


def target_json(target: Target) -> dict[str, Any]:
    """The target, as other documents hold it too."""
    python = target.python
    version = [*python.version] if python.micro is None else [*python.version, python.micro]
    libc = None
    if target.libc is not None and target.libc_version is not None:
        libc = {"name": target.libc.value, "version": "{}.{}".format(*target.libc_version)}
    return {
        "name": target.name,
        "libc": libc,
        "architecture": target.arch,
        "loads_tagged": target.loads_tagged,
        "reported_architecture": target.reported_arch,
        "python": {
            "implementation": python.name,
            "tag": python.interpreter,
            "version": ".".join(map(str, version)),
            "abis": list(python.abis),
            "free_threaded": python.free_threaded,
            "debug": python.debug,
        },
        "override": None if target.override is None else _override(target.override),
        "details": [detail._asdict() for detail in target.details],
    }


def _override(override: Override) -> dict[str, Any]:
    return {
        "source": override.source,
        "function": override.compatible is not None,
        "legacy": dict(sorted(override.legacy.items())),
    }
