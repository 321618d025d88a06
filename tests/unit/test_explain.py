"""`perennial explain`, from the values up to the command line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

import perennial
from perennial import audit_wheel, compatible, load_knowledge, parse_target
from perennial.cli.main import main
from perennial.errors import UsageError
from perennial.tags import Axis, Installer, accepted_tags
from perennial.tags.install import first_pip, installation, listing, parse_version
from perennial.tags.os_release import parse_os_release, release_id
from perennial.tags.project import Offer, ProjectVersion, Source, project_answer
from perennial.tags.running import Runs, running
from perennial.wheel.filename import WheelFilename
from tests.golden.question_cases import QUESTIONS
from tests.support.elf_builder import Export, Import, elf
from tests.support.index_server import IndexServer
from tests.support.wheel_builder import wheel, wheel_bytes

LIBC: Final = "libc.so.6"
STDCXX: Final = "libstdc++.so.6"
SCHEMA: Final = Path(perennial.__file__).parent / "schema/explain-1.json"
MODULE: Final = "demo/a.so"
TAG: Final = "cp312-cp312-manylinux_2_28_x86_64"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command in an empty folder: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PERENNIAL_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PERENNIAL_DATA_DIR", str(tmp_path / "data"))

    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(["explain", *arguments])
        written = capsys.readouterr()
        return code, written.out, written.err

    return call


@pytest.fixture
def index() -> Iterator[IndexServer]:
    with IndexServer() as server:
        yield server


def module(*imports: Import, needed: tuple[str, ...] = (LIBC,), **more: Any) -> bytes:
    return elf(needed=needed, imports=imports, exports=(Export("PyInit_a"),), relocations=True, **more)


def needing(version: str, symbol: str = "f") -> Import:
    return Import(symbol, version, LIBC)


def of(filename: str, text: str, **more: Any) -> Any:
    return installation(WheelFilename.parse(filename), listing(parse_target(text)), **more)


# ----- will it install


@pytest.mark.parametrize(
    ("tags", "text", "axis"),
    [
        ("cp312-cp312-macosx_11_0_arm64", "debian:12,python=3.12", Axis.SYSTEM),
        ("cp312-cp312-win_amd64", "debian:12,python=3.12", Axis.SYSTEM),
        ("cp312-cp312-manylinux_2_17_aarch64", "debian:12,python=3.12", Axis.ARCHITECTURE),
        ("cp312-cp312-manylinux_2_17_x86_64", "alpine:3.22", Axis.LIBC),
        ("cp312-cp312-musllinux_1_2_x86_64", "debian:12,python=3.12", Axis.LIBC),
        ("cp312-cp312-manylinux_2_28_x86_64", "rhel:7,python=3.12", Axis.LIBC_VERSION),
        ("cp312-cp312-manylinux_2_0_x86_64", "rhel:7,python=3.12", Axis.TAG),
        ("cp312-cp312-manylinux_2_17_x86_64", "glibc:2.36,python=3.12,manylinux=no", Axis.OVERRIDE),
        ("cp313-cp313-manylinux_2_17_x86_64", "debian:12,python=3.12", Axis.PYTHON_VERSION),
        ("cp312-cp312d-manylinux_2_17_x86_64", "debian:12,python=3.12", Axis.ABI),
        ("pp311-pypy311_pp73-manylinux_2_17_x86_64", "debian:12,python=3.12", Axis.IMPLEMENTATION),
    ],
)
def test_the_axis_on_which_it_fails(tags: str, text: str, axis: Axis) -> None:
    found = of(f"demo-1.0-{tags}.whl", text)
    assert not found.accepted
    assert found.refusal.axis is axis
    assert found.installers == ()


def test_the_nearest_tag_speaks_for_a_set() -> None:
    found = of("demo-1.0-cp312-cp312-manylinux_2_34_x86_64.manylinux_2_28_x86_64.whl", "rhel:7,python=3.12")
    assert found.tag == TAG
    assert (found.refusal.needs, found.refusal.has, found.refusal.distance) == ("glibc ≥ 2.28", "glibc 2.17", 11)
    assert len(found.refusals) == 2


def test_what_else_the_nearest_tag_fails_on() -> None:
    found = of(f"demo-1.0-{TAG}.whl", "rhel:7,python=3.9")
    assert [each.axis for each in found.further] == [Axis.PYTHON_VERSION]


def test_py2_and_py3_are_no_reason_where_one_of_them_fits() -> None:
    assert of("demo-1.0-py2.py3-none-manylinux1_x86_64.whl", "alpine:3.22").further == ()


def test_the_best_of_its_tags() -> None:
    found = of("demo-1.0-cp312-cp312-manylinux_2_17_x86_64.manylinux_2_28_x86_64.whl", "debian:12,python=3.12")
    assert found.tag == TAG


def test_an_old_pip_reads_one_of_the_tags() -> None:
    both = "demo-1.0-cp38-cp38-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
    assert of(both, "ubuntu:20.04", pip=(19, 3)).accepted
    assert of(both, "ubuntu:20.04", pip=(19, 2, 3)).refusal.axis is Axis.INSTALLER
    assert of(both, "ubuntu:20.04").first_pip == (19, 3)
    assert of("demo-1.0-py3-none-any.whl", "ubuntu:20.04", pip=(1, 0)).first_pip is None


def test_requires_python() -> None:
    assert of("demo-1.0-py3-none-any.whl", "debian:12", requires_python=">=3.12").refusal.axis is Axis.PYTHON_VERSION
    assert of("demo-1.0-py3-none-any.whl", "debian:12", requires_python=">=3.11.4").accepted
    assert of("demo-1.0-py3-none-any.whl", "debian:12", requires_python="3.11 or so").accepted


def test_who_takes_it() -> None:
    """Each installer's verdict is whether its own list has one of the tags."""
    text = "glibc:2.29,arch=riscv64,python=3.12"
    name = "demo-1.0-cp312-cp312-manylinux_2_28_riscv64.whl"
    verdicts = {each.installer: each for each in of(name, text).installers}
    for installer, verdict in verdicts.items():
        own = set(accepted_tags(parse_target(text), installer))
        assert verdict.accepts is ("cp312-cp312-manylinux_2_28_riscv64" in own)
    assert not verdicts[Installer.UV].accepts
    assert "manylinux_2_31" in verdicts[Installer.UV].reason


