"""`perennial.lean_typing.NamedTuple` against typing's own."""

from __future__ import annotations

import copy
import keyword
import pickle
import subprocess
import sys
import typing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial import lean_typing
from perennial.elf.model import TlsSegment


def _name(text: str) -> bool:
    return not keyword.iskeyword(text)


FIELDS = st.lists(st.from_regex(r"[a-z][a-z_0-9]{0,5}", fullmatch=True).filter(_name), unique=True, max_size=30)


def make(base: Any, fields: list[str], defaults: list[int]) -> Any:
    """A class with these fields, of which the last have defaults."""
    body: dict[str, Any] = dict(zip(reversed(fields), reversed(defaults), strict=False))
    lines = [f"    {field}: int = body[{field!r}]" if field in body else f"    {field}: int" for field in fields]
    source = "\n".join(["class Pair(base):", "    'Two of them.'", *lines, "    def total(self): return sum(self)"])
    space = {"base": base, "body": body, "__name__": __name__}
    exec(compile(f"from __future__ import annotations\n{source}", "<fields>", "exec"), space)
    return space["Pair"]


@given(FIELDS, st.lists(st.integers(), max_size=5), st.data())
def test_it_is_what_typing_makes(fields: list[str], defaults: list[int], data: st.DataObject) -> None:
    theirs, ours = make(typing.NamedTuple, fields, defaults), make(lean_typing.NamedTuple, fields, defaults)
    given_fields = fields[: data.draw(st.integers(max(len(fields) - len(defaults), 0), len(fields)))]
    positional = data.draw(st.integers(0, len(given_fields)))
    arguments = list(range(positional))
    named = {field: -number for number, field in enumerate(given_fields[positional:])}
    mine, other = ours(*arguments, **named), theirs(*arguments, **named)

    assert mine == other
    assert hash(mine) == hash(other)
    assert repr(mine) == repr(other)
    assert mine._asdict() == other._asdict()
    assert mine.total() == other.total()
    assert tuple(ours._make(mine)) == tuple(theirs._make(other))
    assert [getattr(mine, field) for field in fields] == list(other)
    for attribute in ("_fields", "_field_defaults", "__match_args__", "__doc__", "__name__", "__module__", "__slots__"):
        assert getattr(ours, attribute) == getattr(theirs, attribute)
    assert not hasattr(mine, "__dict__")
    for field in fields:
        assert mine._replace(**{field: 77}) == other._replace(**{field: 77})
    assert copy.deepcopy(mine) == mine


@pytest.mark.parametrize(("arguments", "named"), [((), {}), ((1, 2, 3), {}), ((1,), {"first": 2}), ((1, 2), {"x": 3})])
def test_wrong_arguments_are_refused_as_typing_does(arguments: tuple[int, ...], named: dict[str, int]) -> None:
    ours, theirs = (make(base, ["first", "second"], []) for base in (lean_typing.NamedTuple, typing.NamedTuple))
    with pytest.raises(TypeError) as mine:
        ours(*arguments, **named)
    with pytest.raises(TypeError) as other:
        theirs(*arguments, **named)
    assert str(mine.value) == str(other.value)


@pytest.mark.parametrize("base", [typing.NamedTuple, lean_typing.NamedTuple])
def test_derived_classes_keep_the_fields(base: Any) -> None:
    pair = make(base, ["first", "second"], [7])
    body = {
        "__annotations__": {"note": "str"},
        "note": "annotated, and no field",
        "twice": lambda self: 2 * self.total(),
    }
    derived_class: Any = type("Derived", (pair,), body)
    derived = derived_class(1)
    assert derived == (1, 7)
    assert (derived.first, derived.second, derived.twice(), derived.note) == (1, 7, 16, "annotated, and no field")
    assert type(derived._replace(first=2)) is derived_class
    assert repr(derived) == "Derived(first=1, second=7)"
    assert derived_class._fields == pair._fields


def test_classes_that_threads_make_at_once_do_not_mix_up_fields() -> None:
    """Modules are imported when they are needed, and that may be in several threads."""
    program = """
import sys, threading
from perennial import lean_typing
sys.setswitchinterval(1e-6)
fields = [f"field{number}" for number in range(3000)]
made, barrier = [], threading.Barrier(8)
def make():
    body = {"__annotations__": dict.fromkeys(fields)}
    barrier.wait()
    made.append(type(lean_typing.NamedTuple)("Many", (lean_typing.NamedTuple,), body))
threads = [threading.Thread(target=make) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
numbers = list(range(3000))
sys.exit([[getattr(kind(*numbers), field) for field in fields] for kind in made] != [numbers] * 8)
"""
    for _ in range(3):
        assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("base", [typing.NamedTuple, lean_typing.NamedTuple])
def test_classes_that_typing_refuses(base: Any) -> None:
    with pytest.raises(ValueError, match="underscore"):
        make(base, ["_first"], [])
    source = "class Pair(base):\n    first: int = 1\n    second: int"
    with pytest.raises(TypeError, match="default"):
        exec(source, {"base": base, "__name__": __name__})


@pytest.mark.parametrize("base", [typing.NamedTuple, lean_typing.NamedTuple])
def test_wrong_names_and_counts_are_errors(base: Any) -> None:
    pair = make(base, ["first", "second"], [])
    with pytest.raises((TypeError, ValueError), match="unexpected field names"):
        pair(1, 2)._replace(third=3)
    with pytest.raises(TypeError, match="Expected 2 arguments, got 1"):
        pair._make([1])


def test_values_of_the_package_can_be_pickled_and_matched() -> None:
    segment = TlsSegment(8, alignment=4)
    assert pickle.loads(pickle.dumps(segment)) == segment  # noqa: S301 - our own bytes
    assert isinstance(segment, tuple)
    match segment:
        case TlsSegment(size, alignment=alignment):
            assert (size, alignment) == (8, 4)


def test_an_audit_does_not_import_typing() -> None:
    program = "import sys, perennial.cli.show, perennial.report.human; sys.exit('typing' in sys.modules)"
    environment = {"PYTHONPATH": str(Path(lean_typing.__file__).parent.parent)}
    command = [sys.executable, "-S", "-c", program]  # without site, which may import it for others
    assert subprocess.run(command, env=environment, check=False).returncode == 0
