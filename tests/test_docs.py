"""The documentation is complete, its links lead somewhere, and its examples do what it says.

Blocks that run:

- ```console: each `$ command` is run in an empty folder with the wheels of the set that the
  comment before the block names (`<!-- wheels: honest -->`, sets: tests/support/example_wheels.py),
  and standard output and error are compared. Commands are perennial itself and a handful of
  others (`_Shell`). Exit codes other than 0 and 1 have to be asked for with `$ echo $?`. A line
  `...` stands for any number of lines. What depends on what compresses (the row `size`), and on the
  build of the shim, is not compared;
- ```python: run in order, with one namespace a page; the next ```text block is what it prints;
- ```toml with `[tool.perennial]` is read as a configuration, and commands of perennial anywhere
  in the other blocks are parsed.

`<!-- wheels: from the index -->` marks a block that needs the network (marker `wheels`).
PERENNIAL_REWRITE_DOCS=1 writes what was printed into the pages (then look at the difference);
where `...` is all that was expected, it stays, and the findings follow it.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

import perennial
from perennial.audit.checks import RULES
from perennial.cli.config import _KEYS, load_config
from perennial.cli.exit_codes import ExitCode
from perennial.cli.main import COMMANDS, full_parser, load, main, make_parser, parse
from perennial.coload.rules import RULES as COLOAD_RULES
from perennial.errors import FetchError
from perennial.knowledge.tables import DATA
from perennial.knowledge.treatments import TreatmentKind
from tests.support.example_wheels import SETS

ROOT: Final = Path(__file__).parent.parent
DOCS: Final = ROOT / "docs"
PAGES: Final = tuple(sorted(page for page in DOCS.rglob("*.md") if "_build" not in page.parts))
NETWORK: Final = "from the index"
REWRITE: Final = bool(os.environ.get("PERENNIAL_REWRITE_DOCS"))

# ----- blocks


class Block(NamedTuple):
    """A fenced block. `wheels` is the set that the comment before it names, None without one."""

    page: Path
    line: int
    language: str
    wheels: str | None
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


_BLOCK: Final = re.compile(
    r"(?:^[ ]*<!-- wheels: (?P<wheels>[^>]*?) -->\n\n?)?"
    r"^(?P<indent>[ ]*)```(?P<language>[^\s`]*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


def blocks_of(page: Path) -> Iterator[Block]:
    content = page.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(content):
        indent = len(found["indent"])
        text = "".join(line[indent:] if line.strip() else "\n" for line in found["text"].splitlines(keepends=True))
        yield Block(page, content.count("\n", 0, found.start("language")) + 1, found["language"], found["wheels"], text)


BLOCKS: Final = tuple(block for page in PAGES for block in blocks_of(page))


def rewrite(block: Block, text: str) -> None:
    """Puts what was printed in the place of what was expected."""
    content = block.page.read_text(encoding="utf-8")
    content = content.replace(f"```{block.language}\n{block.text}```", f"```{block.language}\n{text}```", 1)
    block.page.write_text(content, encoding="utf-8", newline="\n")


def marked(blocks: Iterator[Block]) -> list[Any]:
    return [
        pytest.param(block, id=str(block), marks=pytest.mark.wheels if block.wheels == NETWORK else ())
        for block in blocks
    ]


@pytest.fixture
def isolated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty folder to stand in, and no setting of this machine's that could show in the output."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")
    return folder


def cut_off(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No index, no cache, no configuration, and nothing that was learned."""
    for name in [name for name in os.environ if name.startswith(("PIP_", "PERENNIAL_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PERENNIAL_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PERENNIAL_DATA_DIR", str(tmp_path / "data"))


# ----- console sessions


class _Shell:
    """Runs the few commands that the pages use, and perennial in this process."""

    def __init__(self) -> None:
        self.code = 0

    def run(self, line: str) -> str:
        if line == "echo $?":
            code, self.code = self.code, 0
            return f"{code}\n"
        assert self.code in (ExitCode.OK, ExitCode.FINDINGS), f"exit code {self.code} is not shown"
        words = shlex.split(line)
        target = None
        if len(words) > 2 and words[-2] == ">":
            target = Path(words[-1])
            words = words[:-2]
        words = [name for word in words for name in self._expand(word)]
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(out):
            self.code = self._call(words)
        if target is None:
            return out.getvalue()
        target.write_text(out.getvalue(), encoding="utf-8")
        return ""

    @staticmethod
    def _expand(word: str) -> list[str]:
        return sorted(map(str, Path().glob(word))) if "*" in word else [word]

    def _call(self, words: list[str]) -> int:
        match words:
            case ["perennial", *arguments]:
                try:
                    return main(arguments)
                except SystemExit as stop:
                    return int(stop.code or 0)
            case ["mv", source, target]:
                shutil.move(source, target)
            case ["unzip", "-p", archive, member]:
                with zipfile.ZipFile(archive) as opened:
                    sys.stdout.write(opened.read(member).decode())
            case ["cat", path]:
                sys.stdout.write(Path(path).read_text(encoding="utf-8"))
            case ["python", "-m", "pip", "download", *arguments]:
                command = [sys.executable, "-m", "pip", "download", *arguments]
                if subprocess.run(command, capture_output=True, check=False).returncode:
                    return ExitCode.UNREADABLE
            case _:
                raise AssertionError(f"{words[0]}: the tests do not know this command; put it into a sh block")
        return 0


def sessions(text: str) -> Iterator[tuple[str, str]]:
    """Each command of a session with what it is expected to print."""
    command, expected = "", ""
    for line in text.splitlines(keepends=True):
        if line.startswith("$ "):
            if command:
                yield command, expected
            command, expected = line[2:].rstrip("\n"), ""
        elif command.endswith("\\"):
            command = f"{command[:-1].rstrip()} {line.strip()}"
        else:
            assert command, f"output before the first command: {line!r}"
            expected += line
    yield command, expected


def settled(text: str) -> str:
    """Without what changes with each build of the shim (its hash and its size), and with what compresses."""
    text = re.sub(r"(libperennial-shim\w*-\w+)-[0-9a-f]{8}\.so", r"\1-0.so", text)
    text = re.sub(r"[\d,]+ bytes(?=, for | from libperennial-)", "0 bytes", text)
    return re.sub(r"^(  size ).*$", r"\1", text, flags=re.MULTILINE)


def agrees(expected: str, printed: str) -> bool:
    """Whether they are the same, where a line `...` stands for any lines; trailing empty lines do not count."""
    expected, printed = settled(expected), settled(printed)
    parts = [re.escape(part) for part in re.split(r"^\.\.\.\n", expected.rstrip("\n") + "\n", flags=re.MULTILINE)]
    return re.fullmatch("(?:.*\n)*?".join(parts), printed.rstrip("\n") + "\n") is not None


@pytest.mark.parametrize("block", marked(block for block in BLOCKS if block.language == "console"))
def test_console_sessions(block: Block, isolated: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert block.wheels is not None, "say which wheels are there: <!-- wheels: none -->"
    if block.wheels != NETWORK:
        cut_off(monkeypatch, tmp_path)
        SETS[block.wheels](isolated)
    shell = _Shell()
    rewritten = ""
    disagreement = None
    for command, expected in sessions(block.text):
        printed = shell.run(command)
        if block.wheels == NETWORK and shell.code == ExitCode.UNREADABLE:
            pytest.skip(f"no wheel from the index: {printed}")
        fits = agrees(expected, printed) and not (REWRITE and expected == "...\n")
        if not fits and disagreement is None:
            disagreement = (command, expected, printed)
        if REWRITE and expected == "...\n":
            printed = "...\n" + printed.partition("\n\n")[2]
        rewritten += f"$ {command}\n" + (
            expected if fits and "..." in expected else printed.rstrip("\n") + "\n" * bool(printed)
        )
    assert shell.code in (ExitCode.OK, ExitCode.FINDINGS), f"exit code {shell.code} is not shown"
    if disagreement is not None and REWRITE:
        rewrite(block, rewritten)
    elif disagreement is not None:
        command, expected, printed = disagreement
        assert printed == expected, command


# ----- Python


def python_pages() -> list[Any]:
    return [
        pytest.param(page, id=str(page.relative_to(ROOT)))
        for page in PAGES
        if any(block.page == page and block.language == "python" for block in BLOCKS)
    ]


@pytest.mark.parametrize("page", python_pages())
def test_python_blocks(page: Path, isolated: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cut_off(monkeypatch, tmp_path)
    own = [block for block in BLOCKS if block.page == page]
    namespace: dict[str, object] = {"__name__": "__main__"}
    for block, following in pairwise([*own, Block(page, 0, "", None, "")]):
        if block.language != "python":
            continue
        if block.wheels is not None:
            SETS[block.wheels](isolated)
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(compile(block.text, str(block), "exec"), namespace)
        expected = following.text if following.language == "text" else ""
        if REWRITE and expected and not agrees(expected, out.getvalue()):
            rewrite(following, out.getvalue())
        elif expected or out.getvalue():
            assert out.getvalue() == expected or agrees(expected, out.getvalue()), f"{block}\n{out.getvalue()}"


# ----- what is not run is at least right


_CALL: Final = re.compile(rf"(?:^|[\s\"'])perennial ((?:{'|'.join(COMMANDS)})\b[^\n\"]*)", re.MULTILINE)


@pytest.mark.parametrize(
    "block",
    marked(block for block in BLOCKS if block.language in ("sh", "yaml", "toml") and "perennial " in block.text),
)
def test_commands_parse(block: Block) -> None:
    for call in _CALL.findall(block.text.replace("\\\n", " ")):
        words = list(takewhile(lambda word: word not in (">", "|", "&&", ";"), shlex.split(call, comments=True)))
        name, *arguments = words
        # a wheel more: what a service or xargs adds
        arguments += ["demo.whl"] if name in ("show", "check") else []
        parse(load(name), make_parser(load(name), name), arguments)


@pytest.mark.parametrize(
    "block", marked(block for block in BLOCKS if "[tool.perennial]" in block.text and block.language == "toml")
)
def test_configurations_are_valid(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text(block.text, encoding="utf-8")
    config = load_config(str(path), tmp_path)
    assert set(config.ignore) | set(config.select) <= RULES.keys()


# ----- completeness


def read(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def first_cells(text: str) -> set[str]:
    """What stands in backticks in the first cells of all tables."""
    rows = re.findall(r"^\| (`[^|]*`)", text, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([^`]*)`", row)}


def subparsers() -> dict[str, argparse.ArgumentParser]:
    """Every command, and every action of those that have some: `policy`, `policy show`."""
    return dict(_below(full_parser(), ""))


def _below(parser: argparse.ArgumentParser, prefix: str) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                yield f"{prefix}{name}", below
                yield from _below(below, f"{prefix}{name} ")


def options_of(parser: argparse.ArgumentParser) -> set[str]:
    return {option for action in parser._actions for option in action.option_strings}


def test_commands_and_options_are_documented() -> None:
    page = read("reference/cli.md")
    documented = {cell.split(" ")[0] for cell in first_cells(page) if cell.startswith("-")}
    real = options_of(full_parser())
    for name, parser in subparsers().items():
        assert f"## `perennial {name}`" in page, name
        real |= options_of(parser)
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                continue
            for choice in action.choices or ():
                assert f"`{choice}`" in page, f"{name}: the choice {choice}"
    assert documented == real


def test_exit_codes_are_documented() -> None:
    page = read("reference/cli.md")
    assert {cell for cell in first_cells(page) if cell.isdigit()} == {str(int(code)) for code in ExitCode}


def test_environment_variables_are_documented() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    names = set(
        re.findall(r"\b(?:PERENNIAL_[A-Z_]+|PIP_CONFIG_FILE|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|SSL_CERT_\w+)\b", source)
    )
    assert names <= first_cells(read("reference/cli.md"))


def test_configuration_keys_are_documented() -> None:
    assert first_cells(read("how-to/configure.md")) == _KEYS.keys()


SECTIONS: Final = (
    "What it means",
    "Mechanism and source",
    "Example",
    "Severity",
    "How to fix it",
    "When to ignore it",
    "Related rules",
)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_every_rule_has_its_page(rule: Any) -> None:
    page = read(f"{rule.page}.md")
    assert page.startswith(f"# {rule.id}\n\n**{rule.title}.**\n"), (
        f"should begin with # {rule.id} and **{rule.title}.**"
    )
    assert [name for name in re.findall(r"^## (.*)$", page, re.MULTILINE) if name in SECTIONS] == list(SECTIONS)
    examples = [b for b in BLOCKS if b.page == DOCS / f"{rule.page}.md" and b.language == "console"]
    assert any(b.wheels == rule.id and f" {rule.id}  " in b.text for b in examples), "no example in which it speaks"


@pytest.mark.parametrize("rule", COLOAD_RULES.values(), ids=COLOAD_RULES)
def test_every_rule_about_several_packages_has_its_page(rule: Any) -> None:
    """Their examples are the reproducers of tests/coload, which are programs and no console session."""
    page = read(f"{rule.page}.md")
    assert page.startswith(f"# {rule.id}\n\n**{rule.title}.**\n")
    wanted = [name for name in SECTIONS if name != "Example" or rule.id in RULES]
    assert [name for name in re.findall(r"^## (.*)$", page, re.MULTILINE) if name in SECTIONS] == wanted


def test_rule_pages_and_index_are_those_of_the_rules() -> None:
    pages = {page.stem for page in (DOCS / "reference/rules").glob("*.md")} - {"index"}
    assert pages == RULES.keys() | COLOAD_RULES.keys()
    listed = re.findall(r"^\| \[([a-z0-9-]+)\]\(([a-z0-9-]+)\.md\)", read("reference/rules/index.md"), re.MULTILINE)
    assert [name for name, _ in listed] == [*RULES, *(name for name in COLOAD_RULES if name not in RULES)]
    assert all(name == target for name, target in listed)


def schema_objects(schema: dict[str, Any], path: str) -> Iterator[tuple[str, set[str]]]:
    """Every object of a schema: its path, with [] for each list on the way, and its keys; those of $defs by their
    names.
    """
    for name, definition in schema.get("$defs", {}).items():
        yield from schema_objects(definition, name)
    while schema.get("type") == "array":
        schema, path = schema["items"], f"{path}[]"
    properties: dict[str, Any] = schema.get("properties", {})
    if properties:
        yield path, set(properties)
    for key, value in properties.items():
        yield from schema_objects(value, f"{path}.{key}".lstrip("."))


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("report-1", "json"),
        ("repair-1", "json-repair"),
        ("lowered-1", "lowered-json"),
        ("explain-1", "explain-json"),
        ("coload-1", "json-coload"),
    ],
)
def test_every_key_of_the_schema_is_documented(name: str, page: str) -> None:
    schema = json.loads((ROOT / f"src/perennial/schema/{name}.json").read_text(encoding="utf-8"))
    documented: dict[str, set[str]] = {}
    for section in re.split(r"^## ", read(f"reference/{page}.md"), flags=re.MULTILINE)[1:]:
        title, _, body = section.partition("\n")
        for path in re.findall(r"`([^`]*)`", title):
            documented["" if path == "the document" else path] = first_cells(body)
    objects = dict(schema_objects(schema, ""))
    assert {path: documented.get(path) for path in objects} == objects


def test_tables_of_the_knowledge_are_documented() -> None:
    page = read("reference/knowledge.md")
    for path in (*Path(DATA).glob("*.tsv"), *Path(DATA).glob("treatments/*.tsv")):
        assert f"`{path.name}`" in page
        rows = path.read_text(encoding="utf-8").splitlines()
        for column in next(row for row in rows if not row.startswith("#")).split("\t"):
            assert f"`{column}`" in page, (path.name, column)


def test_kinds_of_treatments_are_documented() -> None:
    assert {kind.value for kind in TreatmentKind} <= first_cells(read("reference/knowledge.md"))


def test_the_public_interface_is_documented() -> None:
    page = read("reference/api.md")
    for name in perennial.__all__:
        assert re.search(rf"^#+ .*`{name}\b", page, re.MULTILINE) or f"| `{name}`" in page, name


# ----- links


_LINK: Final = re.compile(r"(?<!!)\[(?:[^\]\[]|\[[^\]]*\])*\]\(([^)\s]+)\)")


def links_of(page: Path) -> Iterator[str]:
    prose = re.sub(r"^[ ]*```.*?^[ ]*```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    prose = re.sub(r"`[^`\n]*`", "", prose)
    yield from _LINK.findall(prose)


def slugs(page: Path) -> set[str]:
    """Anchors as myst makes them (the `github` style): lower case, punctuation dropped, blanks to dashes."""
    content = page.read_text(encoding="utf-8")
    for included in re.findall(r"^```\{include\} (.*)$", content, re.MULTILINE):
        content += (page.parent / included).read_text(encoding="utf-8")
    titles = re.findall(r"^#+ (.*)$", content, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize(
    "page", [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md"], ids=lambda page: str(page.relative_to(ROOT))
)
def test_relative_links_resolve(page: Path) -> None:
    for link in links_of(page):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), link
        if anchor and path.suffix == ".md":
            assert anchor in slugs(path), link


def test_every_page_is_in_a_toctree() -> None:
    listed = set()
    for page in PAGES:
        for tree in re.findall(
            r"^```\{toctree\}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
        ):
            for line in tree.splitlines():
                if line.strip() and not line.startswith(":"):
                    name = re.sub(r"^.*<(.*)>$", r"\1", line.strip())
                    target = (page.parent / f"{name}.md").resolve()
                    assert target.exists(), (page, line)
                    listed.add(target)
    assert {page.resolve() for page in PAGES} - listed == {(DOCS / "index.md").resolve()}


def test_network_errors_are_what_the_marker_skips() -> None:
    """`UNREADABLE` is what a FetchError becomes: else the sessions above would skip for another reason."""
    assert issubclass(FetchError, perennial.UnreadableError)
