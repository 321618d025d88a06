"""The shipped tables against the facts that they were made from.

The facts are not part of this repository: the folder is named by PERENNIAL_FACTS, or lies beside
the checkout as ../shared/facts.
"""

from __future__ import annotations

import csv
import os
import runpy
from pathlib import Path

import pytest

from perennial.knowledge import load_knowledge
from perennial.knowledge.nodes import load_families
from perennial.knowledge.tables import DATA, numbers

ROOT = Path(__file__).parents[2]
FACTS = Path(os.environ.get("PERENNIAL_FACTS") or ROOT.parent / "shared" / "facts")

pytestmark = pytest.mark.skipif(
    not (FACTS / "upstream_map.json").exists(),
    reason="needs the folder of facts (PERENNIAL_FACTS, or ../shared/facts beside the checkout)",
)

# other names, and rows that are left out (data/SOURCES.md)
OTHER_TOPS = {("centos:6", "GCC"): "4.5.0"}
SECOND_NAMES = {("debian", "bullseye"), ("ubuntu", "rolling")}


def test_every_set_of_nodes_is_decoded() -> None:
    """All (family, architecture, highest node) cells."""
    make = runpy.run_path(str(ROOT / "scripts" / "make_node_table.py"))
    facts = make["read_facts"]((FACTS / "upstream_map.json").read_text(encoding="utf-8"))
    cells = 0
    for prefix, by_arch in facts.items():
        for arch, sets in by_arch.items():
            families = [family for family in load_families(arch).values() if family.top_of == prefix]
            for top, expected in sets.items():
                if top:  # a library that defines no node has no highest one
                    decoded = {
                        node.name.removeprefix(prefix + "_")
                        for family in families
                        for node in family.nodes.values()
                        if node.comes_with(numbers(top))
                    }
                    assert decoded == expected, (prefix, arch, top)
                    cells += 1
    assert cells > 250


def test_the_shipped_table_is_what_the_script_writes() -> None:
    make = runpy.run_path(str(ROOT / "scripts" / "make_node_table.py"))
    facts = make["read_facts"]((FACTS / "upstream_map.json").read_text(encoding="utf-8"))
    assert make["render"](make["rows"](facts)) == Path(DATA, "nodes.tsv").read_text(encoding="utf-8")


def test_releases_are_those_of_the_facts() -> None:
    releases = {release.id: release for release in load_knowledge().releases}
    with open(FACTS / "distros.csv", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["distro"] != "manylinux"]
    for row in rows:
        if (row["distro"], row["release"]) in SECOND_NAMES:
            continue
        family = {"rhubi": "rhel"}.get(row["distro"], row["distro"])
        release = releases.pop(f"{family}:{row['release']}")
        tops = {family: row[family] for family in ("GLIBCXX", "CXXABI", "GCC", "ZLIB") if row[family]}
        tops |= {family: top for (of, family), top in OTHER_TOPS.items() if of == release.id}
        assert {family: top for family, top in release.tops.items() if family in tops} == tops
        assert release.libc_release == row["glibc"]
        assert release.architectures == frozenset(row["archs"].split())
        assert release.measured_on == row["measured_on"]
        assert row["released"] in ("", release.released)
        assert row["eol"] in ("", "false", release.end_of_life)
    assert {release.family for release in releases.values()} == {"alpine"}
