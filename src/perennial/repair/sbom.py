"""The bill of materials of a repaired wheel: what was copied into it, and where it is from.

PEP 770 has such documents in `.dist-info/sboms/`, any number of them, each left alone by the tools that wrote others.
This one is CycloneDX 1.6 (ECMA-424, first edition) in JSON. It has the wheel, each grafted library as a component of
its own, and who needs whom among them:

- `purl` is the package's that the library was in, if a package manager says so: scanners look vulnerabilities up by it.
- `hashes` are the file's as it lies in the wheel, so that whoever has the wheel can check them.
- `pedigree.ancestors` has the file as it was found: editing its names and paths has given it another hash.

The same wheel gives the same bytes: there is no time in it, no path of the machine, and the serial number follows from
the content. What perennial did not see, such as libraries that are linked statically, it does not know of either.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping

from perennial.lean_typing import Any, Final, NamedTuple
from perennial.system.package import Package, quoted
from perennial.wheel.filename import WheelFilename

_NAMESPACE_URL: Final = bytes.fromhex("6ba7b8119dad11d180b400c04fd430c8")  # RFC 9562, 6.6
_CHANGED: Final = "Copied into the wheel; names and search paths in its dynamic section were changed."
_LOWERED: Final = (
    " It was lowered for older systems: perennial:lowering-record of the wheel names the member that says how."
)
_SCHEMA: Final = "http://cyclonedx.org/schema/bom-1.6.schema.json"


class GraftRecord(NamedTuple):
    """What is known of one grafted library; digests are SHA-256 in hexadecimal."""

    path: str  # the member of the wheel
    soname: str  # before it was renamed
    found_name: str  # of the file that it was copied from, without folders
    found_digest: str
    written_digest: str
    needs: tuple[str, ...]  # members that are grafts too
    package: Package | None = None
    licence_paths: tuple[str, ...] = ()  # members with the texts of its licence
    lowered: bool = False  # the record of the lowering says more


def sbom_path(dist_info: str, members: Collection[str]) -> str:
    """Where the document goes: a name that no member has, since others' documents and earlier ones stay."""
    number = 1
    while True:
        name = "perennial.cdx.json" if number == 1 else f"perennial-{number}.cdx.json"
        if (path := f"{dist_info}/sboms/{name}") not in members:
            return path
        number += 1


def make_sbom(
    wheel: WheelFilename,
    grafts: Iterable[GraftRecord],
    *,
    needed_by_wheel: Collection[str],
    version: str,
    properties: Mapping[str, str] | None = None,
) -> bytes:
    """The document for a wheel, by the name that it is written under.

    `needed_by_wheel` are the paths of those grafts that the wheel's own files need, or are said to open by name;
    `version` is perennial's; `properties` are said of the wheel itself.
    """
    records = sorted(grafts, key=lambda graft: graft.path)
    name = wheel.distribution.lower().replace("_", "-")
    purl = f"pkg:pypi/{quoted(name)}@{quoted(wheel.version)}?file_name={quoted(wheel.text)}"
    document: dict[str, Any] = {
        "$schema": _SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "lifecycles": [{"phase": "post-build"}],
            "tools": {"components": [{"type": "application", "name": "perennial", "version": version}]},
            "component": {
                "type": "library",
                "bom-ref": purl,
                "name": name,
                "version": wheel.version,
                "purl": purl,
                **({"properties": _properties(properties.items())} if properties else {}),
            },
        },
        "components": [_component(graft) for graft in records],
        "dependencies": [
            {"ref": purl, "dependsOn": sorted(needed_by_wheel)},
            *({"ref": graft.path, "dependsOn": sorted(set(graft.needs))} for graft in records),
        ],
    }
    document["serialNumber"] = f"urn:uuid:{_uuid5(json.dumps(document, sort_keys=True))}"
    return f"{json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True)}\n".encode()


def _component(graft: GraftRecord) -> dict[str, Any]:
    package = graft.package
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": graft.path,
        # without a package, the soname is the best name there is, and the hash the only version
        "name": package.name if package is not None else graft.soname,
        "hashes": _hashes(graft.written_digest),
        "pedigree": {
            "ancestors": [
                {"type": "file", "name": graft.found_name, "hashes": _hashes(graft.found_digest)},
            ],
            "notes": _CHANGED + (_LOWERED if graft.lowered else ""),
        },
        "properties": _properties(
            (
                ("perennial:path", graft.path),
                ("perennial:soname", graft.soname),
                ("perennial:source-package", package.source if package is not None else ""),
                *(("perennial:licence", path) for path in sorted(graft.licence_paths)),
            )
        ),
    }
    if package is not None:
        component["version"] = package.version
        if package.purl is not None:
            component["purl"] = package.purl
        if package.licence:
            # `name` and not `id` or `expression`: package managers' fields are older than SPDX, and often not it
            component["licenses"] = [{"license": {"name": package.licence, "acknowledgement": "declared"}}]
    return component


def _properties(pairs: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs if value]


def _hashes(digest: str) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": digest}]


def _uuid5(name: str) -> str:
    """RFC 9562, 5.5. The standard library's module costs as much at import as a small wheel's audit."""
    digest = bytearray(hashlib.sha1(_NAMESPACE_URL + name.encode(), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