@pytest.mark.parametrize("text", ["9.0.1", "20.3", "pip 21.1.1", "24.1b1"])
def test_versions_of_pip(text: str) -> None:
    assert parse_version(text) >= (9,)


@pytest.mark.parametrize("text", ["", "new", "1.2.3.4.5", "٣.1"])
def test_what_is_no_version_of_pip(text: str) -> None:
    with pytest.raises(UsageError):
        parse_version(text)


def test_first_pips() -> None:
    assert first_pip("cp313-cp313t-manylinux_2_17_x86_64") == (24, 1)
    assert first_pip("py3-none-any") == first_pip("cp312-cp312-linux_x86_64") == ()


# ----- will it run


def judged(tmp_path: Path, text: str, content: bytes, tags: str = TAG) -> Any:
    path = wheel(tmp_path, tags=tags, members={MODULE: content})
    return running(audit_wheel(path), parse_target(text), load_knowledge())


@pytest.mark.parametrize(
    ("text", "version", "verdict"),
    [
        ("rhel:8", "GLIBC_2.28", Runs.YES),
        ("rhel:8", "GLIBC_2.29", Runs.NO),
        ("glibc:2.29", "GLIBC_2.29", Runs.YES),
        ("glibc:2.28", "GLIBC_2.29", Runs.NO),
        ("alpine:3.22", "GLIBC_2.28", Runs.NO),
        ("debian:12,arch=aarch64", "GLIBC_2.28", Runs.NO),
    ],
)
def test_versions_of_glibc(tmp_path: Path, text: str, version: str, verdict: Runs) -> None:
    symbol = {"GLIBC_2.28": "fcntl64", "GLIBC_2.29": "exp"}[version]
    library = LIBC if version == "GLIBC_2.28" else "libm.so.6"
    content = module(Import(symbol, version, library), needed=(library, LIBC))
    assert judged(tmp_path, text, content).verdict is verdict


def test_a_bare_glibc_says_nothing_of_other_libraries(tmp_path: Path) -> None:
    content = module(Import("x", "GLIBCXX_3.4.30", STDCXX), needed=(STDCXX, LIBC))
    assert judged(tmp_path, "glibc:2.28", content).verdict is Runs.UNSURE
    assert judged(tmp_path, "rhel:8", content).verdict is Runs.NO
    assert judged(tmp_path, "ubuntu:22.04", content).verdict is Runs.YES


