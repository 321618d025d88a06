"""All policies at once, and what auditwheel makes of them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from perennial.arch import Architecture
from perennial.knowledge import load_knowledge
from perennial.platform_tag import Libc
from perennial.policy import Policies, policies
from perennial.policy.export import export_for_auditwheel, export_policies
from tests.support.elf_builder import Import
from tests.support.example_wheels import demo, module
from tests.support.run_perennial import report_of, run_perennial

KNOWLEDGE = load_knowledge()


def of(libc: Libc, arch: Architecture) -> Policies:
    return policies(KNOWLEDGE, libc, arch)


GLIBC = [of(Libc.GLIBC, arch) for arch in Architecture]
FOR_AUDITWHEEL = export_for_auditwheel(GLIBC)
KEYS = {"name", "aliases", "priority", "symbol_versions", "lib_whitelist", "blacklist"}


def test_every_glibc_has_its_policy() -> None:
    names = [policy["name"] for policy in FOR_AUDITWHEEL]
    assert names == [
        "linux",
        *(f"manylinux_2_{minor}" for minor in range(5, of(Libc.GLIBC, Architecture.X86_64).newest[1] + 1)),
    ]
    assert all(policy.keys() == KEYS for policy in FOR_AUDITWHEEL)
    priorities = [policy["priority"] for policy in FOR_AUDITWHEEL[1:]]
    assert priorities == sorted(set(priorities), reverse=True) and min(priorities) > FOR_AUDITWHEEL[0]["priority"]
    assert {policy["name"]: policy["aliases"] for policy in FOR_AUDITWHEEL if policy["aliases"]} == {
        "manylinux_2_5": ["manylinux1"],
        "manylinux_2_12": ["manylinux2010"],
        "manylinux_2_17": ["manylinux2014"],
    }


def test_architectures_begin_where_their_tags_do() -> None:
    by_name = {policy["name"]: set(policy["symbol_versions"]) for policy in FOR_AUDITWHEEL}
    assert by_name["manylinux_2_5"] == {"i686", "x86_64"}
    assert "riscv64" not in by_name["manylinux_2_26"] and "riscv64" in by_name["manylinux_2_27"]
    assert by_name["manylinux_2_36"] == set(Architecture)


def test_a_family_without_nodes_is_there_and_empty() -> None:
    """auditwheel does not look at a prefix that a policy does not have."""
    oldest = FOR_AUDITWHEEL[1]["symbol_versions"]["x86_64"]
    assert oldest["ZLIB"] == [] and oldest["LIBATOMIC"] == []
    prefixes = {frozenset(nodes) for policy in FOR_AUDITWHEEL[1:] for nodes in policy["symbol_versions"].values()}
    assert prefixes == {frozenset({"CXXABI", "GCC", "GLIBC", "GLIBCXX", "LIBATOMIC", "ZLIB"})}


def test_nodes_are_those_of_the_policy() -> None:
    own = of(Libc.GLIBC, Architecture.X86_64)
    for exported in FOR_AUDITWHEEL[1:]:
        _, major, minor = exported["name"].split("_")
        policy = own.policy((int(major), int(minor)))
        if "x86_64" in exported["symbol_versions"]:
            names = {
                f"{prefix}_{rest}" for prefix, rests in exported["symbol_versions"]["x86_64"].items() for rest in rests
            }
            assert names == set().union(*policy.versions.values())
        assert policy.libraries - {"ld-linux-x86-64.so.2"} <= set(exported["lib_whitelist"])


def test_symbols_of_unversioned_libraries_are_black_as_long_as_a_release_lacks_them() -> None:
    by_name = {policy["name"]: policy["blacklist"] for policy in FOR_AUDITWHEEL}
    symbol = "XML_SetAllocTrackerMaximumAmplification"
    assert symbol in by_name["manylinux_2_36"]["libexpat.so.1"]
    assert symbol not in by_name["manylinux_2_41"].get("libexpat.so.1", [])
    assert not any(
        name in ("_init", "_end") for policy in by_name.values() for names in policy.values() for name in names
    )


def test_our_own_shape_says_every_policy() -> None:
    exported = export_policies([of(libc, arch) for libc in Libc for arch in (Architecture.X86_64, Architecture.I686)])
    assert exported["schema"] == "perennial.policies/1" and exported["as_of"] == KNOWLEDGE.as_of
    assert [(each["libc"], each["architecture"]) for each in exported["policies"]] == [
        ("glibc", "x86_64"), ("glibc", "i686"), ("musl", "x86_64"), ("musl", "i686"),
    ]  # fmt: skip
    family = exported["policies"][0]
    for version in ((2, 5), (2, 17), (2, 28), (2, 44)):
        policy = of(Libc.GLIBC, Architecture.X86_64).policy(version)
        known = {each["soname"]: each for each in family["libraries"] if _number(each["since"]) <= version}
        assert known.keys() == policy.libraries
        for soname, nodes in policy.versions.items():
            listed = known[soname]["nodes"]
            assert {node["name"] for node in listed if node["since"] and _number(node["since"]) <= version} == nodes


def _number(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))


def test_on_the_command_line(tmp_path: Path) -> None:
    run = run_perennial("policy", "export", "--arch", "aarch64", "--libc", "musl")
    (family,) = run.document["policies"]
    assert [each["tag"] for each in family["tags"]] == ["musllinux_1_1_aarch64", "musllinux_1_2_aarch64"]
    run = run_perennial("policy", "export", "--format", "auditwheel", "-o", "out.json", cwd=tmp_path)
    assert run.output == ""
    assert json.loads((tmp_path / "out.json").read_text(encoding="utf-8")) == FOR_AUDITWHEEL
    assert run_perennial("policy", "export", "--format", "auditwheel", "--libc", "musl").code == 2


# ----- auditwheel reads it

# auditwheel finds its policies by a table of paths in its module; nothing public leads there.
_SHOW: Final = """
import sys
from pathlib import Path

