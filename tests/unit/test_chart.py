"""The chart, as the XML that it is."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from perennial.arch import Architecture
from perennial.knowledge import load_knowledge
from perennial.platform_tag import Libc, PlatformTag
from perennial.policy import policies
from perennial.report.chart import Mark, chart

SVG = "{http://www.w3.org/2000/svg}"
KNOWLEDGE = load_knowledge()
X86_64 = policies(KNOWLEDGE, Libc.GLIBC, Architecture.X86_64).releases
DAY = "2026-08-01"
MARK = Mark("demo 1.0", PlatformTag.parse("manylinux_2_28_x86_64"))


def parse(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314  our own


def drawn(*marks: Mark, start: tuple[int, int] = (2, 17)) -> ET.Element:
    return parse(chart(X86_64, "x86_64", DAY, marks, start=start))


def cards(root: ET.Element) -> dict[str, ET.Element]:
    """Release -> its card."""
    found = {}
    for group in root.iter(f"{SVG}g"):
        title = group.find(f"{SVG}title")
        if title is not None and group.get("class", "").startswith("card"):
            found[(title.text or "").partition(":")[0]] = group
    return found


def left_of(card: ET.Element) -> float:
    rect = card.find(f"{SVG}rect")
    assert rect is not None
    return float(rect.get("x", "nan"))


def test_every_release_from_the_first_glibc_on_has_a_card() -> None:
    names = {release.name for release in X86_64 if release.libc_version >= (2, 28)}
    assert set(cards(drawn(start=(2, 28)))) == names
    assert "RHEL 7" not in names and "RHEL 8" in names


def test_what_is_left_out_is_counted() -> None:
    before = sum(release.libc_version < (2, 28) for release in X86_64)
    texts = [text.text for text in drawn(start=(2, 28)).iter(f"{SVG}text")]
    assert f"{before} releases with a glibc before 2.28 not shown" in texts


def test_x_is_the_glibc() -> None:
    found = cards(drawn())
    for release in X86_64:
        for other in X86_64:
            if release.name in found and other.name in found:
                later = release.libc_version > other.libc_version
                assert (left_of(found[release.name]) > left_of(found[other.name])) is later


def test_support_is_told_apart() -> None:
    found = cards(drawn())
    assert found["RHEL 8"].get("class") == "card general"
    assert found["RHEL 7"].get("class") == "card extended"
    assert found["CentOS 7"].get("class") == "card past"
    assert found["Arch Linux"].get("class") == "card general rolling"
    years = [text.text for text in found["RHEL 8"].iter(f"{SVG}text")]
    assert years == ["8", "2019–2029"]


def test_a_wheel_stands_at_the_left_edge_of_its_glibc() -> None:
    root = drawn(MARK)
    (pole,) = [line for line in root.iter(f"{SVG}line") if "pole" in line.get("class", "")]
    x = float(pole.get("x1", "nan"))
    found = cards(root)
    for release in X86_64:
        if release.name in found:
            assert (left_of(found[release.name]) > x) is (release.libc_version >= (2, 28))


def test_a_wheel_below_the_first_glibc_stands_at_the_edge() -> None:
    low = Mark("old 1.0", PlatformTag.parse("manylinux2010_x86_64"))
    root = drawn(low, MARK)
    assert "old 1.0: manylinux2010_x86_64" in [text.text for text in root.iter(f"{SVG}text")]


def test_nothing_stands_outside_the_page_or_on_another_card() -> None:
    root = drawn(MARK, Mark("a-rather-long-name 10.20.30", PlatformTag.parse("manylinux_2_44_x86_64")))
    _, _, width, height = map(float, root.get("viewBox", "").split(" "))
    taken = set()
    for rect in root.iter(f"{SVG}rect"):
        x, y = float(rect.get("x", 0)), float(rect.get("y", 0))
        assert x >= 0 and x + float(rect.get("width", 0)) <= width
        assert y >= 0 and y + float(rect.get("height", 0)) <= height
    for card in cards(root).values():
        own = card.find(f"{SVG}rect")
        assert own is not None
        place = (own.get("x"), own.get("y"))
        assert place not in taken
        taken.add(place)


def test_it_can_be_read_without_eyes_and_in_the_dark() -> None:
    text = chart(X86_64, "x86_64", DAY, [MARK])
    root = parse(text)
    labels = {element.get("id") for element in root if element.get("id")}
    assert set(root.get("aria-labelledby", "").split(" ")) <= labels
    assert root.get("role") == "img"
    assert "prefers-color-scheme:dark" in text
    assert all("http" not in value or value == "http://www.w3.org/2000/svg" for value in re.findall(r'"([^"]*)"', text))


def test_the_same_bytes_from_the_same_input() -> None:
    assert chart(X86_64, "x86_64", DAY, [MARK]) == chart(tuple(reversed(X86_64)), "x86_64", DAY, [MARK])


def test_names_from_a_wheel_are_text() -> None:
    root = drawn(Mark('<b>&"x"', PlatformTag.parse("manylinux_2_28_x86_64")))
    assert '<b>&"x": manylinux_2_28_x86_64' in [text.text for text in root.iter(f"{SVG}text")]


def test_nothing_to_draw_is_no_crash() -> None:
    root = parse(chart((), "ppc64", DAY))
    assert cards(root) == {}