def test_symbols_and_files_are_named(tmp_path: Path) -> None:
    found = judged(tmp_path, "ubuntu:20.04", module(needing("GLIBC_2.34", "pthread_create")))
    (trouble,) = found.troubles
    assert (trouble.member, trouble.library, trouble.symbols) == (MODULE, LIBC, ("pthread_create",))
    assert trouble.fatal


def test_a_library_that_may_be_missing_and_its_package(tmp_path: Path) -> None:
    found = judged(tmp_path, "debian:12", module(needed=("libGL.so.1", LIBC)))
    assert found.verdict is Runs.IF_INSTALLED
    assert [trouble.package for trouble in found.troubles] == ["libgl1"]


def test_a_library_that_nobody_promises(tmp_path: Path) -> None:
    found = judged(tmp_path, "glibc:2.36", module(needed=("libnobody.so.7", LIBC)))
    assert found.verdict is Runs.UNSURE
    assert "libnobody.so.7" in found.troubles[0].what


def test_what_a_loader_refuses_it_refuses_from_a_version_on(tmp_path: Path) -> None:
    assert judged(tmp_path, "debian:13", module(stack="rwx")).verdict is Runs.NO
    assert judged(tmp_path, "debian:12", module(stack="rwx")).verdict is Runs.YES


def test_without_compiled_files(tmp_path: Path) -> None:
    path = wheel(tmp_path, tags="py3-none-any", members={"demo/__init__.py": b""}, purelib=True)
    found = running(audit_wheel(path), parse_target("alpine:3.22"), load_knowledge())
    assert (found.verdict, found.has_files) == (Runs.YES, False)


def test_musl_by_its_symbols(tmp_path: Path) -> None:
    content = module(Import("statx"), needed=("libc.musl-x86_64.so.1",))
    tags = "cp312-cp312-musllinux_1_2_x86_64"
    assert judged(tmp_path, "alpine:3.23", content, tags).verdict is Runs.YES
    assert judged(tmp_path, "alpine:3.13", content, tags).verdict is Runs.NO


# ----- projects


def versions(*described: tuple[str, list[str], bool]) -> tuple[ProjectVersion, ...]:
    return tuple(
        ProjectVersion(
            version,
            tuple(Offer(WheelFilename.parse(f"demo-{version}-{tag}.whl")) for tag in tags),
            Source(f"demo-{version}.tar.gz") if source else None,
        )
        for version, tags, source in described
    )


def test_an_older_version_and_the_misses_before_it() -> None:
    offered = versions(
        ("3.0", ["cp312-cp312-manylinux_2_34_x86_64", "cp312-cp312-macosx_11_0_arm64"], False),
        ("2.0", [TAG], False),
        ("1.0", ["py3-none-any"], True),
    )
    found = project_answer(offered, listing(parse_target("rhel:7,python=3.12")))
    assert found.takes_version == "1.0"
    assert [(miss.version, miss.refusal.distance) for miss in found.misses] == [("3.0", 17), ("2.0", 11)]
    assert found.builds is None


def test_a_newer_source_distribution_comes_first() -> None:
    offered = versions(("2.0", [], True), ("1.0", [TAG], True))
    found = project_answer(offered, listing(parse_target("debian:12,python=3.12")))
    assert (found.takes_version, found.builds) == ("1.0", "2.0")
    newer = versions(("3.0", [], True), ("2.0", [], True), ("1.0", [TAG], True))
    assert project_answer(newer, listing(parse_target("debian:12,python=3.12"))).builds == "3.0"


def test_nothing_at_all() -> None:
    found = project_answer(versions(("1.0", [TAG], False)), listing(parse_target("alpine:3.22")))
    assert (found.takes, found.builds) == (None, None)
    assert [miss.refusal.axis for miss in found.misses] == [Axis.LIBC]


# ----- the command


def offer(index: IndexServer, version: str, tags: str, content: bytes | None = None, **more: Any) -> str:
    data = wheel_bytes(name="demo", version=version, tags=tags, members={MODULE: content or module()})
    name = f"demo-{version}-{tags}.whl"
    index.add_wheel(name, data, **more)
    return name