import auditwheel.policy
from auditwheel.architecture import Architecture
from auditwheel.libc import Libc
from auditwheel.main import main

if not hasattr(auditwheel.policy, "_POLICY_JSON_MAP"):
    sys.exit("moved: there is no auditwheel.policy._POLICY_JSON_MAP")
auditwheel.policy._POLICY_JSON_MAP[Libc.GLIBC] = Path(sys.argv[1])
for arch in ("x86_64", "i686", "aarch64", "armv7l", "ppc64le", "s390x", "riscv64", "loongarch64"):
    policies = auditwheel.policy.WheelPolicies(libc=Libc.GLIBC, arch=Architecture(arch))
    assert policies.highest.name.startswith("manylinux_2_"), policies.highest
    assert len(list(policies)) > 5
sys.argv = ["auditwheel", "show", sys.argv[2]]
sys.exit(main())
"""


def _tag_by_auditwheel(policy_file: Path, wheel: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _SHOW, str(policy_file), str(wheel)], capture_output=True, text=True, check=False
    )
    if done.stderr.startswith("moved: ") or "ImportError" in done.stderr:
        pytest.skip(f"auditwheel's internals moved: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    found = re.search(r'platform\s+tag:\s+"(\w+)"', done.stdout)
    assert found is not None, done.stdout
    return found[1]


def test_auditwheel_gives_the_same_tags(tmp_path: Path) -> None:
    pytest.importorskip("auditwheel")
    cases: dict[str, dict[str, Any]] = {
        "none": {"imports": ()},
        "strings": {
            "imports": (Import("_ZSt21__glibcxx_assert_failPKciS0_S0_", "GLIBCXX_3.4.30", "libstdc++.so.6"),),
            "needed": ("libstdc++.so.6", "libc.so.6"),
        },
        "between": {"imports": (Import("__libc_single_threaded", "GLIBC_2.32", "libc.so.6", kind="object"),)},
        "expat": {
            "imports": (Import("XML_SetAllocTrackerMaximumAmplification"),),
            "needed": ("libexpat.so.1", "libc.so.6"),
        },
        "photon": {
            "imports": (Import("_ZNSt10filesystem", "GLIBCXX_3.4.25", "libstdc++.so.6"),),
            "needed": ("libstdc++.so.6", "libc.so.6"),
        },
    }
    wheels = []
    for name, fields in cases.items():
        imports = fields.pop("imports")
        demo(tmp_path, module(*imports, section_headers=True, **fields), name=name, tags="cp312-cp312-linux_x86_64")
        (found,) = tmp_path.glob(f"{name}-*.whl")
        wheels.append(found)
    ours = {wheel.name: report_of(wheel)["lowest_tag"] for wheel in wheels}
    assert set(ours.values()) == {
        "manylinux_2_17_x86_64", "manylinux_2_35_x86_64", "manylinux_2_32_x86_64", "manylinux_2_29_x86_64",
        "manylinux_2_37_x86_64",
    }  # fmt: skip
    policy_file = tmp_path / "policies.json"
    policy_file.write_text(json.dumps(FOR_AUDITWHEEL), encoding="utf-8")
    assert {wheel.name: _tag_by_auditwheel(policy_file, wheel) for wheel in wheels} == ours
