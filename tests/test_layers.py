"""Imports go down the list of layers, never up, and the packages below `index` ask nothing of this machine."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import perennial

ROOT = Path(perennial.__file__).parent

# The layout of docs/development/architecture.md, lowest first; one line may import from itself.
LAYERS = (
    {"lean_typing"},
    {"errors", "arch", "symbol_version", "platform_tag", "finding", "progress"},
    {"elf"},
    {"wheel"},
    {"system"},
    {"knowledge"},
    {"policy"},
    {"audit"},
    {"lower"},
    {"tags"},
    {"coload"},
    {"report"},
    {"repair"},
    {"index"},
    {"learn"},
    {"api", "rewriting"},
    {"cli"},
    {"__init__", "__main__"},
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
MODULES = sorted(ROOT.rglob("*.py"))

# Modules that a package which only turns values into values has no business with.
AMBIENT = {"platform", "socket", "time", "datetime", "locale", "getpass", "tempfile", "subprocess", "urllib.request"}
PURE = ("elf", "wheel", "system", "knowledge", "policy", "audit", "lower", "tags", "repair")
# Whose business it is: this Python, and, where one says so, another one; what this machine's folders have.
ASKING = ("tags/here.py", "tags/ask.py", "repair/host.py")


def _room(path: Path) -> str:
    relative = path.relative_to(ROOT)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_down(path: Path) -> None:
    own = LEVEL[_room(path)]
    for name in _imports(path):
        parts = name.split(".")
        if parts[0] == "perennial" and len(parts) > 1 and parts[1] in LEVEL:
            assert LEVEL[parts[1]] <= own, f"{path.relative_to(ROOT)} imports {name} from a layer above it"


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if _room(path) in PURE and path.relative_to(ROOT).as_posix() not in ASKING],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_pure_packages_ask_nothing_of_the_machine(path: Path) -> None:
    for name in _imports(path):
        # patchelf is another program, which reads and writes files
        assert name not in AMBIENT or (path == ROOT / "repair" / "patchelf.py" and name in {"subprocess", "tempfile"})
    source = path.read_text(encoding="utf-8")
    if path == ROOT / "repair" / "scripts.py":
        source = source.partition("_SHIM = ")[0]  # a script that runs on other machines
    for call in ("os.environ", "getenv", "sys.argv", "sys.platform", "confstr", "uname"):
        assert call not in source


def test_every_room_has_its_place() -> None:
    assert {_room(path) for path in MODULES} <= LEVEL.keys()


def test_files_fit_a_head() -> None:
    long = {str(path.relative_to(ROOT)) for path in MODULES if len(path.read_text(encoding="utf-8").splitlines()) > 400}
    assert not long, "a long file is two concepts"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_imports_typing(path: Path) -> None:
    assert path.name == "lean_typing.py" or "typing" not in _imports(path)