def test_a_requirement_downloads_what_is_taken_and_nothing_else(index: IndexServer, run: Run) -> None:
    old = offer(index, "1.0", "cp312-cp312-manylinux_2_17_x86_64")
    offer(index, "2.0", "cp312-cp312-manylinux_2_34_x86_64")
    code, out, _ = run("demo", "--on", "rhel:8,python=3.12", "--index-url", index.url)
    assert code == 0
    assert old in out and "not 2.0: needs glibc ≥ 2.34, this system has 2.28" in out
    assert index.paths() == ["/simple/demo/", f"/files/{old}"]


def test_without_audit_only_the_page_is_fetched(index: IndexServer, run: Run) -> None:
    offer(index, "1.0", TAG, module(needing("GLIBC_2.34", "pthread_create")))
    code, out, _ = run("demo", "--on", "rhel:8,python=3.12", "--index-url", index.url, "--no-audit")
    assert (code, index.paths()) == (0, ["/simple/demo/"])
    assert "  runs" not in out


def test_a_pin_that_does_not_fit_and_the_version_that_would(index: IndexServer, run: Run) -> None:
    old = offer(index, "1.0", "cp312-cp312-manylinux_2_17_x86_64")
    offer(index, "1.5", TAG, yanked="broken")
    offer(index, "2.0", "cp312-cp312-manylinux_2_34_x86_64")
    index.add_wheel("demo-2.0.tar.gz", b"")
    code, out, _ = run("demo==2.0", "--on", "rhel:8,python=3.12", "--index-url", index.url, "--no-audit")
    assert code == 1
    assert f"the newest version with a wheel that fits is 1.0: {old}" in out
    assert "2.0 has a source distribution" in out


def test_a_newer_source_is_said_to_be_built_first(index: IndexServer, run: Run) -> None:
    offer(index, "1.0", TAG)
    index.add_wheel("demo-2.0.tar.gz", b"", requires_python=">=3.8")
    index.add_wheel("demo-3.0.tar.gz", b"", requires_python=">=3.13")
    _, out, _ = run("demo", "--on", "rhel:8,python=3.12", "--index-url", index.url, "--no-audit")
    assert "pip builds 2.0 from source first" in out and "pip install 'demo==1.0'" in out


def test_what_is_taken_and_fails(index: IndexServer, run: Run) -> None:
    offer(index, "1.0", TAG, module(needing("GLIBC_2.34", "pthread_create")))
    code, out, _ = run("demo", "--on", "rhel:8,python=3.12", "--index-url", index.url)
    assert code == 1
    assert "it installs, then fails: demo/a.so needs GLIBC_2.34 of libc.so.6 (pthread_create)" in out


def test_the_nearest_miss_is_looked_into_where_its_bytes_may_do(index: IndexServer, run: Run) -> None:
    name = offer(index, "1.0", "cp312-cp312-manylinux_2_34_x86_64", module(Import("fcntl64", "GLIBC_2.28", LIBC)))
    code, out, _ = run("demo", "--on", "rhel:8,python=3.12", "--index-url", index.url)
    assert code == 1
    assert "it would run" in out and f"/files/{name}" in index.paths()
    index.requests.clear()
    run("demo", "--on", "alpine:3.22", "--index-url", index.url)
    assert index.paths() == ["/simple/demo/"]


def test_several_systems_and_the_same_answers_alone(index: IndexServer, run: Run) -> None:
    """The matrix is the single answers, side by side."""
    for version, tags in (("1.0", "cp312-cp312-manylinux_2_17_x86_64"), ("2.0", TAG), ("2.0", "py3-none-any")):
        offer(index, version, tags)
    offer(index, "3.0", "cp312-cp312-manylinux_2_34_x86_64", requires_python=">=3.12")
    targets = ["rhel:7,python=3.12", "rhel:8,python=3.12", "debian:12", "alpine:3.22", "debian:13,arch=aarch64"]
    every = [part for text in targets for part in ("--on", text)]
    together = json.loads(run("demo", *every, "--index-url", index.url, "--json", "--audit")[1])
    for number, text in enumerate(targets):
        alone = json.loads(run("demo", "--on", text, "--index-url", index.url, "--json")[1])
        assert alone["targets"] == [together["targets"][number]]
        assert alone["subjects"][0]["answers"] == [together["subjects"][0]["answers"][number]]
        rows = {row["wheel"]: row["refusals"] for row in together["subjects"][0]["matrix"]}
        for row in alone["subjects"][0]["matrix"]:
            assert row["refusals"] == [rows[row["wheel"]][number]]


