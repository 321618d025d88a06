"""perennial: what a Linux wheel honestly is, why, and where it runs (PEP 600, PEP 656).

The public interface is what this module exports. Everything in it is a value, or a function
from values to values; `audit_wheel` and `read_wheel` read the path that they are given, and
nothing else of the machine. `repair_wheel`, `lower_wheel` and `retag_wheel` write, where they are told to;
`this_system` and `places_here` are what to call for those who want this machine to count.
"""

from __future__ import annotations

__version__ = "0.1.0.dev0"

TYPE_CHECKING = False  # as type checkers know it: importing perennial imports nothing

if TYPE_CHECKING:
    from perennial.api import (
        ArchiveError,
        ArchiveLimits,
        AuditReport,
        Axis,
        Detail,
        DistributionRelease,
        ElfFile,
        ElfFormatError,
        FetchError,
        Finding,
        Installer,
        Knowledge,
        Libc,
        Override,
        PerennialError,
        PlatformTag,
        Policy,
        Python,
        Reading,
        Refusal,
        Severity,
        Target,
        UnreadableError,
        UsageError,
        Wheel,
        WheelFilenameError,
        accepted_tags,
        audit,
        audit_wheel,
        best,
        compatible,
        derive_policy,
        first_refusal,
        inspect_interpreter,
        inspect_root,
        load_knowledge,
        parse_target,
        platform_tags,
        read_elf,
        read_wheel,
        this_system,
    )
    from perennial.lean_typing import Any
    from perennial.rewriting import (
        CxxRoute,
        Deflater,
        Host,
        LegacyAliases,
        LoweringRecord,
        LowerOptions,
        Moment,
        Objection,
        Patcher,
        Places,
        Problem,
        RepairOptions,
        RepairOutcome,
        RepairPlan,
        Retagged,
        RetagOutcome,
        RetagPlan,
        RetagRequest,
        RetagSettings,
        StripLevel,
        WriteOptions,
        lower_wheel,
        places_here,
        repair_wheel,
        retag_wheel,
    )

__all__ = [
    "ArchiveError",
    "ArchiveLimits",
    "AuditReport",
    "Axis",
    "CxxRoute",
    "Deflater",
    "Detail",
    "DistributionRelease",
    "ElfFile",
    "ElfFormatError",
    "FetchError",
    "Finding",
    "Host",
    "Installer",
    "Knowledge",
    "LegacyAliases",
    "Libc",
    "LowerOptions",
    "LoweringRecord",
    "Moment",
    "Objection",
    "Override",
    "Patcher",
    "PerennialError",
    "Places",
    "PlatformTag",
    "Policy",
    "Problem",
    "Python",
    "Reading",
    "Refusal",
    "RepairOptions",
    "RepairOutcome",
    "RepairPlan",
    "RetagOutcome",
    "RetagPlan",
    "RetagRequest",
    "RetagSettings",
    "Retagged",
    "Severity",
    "StripLevel",
    "Target",
    "UnreadableError",
    "UsageError",
    "Wheel",
    "WheelFilenameError",
    "WriteOptions",
    "__version__",
    "accepted_tags",
    "audit",
    "audit_wheel",
    "best",
    "compatible",
    "derive_policy",
    "first_refusal",
    "inspect_interpreter",
    "inspect_root",
    "load_knowledge",
    "lower_wheel",
    "parse_target",
    "places_here",
    "platform_tags",
    "read_elf",
    "read_wheel",
    "repair_wheel",
    "retag_wheel",
    "this_system",
]

_OF_TAGS = frozenset(
    (
        *("Axis", "Detail", "Installer", "Override", "Python", "Refusal", "Target"),
        *("accepted_tags", "best", "compatible", "first_refusal", "platform_tags"),
        *("inspect_interpreter", "inspect_root", "parse_target", "this_system"),
    )
)

_OF_REWRITING = frozenset(
    (
        *("lower_wheel", "places_here", "repair_wheel", "retag_wheel"),
        *("CxxRoute", "LowerOptions", "LoweringRecord", "Patcher", "Problem", "RepairOptions", "RepairOutcome"),
        *("RepairPlan", "StripLevel", "Host", "Places", "Deflater", "Moment", "WriteOptions"),
        *("LegacyAliases", "Objection", "RetagOutcome", "RetagPlan", "RetagRequest", "RetagSettings", "Retagged"),
    )
)


def __getattr__(name: str) -> Any:
    """Imports the interface when it is first used: `import perennial` itself costs nothing."""
    if name in __all__:
        from importlib import import_module

        # An installer that asks for tags does not load what audits wheels, nor who audits them what edits them.
        home = "tags" if name in _OF_TAGS else "rewriting" if name in _OF_REWRITING else "api"
        module = import_module(f"perennial.{home}")
        # Importing has bound the package of that name, which would be found here before the function is asked for.
        globals().pop("audit", None)
        value = globals()[name] = getattr(module, name)
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
