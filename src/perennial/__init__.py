"""perennial: what a Linux wheel honestly is, why, and where it runs (PEP 600, PEP 656).

The public interface is what this module exports. Everything in it is a value, or a function
from values to values; `audit_wheel` and `read_wheel` read the path that they are given, and
nothing else of the machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0.dev0"

if TYPE_CHECKING:
    from perennial.api import (
        ArchiveError,
        ArchiveLimits,
        AuditReport,
        DistributionRelease,
        ElfFile,
        ElfFormatError,
        FetchError,
        Finding,
        Knowledge,
        Libc,
        PerennialError,
        PlatformTag,
        Policy,
        Severity,
        UnreadableError,
        UsageError,
        Wheel,
        WheelFilenameError,
        audit,
        audit_wheel,
        derive_policy,
        load_knowledge,
        read_elf,
        read_wheel,
    )

__all__ = [
    "ArchiveError",
    "ArchiveLimits",
    "AuditReport",
    "DistributionRelease",
    "ElfFile",
    "ElfFormatError",
    "FetchError",
    "Finding",
    "Knowledge",
    "Libc",
    "PerennialError",
    "PlatformTag",
    "Policy",
    "Severity",
    "UnreadableError",
    "UsageError",
    "Wheel",
    "WheelFilenameError",
    "__version__",
    "audit",
    "audit_wheel",
    "derive_policy",
    "load_knowledge",
    "read_elf",
    "read_wheel",
]


def __getattr__(name: str) -> Any:
    """Imports the interface when it is first used: `import perennial` itself costs nothing."""
    if name in __all__:
        from perennial import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