@pytest.mark.parametrize("name", QUESTIONS)
def test_json_is_as_the_schema_says(name: str, run: Run, index: IndexServer, tmp_path: Path) -> None:
    question = QUESTIONS[name]
    if question.build is not None:
        question.build(tmp_path)
    for filename, requires_python in question.offered:
        index.add_wheel(filename, requires_python=requires_python)
    code, out, _ = run(question.name, *question.options, "--no-audit" if question.offered else "--audit", "--json",
                       "--index-url", index.url)  # fmt: skip
    document = json.loads(out)
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(document)
    assert document["subjects"][0]["fine"] is (code == 0)


def test_the_schema_leaves_nothing_open() -> None:
    """Every object of a real document has just the keys that the schema requires."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))

    def check(part: dict[str, Any]) -> None:
        if "properties" in part:
            assert part["required"] == list(part["properties"])
        for below in [*part.get("properties", {}).values(), *([part["items"]] if "items" in part else [])]:
            check(below)

    check(schema)


# ----- the page


class _Page(HTMLParser):
    VOID = frozenset({"meta", "!doctype"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_page_is_whole_and_by_itself(index: IndexServer, run: Run) -> None:
    name = offer(index, "1.0", TAG)
    offer(index, "1.0", "cp312-cp312-musllinux_1_2_x86_64")
    arguments = ("demo", "--all-releases", "--python", "3.12", "--index-url", index.url, "--format", "html")
    code, out, _ = run(*arguments)
    assert out == run(*arguments)[1]
    page = _Page()
    page.feed(out)
    assert page.open == [] and page.links == []
    assert name in page.text and "takes" in page.text
    assert code == 1, "RHEL 7 is in support until 2029, by contract"


def test_names_are_not_obeyed(run: Run, tmp_path: Path) -> None:
    member = "demo/<script>alert(1)</script>.so"
    wheel(tmp_path, tags=TAG, members={member: module(needing("GLIBC_2.34", "pthread_create"))})
    _, out, _ = run(f"demo-1.0-{TAG}.whl", "--on", "rhel:8,python=3.12", "--format", "html")
    assert "<script>" not in out and "&lt;script&gt;" in out


# ----- exit codes and bad input


def test_usage(run: Run) -> None:
    name = f"demo-1.0-{TAG}.whl"
    for arguments, says in (
        ((name, "--on", "debain:12"), "did you mean debian:12"),
        ((name, "--on", "debian:12", "--all-releases"), "--all-releases"),
        ((name, "--all-releases", "--arch", "mips"), "--arch mips"),
        ((name, "--pip", "new"), "9.0.1"),
        ((name, "--as-of", "today"), "YYYY-MM-DD"),
        ((name, "--interpreter", "a", "--on", "b", "--on", "c"), "--interpreter"),
        ((name, "--on", "debian:12", "--run"), "--run"),
        (("",), "an empty argument"),
        (("numpy @ https://example.invalid/x.whl", "--on", "debian:12"), "addresses are not fetched"),
    ):
        code, out, err = run(*arguments)
        assert (code, out) == (2, ""), arguments
        assert says in err and err.count("\n") == 1


def test_unreadable(run: Run, tmp_path: Path, index: IndexServer) -> None:
    broken = tmp_path / f"demo-1.0-{TAG}.whl"
    broken.write_bytes(b"no zip")
    (tmp_path / "empty").mkdir()
    for argument in (broken.name, f"dist/demo-1.0-{TAG}.whl", "not-a-wheel-name.whl", "empty", "nobody", "demo==9"):
        index.add_wheel("demo-1.0-py3-none-any.whl")
        code, out, err = run(argument, "--on", "debian:12", "--index-url", index.url)
        assert (code, out) == (3, ""), argument
        assert err.count("\n") == 1


def test_what_can_be_read_is_answered_all_the_same(run: Run, tmp_path: Path) -> None:
    good = wheel(tmp_path, tags="py3-none-any", members={})
    code, out, err = run(good.name, "missing/x-1-py3-none-any.whl", "--on", "debian:12")
    assert code == 3
    assert "yes, as py3-none-any" in out and "no such file" in err


@pytest.mark.parametrize(("line", "code"), [("Requires-Python: >=3.12", 1), ("Requires-Python: >=3.8", 0), ("", 0)])
def test_requires_python_of_a_wheel_at_hand(run: Run, tmp_path: Path, line: str, code: int) -> None:
    metadata = f"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n{line}\n\nRequires-Python: >=9\n".encode()
    path = wheel(tmp_path, tags="py3-none-any", members={}, metadata=metadata)
    found, out, _ = run(path.name, "--on", "debian:12")
    assert found == code
    assert ("needs Python >=3.12 (Requires-Python), and this is CPython 3.11" in out) is (code == 1)


def test_wheels_at_hand_are_looked_into_for_many_systems_too(run: Run, tmp_path: Path) -> None:
    name = wheel(tmp_path, tags=TAG, members={MODULE: module(needing("GLIBC_2.34", "pthread_create"))}).name
    systems = ("--on", "rhel:8,python=3.12", "--on", "debian:12,python=3.12")
    code, out, _ = run(name, *systems)
    assert code == 1 and "it installs, then fails" in out and "1 of 2 systems" in out
    assert run(name, *systems, "--no-audit")[0] == 0


def test_a_folder(run: Run, tmp_path: Path) -> None:
    (tmp_path / "dist").mkdir()
    for name in ("a", "b"):
        wheel(tmp_path / "dist", name=name, tags="py3-none-any", members={})
    code, out, _ = run("dist", "--on", "debian:12")
    assert code == 0
    assert out.index("a-1.0") < out.index("b-1.0")


def test_output_appears_in_the_file(run: Run, tmp_path: Path) -> None:
    name = f"demo-1.0-{TAG}.whl"
    code, out, _ = run(name, "--on", "debian:12,python=3.12", "-o", "answer.txt")
    assert (code, out) == (0, "")
    assert (tmp_path / "answer.txt").read_text(encoding="utf-8").startswith(name)


def test_this_system_by_default(run: Run) -> None:
    code, out, _ = run("demo-1.0-py3-none-any.whl")
    assert code == 0 and "yes, as py3-none-any" in out


def test_defaults_for_systems_that_do_not_say(run: Run) -> None:
    name = f"demo-1.0-{TAG}.whl"
    document = json.loads(
        run(name, "--on", "debian:12", "--on", "debian:12,python=3.9", "--python", "3.12", "--json")[1]
    )
    assert [target["python"]["tag"] for target in document["targets"]] == ["cp312", "cp39"]


# ----- os-release


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('ID=debian\nVERSION_ID="12"\n', "debian:12"),
        ('ID=ubuntu\nVERSION_ID="20.04"\n', "ubuntu:20.04"),
        ('ID="rhel"\nVERSION_ID="8.9"\n', "rhel:8"),
        ('NAME="CentOS Stream"\nID="centos"\nVERSION_ID="9"\n', "centos:stream9"),
        ('NAME="CentOS Linux"\nID="centos"\nVERSION_ID="7"\n', "centos:7"),
        ("ID=alpine\nVERSION_ID=3.19.1\n", "alpine:3.19"),
        ('ID="amzn"\nVERSION_ID="2"\n', "amazonlinux:2"),
        ('ID="rocky"\nVERSION_ID="9.3"\n', "rockylinux:9"),
        ('ID="ol"\nVERSION_ID="8.9"\n', "oraclelinux:8"),
        ('ID="opensuse-leap"\nVERSION_ID="15.6"\n', "opensuse:15.6"),
        ("ID=debian\n", None),
        ("", None),
        ("ID='debian\nVERSION_ID=12\n", None),
        ("# ID=debian\nVERSION_ID=12", None),
    ],
)
def test_os_release(text: str, expected: str | None) -> None:
    assert release_id(parse_os_release(text)) == expected
    assert expected is None or any(release.id == expected for release in load_knowledge().releases)


def test_a_release_in_name_only_is_a_c_library(tmp_path: Path) -> None:
    """A root that says that it is Debian 12, and has another glibc, is judged by that glibc."""
    target = parse_target("glibc:2.41,python=3.12")._replace(release="debian:12")
    path = wheel(
        tmp_path, tags=TAG, members={MODULE: module(Import("x", "GLIBCXX_3.4.30", STDCXX), needed=(STDCXX, LIBC))}
    )
    found = running(audit_wheel(path), target, load_knowledge())
    assert found.judged_by == "glibc 2.41"


def test_compatible_is_the_verdict() -> None:
    """A spot check of what tests/property/test_explain.py has at length."""
    target = parse_target("debian:12,python=3.12")
    assert compatible(TAG, target) and of(f"demo-1.0-{TAG}.whl", "debian:12,python=3.12").accepted
