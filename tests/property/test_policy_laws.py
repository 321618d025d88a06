"""Laws of policies.

The derivation gives every node one number; these tests compare that with the definition, the
intersection over releases, computed the slow way.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.arch import Architecture
from perennial.knowledge import DistributionRelease, Knowledge, load_knowledge
from perennial.platform_tag import Libc
from perennial.policy import Limit, Policies, policies

KNOWLEDGE = load_knowledge()
GLIBC = {arch: policies(KNOWLEDGE, Libc.GLIBC, arch) for arch in Architecture}
CASES = [*GLIBC.values(), *(policies(KNOWLEDGE, Libc.MUSL, arch) for arch in Architecture)]
IDS = [f"{case.libc}-{case.arch}" for case in CASES]


def known_needs(case: Policies) -> list[tuple[str, str]]:
    sonames = sorted(KNOWLEDGE.libraries(case.libc, case.arch.value))
    return [(soname, name) for soname in sonames for name in sorted(case.known_nodes(soname) or ())]


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_monotone(case: Policies) -> None:
    """PEP 600: a tag is valid on every glibc "version X.Y or later", so what it may use only grows."""
    previous = None
    for version in case.versions:
        policy = case.policy(version)
        if previous is not None:
            assert previous.libraries <= policy.libraries
            for soname, nodes in previous.versions.items():
                assert nodes <= policy.versions[soname], (version, soname)
        previous = policy


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_a_node_agrees_with_the_policies(case: Policies) -> None:
    """policy(g) provides it exactly from node().since on."""
    needs = known_needs(case)
    needs += [("libc.so.6", "GLIBC_PRIVATE"), ("libX11.so.6", "V1"), ("libc.so", "V1"), ("libssl.so.3", "V1")]
    for version in case.versions:
        policy = case.policy(version)
        for soname, name in needs:
            since = case.node(soname, name).since
            assert policy.provides(soname, name) == (since is not None and since <= version)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_a_library_agrees_with_the_policies(case: Policies) -> None:
    for version in case.versions:
        policy = case.policy(version)
        for soname in [*KNOWLEDGE.libraries(case.libc, case.arch.value), "libssl.so.3"]:
            since = case.library(soname).since
            assert (soname in policy.libraries) == (since is not None and since <= version)


@pytest.mark.parametrize("case", GLIBC.values(), ids=GLIBC)
def test_every_policy_is_kept_by_every_release_of_its_floor(case: Policies) -> None:
    """PEP 600: it "will work on any mainstream distro" with that glibc; PEP 599's numbers alone outrank."""
    for version in case.versions:
        policy = case.policy(version)
        for release in policy.derived_from:
            for soname, promised in policy.versions.items():
                if not KNOWLEDGE.provides_library(release, case.arch.value, soname):
                    continue
                kept = KNOWLEDGE.nodes(release, case.arch.value, soname)
                assert kept is not None
                for name in promised - kept:
                    # Ubuntu 13.04 has glibc 2.17 and an older GCC than PEP 599 asks for
                    assert (release.id, version[1] <= 17) == ("ubuntu:13.04", True), (version, soname, name)


@pytest.mark.parametrize("case", GLIBC.values(), ids=GLIBC)
def test_settled_policies_are_the_intersection(case: Policies) -> None:
    """Where enough releases of the architecture have that glibc, nothing else narrows the floor."""
    for version in case.versions:
        exactly = [release for release in case.releases if release.libc_version == version]
        if len(exactly) < 3 or case.is_provisional(version) or version == (2, 17):
            continue
        policy = case.policy(version)
        for soname, promised in policy.versions.items():
            floor = [KNOWLEDGE.nodes(release, case.arch.value, soname) for release in policy.derived_from]
            shared = frozenset.intersection(*(nodes for nodes in floor if nodes is not None))
            for name in shared - promised:
                # a backport: upstream defines it later only
                assert case.node(soname, name).limit is Limit.UPSTREAM, (version, soname, name)


@pytest.mark.parametrize("case", GLIBC.values(), ids=GLIBC)
def test_witnesses_lack_the_node_and_explain_the_number(case: Policies) -> None:
    for soname, name in known_needs(case):
        provision = case.node(soname, name)
        versions = [release.libc_version for release in provision.witnesses]
        own = [release for release in provision.witnesses if case.arch.value in release.architectures]
        for release in own:
            assert name not in (KNOWLEDGE.nodes(release, case.arch.value, soname) or frozenset())
        if provision.limit is Limit.RELEASES:
            assert versions == sorted(versions, reverse=True)
            assert provision.since is None or versions[0] < provision.since


@pytest.mark.parametrize("arch", Architecture)
def test_glibc_nodes_never_come_before_their_glibc(arch: Architecture) -> None:
    """A backport is an update that others did not take (Oracle Linux 10, RHEL 7 on aarch64)."""
    for name in GLIBC[arch].known_nodes("libc.so.6") or ():
        digits = name.removeprefix("GLIBC_")
        since = GLIBC[arch].node("libc.so.6", name).since
        if digits[0].isdigit() and since is not None:
            assert tuple(map(int, digits.split(".")))[:2] <= since


@given(st.data())
def test_adding_a_release_never_widens_what_is_settled(data: st.DataObject) -> None:
    """A policy is an intersection, and more of them make it smaller.

    What is left to other architectures or to the forecast is different: there, a release of the
    architecture itself is better evidence, and may well say more.
    """
    arch = data.draw(st.sampled_from([Architecture.X86_64, Architecture.AARCH64, Architecture.S390X]))
    case = GLIBC[arch]
    model = data.draw(st.sampled_from(case.releases))
    minor = data.draw(st.integers(17, 44))
    cxx = data.draw(st.integers(8, 36))
    added: DistributionRelease = model._replace(
        id="mine:1",
        libc_version=(2, minor),
        libc_release=f"2.{minor}",
        tops={**model.tops, "GLIBC": f"2.{minor}", "GLIBCXX": f"3.4.{cxx}"},
    )
    more = policies(Knowledge((*KNOWLEDGE.releases, added)), Libc.GLIBC, arch)
    for version in case.versions:
        if 0 < sum(release.libc_version == version for release in case.releases) < 3:
            continue
        if case.is_provisional(version):
            continue
        before, after = case.policy(version), more.policy(version)
        assert after.versions["libstdc++.so.6"] <= before.versions["libstdc++.so.6"] | {
            name
            for name in after.versions["libstdc++.so.6"]
            if (since := more.node("libstdc++.so.6", name).since) is not None and since < version
        }


@given(st.randoms(use_true_random=False))
def test_the_order_of_the_releases_does_not_matter(random: object) -> None:
    """Deriving is a pure function of the set of releases."""
    shuffled = list(KNOWLEDGE.releases)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    other = policies(Knowledge(shuffled), Libc.GLIBC, Architecture.X86_64)
    assert other.policy((2, 28)) == GLIBC[Architecture.X86_64].policy((2, 28))
