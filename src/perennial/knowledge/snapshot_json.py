"""A snapshot as a JSON document: how one person's learned release is kept, and handed to another.

Exports stand grouped by version node, which makes the document a tenth smaller than pairs do
and readable; "" is the group of the unversioned ones. What is read here was written by
anybody: every field is checked before it becomes a value.
"""

from __future__ import annotations

import json
import re

from perennial.arch import Architecture
from perennial.errors import KnowledgeError
from perennial.knowledge.snapshot import KINDS, TIERS, ProvidedLibrary, Snapshot, canonical
from perennial.lean_typing import Any, Final

SCHEMA: Final = "perennial.snapshot/1"

_RELEASE: Final = re.compile(r"[a-z0-9][a-z0-9+._-]*:[A-Za-z0-9+._-]+")
_DATE: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")


def snapshot_to_json(snapshot: Snapshot) -> str:
    """The document, the same for equal snapshots."""
    snapshot = canonical(snapshot)
    libraries = []
    for library in snapshot.libraries:
        groups: dict[str, list[str]] = {}
        for symbol, version in library.exports:
            groups.setdefault(version or "", []).append(symbol)
        libraries.append({**library._asdict(), "exports": dict(sorted(groups.items()))})
    document = {"schema": SCHEMA, **snapshot._asdict(), "libraries": libraries}
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def snapshot_from_json(text: str, source: str) -> Snapshot:
    """The snapshot in a document; `source` names it in messages."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise KnowledgeError(f"{source} is not JSON: {error}") from None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise KnowledgeError(f"{source} is no snapshot: its schema is not {SCHEMA}")
    return _Document(source).snapshot(document)


def check_release(release: str) -> str | None:
    """What is wrong with the name of a release; None where nothing is."""
    if _RELEASE.fullmatch(release):
        return None
    return f"{release!r} is not the name of a release: write distribution:version, such as debian:13"


def check_date(date: str) -> str | None:
    """What is wrong with a date; None where nothing is."""
    return None if _DATE.fullmatch(date) else f"{date!r} is not a date: write YYYY-MM-DD"


class _Document:
    """Turns parsed JSON into values, or says which field is not what it should be."""

    def __init__(self, source: str) -> None:
        self._source = source

    def snapshot(self, document: dict[str, Any]) -> Snapshot:
        release = self._text(document, "release")
        date = self._text(document, "date")
        for problem in (check_release(release), check_date(date)):
            if problem is not None:
                raise KnowledgeError(f"{self._source}: {problem}")
        architecture = self._text(document, "architecture")
        if architecture not in set(Architecture):
            raise KnowledgeError(f"{self._source}: no tag names the architecture {architecture!r}")
        kind = self._text(document, "kind")
        if kind not in KINDS:
            raise KnowledgeError(f"{self._source}: kind must be one of {', '.join(KINDS)}")
        packages = document.get("packages")
        if not isinstance(packages, dict) or not all(isinstance(value, str) for value in packages.values()):
            raise self._wrong("packages", "an object of texts")
        libraries = document.get("libraries")
        if not isinstance(libraries, list):
            raise self._wrong("libraries", "an array")
        found = tuple(self._library(item) for item in libraries)
        if len({library.soname for library in found}) != len(found):
            raise KnowledgeError(f"{self._source}: a library stands there twice")
        return canonical(Snapshot(release, architecture, date, kind, packages, found))

    def _library(self, item: object) -> ProvidedLibrary:
        if not isinstance(item, dict):
            raise self._wrong("libraries", "an array of objects")
        tier, build_id, exports = item.get("tier"), item.get("build_id"), item.get("exports")
        if tier is not None and tier not in TIERS:
            raise self._wrong("tier", f"null or one of {', '.join(TIERS)}")
        if build_id is not None and not isinstance(build_id, str):
            raise self._wrong("build_id", "null or a text")
        if not isinstance(exports, dict):
            raise self._wrong("exports", "an object of arrays")
        return ProvidedLibrary(
            self._text(item, "soname"),
            self._text(item, "package"),
            tier,
            build_id,
            tuple(self._names(item.get("nodes"), "nodes")),
            tuple(
                (symbol, version or None)
                for version, symbols in exports.items()
                for symbol in self._names(symbols, "exports")
            ),
            tuple(self._names(item.get("versioned_only", []), "versioned_only")),
        )

    def _names(self, value: object, field: str) -> list[str]:
        if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
            raise self._wrong(field, "names")
        return value

    def _text(self, item: dict[str, Any], field: str) -> str:
        value = item.get(field)
        if not isinstance(value, str):
            raise self._wrong(field, "a text")
        return value

    def _wrong(self, field: str, wanted: str) -> KnowledgeError:
        return KnowledgeError(f"{self._source}: {field} must be {wanted}")
