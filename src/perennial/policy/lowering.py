"""What a reference is bound to, so that systems of an older tag can meet it; or why it cannot be.

The tables of treatments say what is equivalent, glibc's history which version that is on this architecture,
and the policy whether the tag's systems are sure to have it. All three have to agree.
"""

from __future__ import annotations

from perennial.knowledge.glibc_history import FIRST_NODES, GlibcHistory, load_glibc_history
from perennial.knowledge.treatments import Treatment, TreatmentKind, Treatments, load_treatments
from perennial.lean_typing import Final, NamedTuple
from perennial.policy.derive import Policies, Version

# Treatments are written for this release and later ones: it is what the shim is built for.
LOWEST: Final = (2, 17)
RULED_OUT: Final = "which --cxx rules out"
ALL_SHIMS: Final = frozenset({"c", "cxx"})


class Reference(NamedTuple):
    """An undefined symbol of a file, and the library and version that it needs."""

    library: str
    symbol: str
    version: str
    weak: bool

    def __str__(self) -> str:
        return f"{self.symbol}@{self.version}"


class Binding(NamedTuple):
    """What a reference is bound to instead. `library` and `version` are None where it needs no version."""

    reference: Reference
    treatment: Treatment
    symbol: str
    library: str | None
    version: str | None


class Refusal(NamedTuple):
    """Why a reference cannot be met by the systems of a tag: a clause."""

    reference: Reference
    reason: str


class Lowering:
    """Decides for one architecture's glibc.

    `shims` are the kinds of shim that may come into the wheel; `traps` says whether functions that only end the
    process will do.
    """

    def __init__(self, policies: Policies, *, shims: frozenset[str] = ALL_SHIMS, traps: bool = False) -> None:
        self._policies: Final = policies
        self._shims: Final = shims
        self._traps: Final = traps
        self._found: Final[dict[tuple[Reference, Version], Binding | Refusal | None]] = {}

    @property
    def arch(self) -> str:
        """The architecture, as platform tags name it."""
        return self._policies.arch.value

    @property
    def _treatments(self) -> Treatments:
        return load_treatments(self.arch)

    @property
    def _history(self) -> GlibcHistory:
        return load_glibc_history(self.arch)

    @property
    def lowest(self) -> Version:
        """The lowest tag that anything can be lowered to."""
        return max(LOWEST, self._policies.lowest)

    def is_provided(self, reference: Reference, version: Version) -> bool:
        """Whether the systems of the tag X.Y are sure to have symbol@version; for the symbol "", the version.

        The node of the version decides; of glibc's libraries it is also known which symbols they have.
        """
        since = self._policies.node(reference.library, reference.version).since
        if since is None or since > version:
            return False
        if not self._history.knows(reference.library) or not reference.symbol:
            return True
        # The library itself mostly has it: then no other's table is read.
        named = (reference.symbol, reference.version, version)
        return self._history.is_exported(reference.library, *named) or self._history.is_provided(*named)

    def choose(self, reference: Reference, version: Version) -> Binding | Refusal | None:
        """What to do about a reference on the systems of the tag X.Y; None where they meet it as it is."""
        key = (reference, version)
        if key not in self._found:
            self._found[key] = None if self.is_provided(reference, version) else self._treat(reference, version)
        return self._found[key]

    def first(self, reference: Reference) -> Version | None:
        """The lowest X.Y whose systems meet a reference as it is or treated; None where no treatment helps."""
        for version in self._policies.versions:
            if version >= self.lowest and not isinstance(self.choose(reference, version), Refusal):
                return version
        return None

    def _treat(self, reference: Reference, version: Version) -> Binding | Refusal:
        candidates = self._treatments.find(reference.library, reference.symbol, reference.version)
        reasons = []
        for treatment in candidates:
            found = self._try(treatment, reference, version)
            if isinstance(found, Binding):
                return found
            reasons.append(found)
        told = [reason for reason in reasons if reason]
        if told:
            return Refusal(reference, told[-1])
        if self._history.knows(reference.library) and self._older(reference.library, reference.symbol, version):
            return Refusal(reference, "an older version exists, and means something else or was never compared")
        return Refusal(reference, "nothing that may take its place is known")

    def _try(self, treatment: Treatment, reference: Reference, version: Version) -> Binding | str:
        """The binding, or why this treatment does not help ("" where that goes without saying)."""
        if version < treatment.since:
            return f"its substitute needs glibc {treatment.since[0]}.{treatment.since[1]}"
        if treatment.needs_version is not None and not self._has_node(reference, treatment.needs_version, version):
            return f"its substitute needs {treatment.needs_version} of {reference.library}"
        symbol = treatment.to_symbol or reference.symbol
        match treatment.kind:
            case TreatmentKind.WEAK:
                if not reference.weak or not self._finds_the_newest(reference.symbol):
                    return ""
                return Binding(reference, treatment, symbol, None, None)
            case TreatmentKind.TRAP if not self._traps:
                return "all that can be put in its place is a function that ends the process (--allow-trap)"
            case TreatmentKind.SHIM | TreatmentKind.TRAP if treatment.shim not in self._shims:
                return f"its substitute is a function of our own over {reference.library}, {RULED_OUT}"
            case TreatmentKind.SHIM | TreatmentKind.TRAP:
                return Binding(reference, treatment, f"perennial_{reference.symbol}", None, None)
            case _:
                return self._older_binding(treatment, reference, symbol, version)

    def _older_binding(
        self, treatment: Treatment, reference: Reference, symbol: str, version: Version
    ) -> Binding | str:
        library = treatment.to_library or reference.library
        to_version = treatment.to_version or self._older(library, symbol, version)
        if to_version is None:
            return ""
        if not self.is_provided(Reference(library, symbol, to_version, weak=False), version):
            return f"{symbol}@{to_version} of {library}, which would do, is newer than the tag too"
        return Binding(reference, treatment, symbol, library, to_version)

    def _older(self, library: str, symbol: str, version: Version) -> str | None:
        """The version that a program was bound to that was linked with this glibc."""
        there = [export.version for export in self._history.exports(library, symbol) if export.at(version)]
        return there[-1] if there else None

    def _has_node(self, reference: Reference, node: str, version: Version) -> bool:
        since = self._policies.node(reference.library, node).since
        return since is not None and since <= version

    def _finds_the_newest(self, symbol: str) -> bool:
        """Whether a reference without version finds the symbol's newest version on every glibc that has it.

        glibc's loader takes for it a definition at the library's first node, if there is one, or else the only one
        that is not hidden, which is the default version (elf/dl-lookup.c, `check_match`).
        """
        first = f"GLIBC_{FIRST_NODES[self.arch]}"
        versions = [e.version for library in self._history.libraries for e in self._history.exports(library, symbol)]
        return bool(versions) and first not in versions
