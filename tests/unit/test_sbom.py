"""The bill of materials, against CycloneDX's own schema, and the texts of licences."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from perennial.repair.licences import licence_texts
from perennial.repair.sbom import GraftRecord, make_sbom, sbom_path
from perennial.system import Owners, Package, Root
from perennial.system.os_release import OsRelease
from perennial.system.package import Manager
from perennial.wheel.filename import WheelFilename
from tests.support.file_tree import make_tree

WHEEL = WheelFilename.parse("Demo_Wheel-1.0+local-cp311-cp311-manylinux_2_31_x86_64.whl")
DEBIAN = OsRelease("debian", "12")
ZLIB = Package("zlib1g", "1:1.2.13.dfsg-1", "amd64", Manager.DPKG, "zlib", "", DEBIAN)
OLD = Package("libfoo", "0:1-2.el8", "x86_64", Manager.RPM, "foo", "LGPLv2+ and MIT", OsRelease("rhel", "8"))
UNKNOWN = Package("nowhere", "1", licence="")
GRAFTS = (
    GraftRecord(
        "demo_wheel.libs/libz-0123abcd.so.1.2.13", "libz.so.1", "libz.so.1.2.13", "a" * 64, "b" * 64, (), ZLIB,
        ("demo_wheel-1.0.dist-info/licenses/zlib/copyright",),
    ),
    GraftRecord(
        "demo_wheel.libs/libfoo-4567.so", "libfoo.so", "libfoo.so", "c" * 64, "d" * 64,
        ("demo_wheel.libs/libz-0123abcd.so.1.2.13",), OLD,
    ),
    GraftRecord("demo_wheel.libs/libown-89.so", "libown.so", "libown.so", "e" * 64, "f" * 64, ()),
    GraftRecord("demo_wheel.libs/libé-89.so", "libé.so", "libé.so", "1" * 64, "2" * 64, (), UNKNOWN),
)  # fmt: skip


def sbom(grafts: tuple[GraftRecord, ...] = GRAFTS, needed: tuple[str, ...] = (GRAFTS[1].path,)) -> bytes:
    return make_sbom(WHEEL, grafts, needed_by_wheel=needed, version="1.2.3")


def parsed(data: bytes) -> dict[str, Any]:
    document = json.loads(data)
    assert isinstance(document, dict)
    return document


def components(data: bytes) -> dict[str, dict[str, Any]]:
    return {each["bom-ref"]: each for each in parsed(data)["components"]}


@pytest.mark.parametrize("grafts", [GRAFTS, GRAFTS[:1], ()])
def test_it_fits_the_schema(grafts: tuple[GraftRecord, ...]) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(sbom(grafts, ()).decode()) is None


def test_the_validator_can_say_no() -> None:
    document = parsed(sbom())
    document["components"][0]["hashes"][0]["content"] = "not a hash"
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document)) is not None


def test_the_wheel() -> None:
    described = parsed(sbom())["metadata"]["component"]
    assert (described["name"], described["version"]) == ("demo-wheel", "1.0+local")
    purl = PackageURL.from_string(described["purl"])
    assert (purl.type, purl.name, purl.version) == ("pypi", "demo-wheel", "1.0+local")
    assert purl.qualifiers == {"file_name": WHEEL.text}


def test_every_graft_is_a_component() -> None:
    found = components(sbom())
    assert sorted(found) == sorted(graft.path for graft in GRAFTS)
    for graft in GRAFTS:
        each = found[graft.path]
        assert each["hashes"] == [{"alg": "SHA-256", "content": graft.written_digest}]
        (ancestor,) = each["pedigree"]["ancestors"]
        assert ancestor["hashes"] == [{"alg": "SHA-256", "content": graft.found_digest}]
        assert ancestor["name"] == graft.found_name
    zlib, foo, own, strange = (found[graft.path] for graft in GRAFTS)
    assert zlib["purl"] == "pkg:deb/debian/zlib1g@1:1.2.13.dfsg-1?arch=amd64&distro=debian-12"
    assert (zlib["name"], zlib["version"]) == ("zlib1g", "1:1.2.13.dfsg-1")
    assert {"name": "perennial:licence", "value": GRAFTS[0].licence_paths[0]} in zlib["properties"]
    assert "licenses" not in zlib
    assert foo["licenses"] == [{"license": {"name": "LGPLv2+ and MIT", "acknowledgement": "declared"}}]
    assert foo["purl"] == "pkg:rpm/rhel/libfoo@1-2.el8?arch=x86_64&distro=rhel-8&epoch=0"
    assert (own["name"], own.get("version"), own.get("purl")) == ("libown.so", None, None)
    assert (strange["name"], strange["version"], strange.get("purl")) == ("nowhere", "1", None)


def test_dependencies() -> None:
    document = parsed(sbom())
    needs = {each["ref"]: each["dependsOn"] for each in document["dependencies"]}
    wheel = document["metadata"]["component"]["bom-ref"]
    zlib, foo, own, strange = (graft.path for graft in GRAFTS)
    assert needs == {wheel: [foo], foo: [zlib], zlib: [], own: [], strange: []}


def test_the_same_input_gives_the_same_bytes() -> None:
    assert sbom() == sbom(tuple(reversed(GRAFTS)))
    assert sbom() != sbom(GRAFTS[:-1])


def test_the_serial_number_follows_from_the_content() -> None:
    document = parsed(sbom())
    serial = document.pop("serialNumber")
    assert serial == f"urn:uuid:{uuid5(NAMESPACE_URL, json.dumps(document, sort_keys=True))}"


def test_documents_of_others_stay() -> None:
    first = "demo-1.dist-info/sboms/perennial.cdx.json"
    assert sbom_path("demo-1.dist-info", {"demo-1.dist-info/sboms/auditwheel.cdx.json"}) == first
    assert sbom_path("demo-1.dist-info", {first}) == "demo-1.dist-info/sboms/perennial-2.cdx.json"
    third = sbom_path("demo-1.dist-info", {first, "demo-1.dist-info/sboms/perennial-2.cdx.json"})
    assert third == "demo-1.dist-info/sboms/perennial-3.cdx.json"


LISTS = {name: f"/usr/lib/{name}.so\n".encode() for name in ("liba1", "liba2", "libb1", "libc1", "bare")}
STATUS = b"".join(
    f"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nSource: {source}\nVersion: 1\n\n".encode()
    for name, source in (("liba1", "a"), ("liba2", "a"), ("libb1", "b/../.."), ("libc1", "a"), ("bare", "bare"))
)


def test_licence_texts(tmp_path: Path) -> None:
    shared = b"see /usr/share/common-licenses/GPL"
    make_tree(tmp_path, {
        **{f"usr/lib/{name}.so": b"" for name in LISTS},
        **{f"var/lib/dpkg/info/{name}.list": data for name, data in LISTS.items()},
        "var/lib/dpkg/status": STATUS,
        "usr/share/common-licenses/GPL": b"version 3",
        "usr/share/doc/liba1/copyright": shared,
        "usr/share/doc/liba2": "liba1",
        "usr/share/doc/libb1/copyright": b"b",
        "usr/share/doc/libc1/copyright": b"another text from the same source",
    })  # fmt: skip
    root = Root(str(tmp_path))
    owners = Owners(root)
    packages = owners.owners(f"/usr/lib/{name}.so" for name in LISTS).values()
    assert len(packages) == 5
    texts = licence_texts(root, owners, packages)
    assert {text.path: (text.content, [package.name for package in text.packages]) for text in texts} == {
        "a/copyright": (shared, ["liba1", "liba2"]),
        "b_.._../copyright": (b"b", ["libb1"]),
        "libc1/copyright": (b"another text from the same source", ["libc1"]),
    }
    assert [text.path for text in texts] == sorted(text.path for text in texts)
