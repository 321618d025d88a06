"""What published policies have promised, family by family.

A release of perennial publishes a policy for each tag that is settled. Who builds by it relies on
it, so that a release of a distribution that is learned later, with an older compiler than its
glibc, must not take it back without a word: what was published holds, and the newcomer is named
as the one that lacks it. Taking something back all the same is a decision, and stands with its
reason in withdrawn.tsv; so does the decision to keep it.

A promise is a height: all numbered nodes of a family up to its top, and none that only somebody's
patch has. In all cells but four that is just what the policies say (data/SOURCES.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from perennial.knowledge.nodes import Node, Numbers
from perennial.knowledge.tables import NONE, numbers, pair, read_table
from perennial.lean_typing import NamedTuple

Version = tuple[int, int]

COLUMNS = ("published", "libc", "architecture", "family", "sonames", "tops")
DECISION_COLUMNS = ("architecture", "family", "from", "to", "decision", "top", "reason")
WITHDRAWN = "withdrawn"
KEPT = "kept"


class Promise(NamedTuple):
    """That every tag from `version` on has a family up to `top`; `published` is the perennial that said so."""

    version: Version
    top: Numbers
    published: str


class Decision(NamedTuple):
    """What became of a family's promise for the tags `first` to `last`, where a release does not keep it."""

    family: str
    first: Version
    last: Version
    kind: str  # WITHDRAWN or KEPT
    top: Numbers | None  # what is left of it; None for nothing
    reason: str

    def covers(self, family: str, version: Version) -> bool:
        return family == self.family and self.first <= version <= self.last


class Published:
    """The promises of one C library on one architecture: by family, by rising version."""

    def __init__(self, promises: Mapping[str, Iterable[Promise]], decisions: Iterable[Decision] = ()) -> None:
        self.promises = {family: tuple(each) for family, each in promises.items()}
        self.decisions = tuple(decisions)

    def promise(self, family: str, version: Version) -> Promise | None:
        """What a tag promises of a family; None for nothing."""
        found = None
        for promise in self.promises.get(family, ()):
            if promise.version <= version:
                found = promise
        if found is not None:
            for decision in self.decisions:
                if decision.kind == WITHDRAWN and decision.covers(family, version):
                    if decision.top is None:
                        return None
                    found = found._replace(top=min(found.top, decision.top))
        return found

    def has(self, node: Node, version: Version) -> Promise | None:
        """The promise by which a tag has a node; None where there is none."""
        if node.only is not None:
            return None
        promise = self.promise(node.family, version)
        return promise if promise is not None and node.since <= promise.top else None


def load_published(libc: str, arch: str) -> Published:
    """What is promised of a C library on an architecture."""
    promises: dict[str, list[Promise]] = {}
    for published, of_libc, of_arch, family, _, tops in read_table("published.tsv", COLUMNS):
        if (of_libc, of_arch) == (libc, arch) and family != NONE:
            for step in tops.split(" "):
                version, _, top = step.partition("=")
                promises.setdefault(family, []).append(Promise(pair(version), numbers(top), published))
    for steps in promises.values():
        steps.sort()
    decisions = [
        Decision(family, pair(first), pair(last), kind, None if top == NONE else numbers(top), reason)
        for of_arch, family, first, last, kind, top, reason in read_table("withdrawn.tsv", DECISION_COLUMNS)
        if libc == "glibc" and of_arch in (arch, "*")
    ]
    return Published(promises, decisions)
