"""What debuggers and loaders write, as values."""

from __future__ import annotations

from perennial.coload.run.bindings import parse_bindings
from perennial.coload.run.ddmin import ddmin
from perennial.coload.run.debugger import parse_frames, top_frame
from perennial.coload.run.environment import Environment
from perennial.coload.run.model import Frame

ENVIRONMENT = Environment("/s", ("/s/lib",), (), {})


def test_frames() -> None:
    """gdb 13, with arguments whose values are not printed; C++ names have spaces and parentheses of their own."""
    text = (
        "[Inferior 1 (process 7)]\nProgram received signal SIGSEGV, Segmentation fault.\n"
        "0x0000000000000000 in ?? ()\n"
        "#0  0x0000000000000000 in ?? ()\n"
        "#1  0x00007ffff7aac057 in __pthread_once_slow (once_control=..., init=...) at ./nptl/pthread_once.c:116\n"
        "#2  0x00007fffd755dc4a in void std::call_once<void (&)()>(std::once_flag&, void (&)()) () from /s/lib/a/b.so\n"
        "#3  main (argc=...) at main.c:9\n"
    )
    frames = parse_frames(text, "SIGSEGV", ENVIRONMENT)
    assert frames == (
        Frame(None, None),
        Frame("__pthread_once_slow", "./nptl/pthread_once.c"),
        Frame("void std::call_once<void (&)()>(std::once_flag&, void (&)())", "a/b.so"),
        Frame("main", "main.c"),
    )
    assert top_frame(frames) == "__pthread_once_slow"
    assert parse_frames(text, "SIGABRT", ENVIRONMENT) == ()
    assert parse_frames("[Inferior 1 (process 7) exited normally]", "SIGSEGV", ENVIRONMENT) == ()


def test_bindings() -> None:
    lines = [
        b"      7:\tbinding file /usr/lib/libx.so.6 [0] to /s/lib/a/./libb.so [0]: normal symbol `f' [V_1]\n",
        b"      7:\tbinding file /s/lib/a/c.so [0] to /usr/lib/libx.so.6 [0]: protected symbol `g'\n",
        b"      7:\tcalling init: /s/lib/a/c.so\n",
        b"      7:\tbinding file /s/lib/a/c.so [0] to /s/lib/a/c.so [0]: normal symbol `g'\n",
    ]
    assert parse_bindings(lines, ENVIRONMENT) == {
        ("/usr/lib/libx.so.6", "f", "V_1"): "a/libb.so",
        ("a/c.so", "g", None): "a/c.so",
    }


def test_ddmin() -> None:
    """Any set that is needed is found, whatever else is given; and no set is tried twice."""
    for needed in ({3}, {0, 99}, {7, 8, 50}, set(range(0, 100, 9))):
        asked: list[frozenset[int]] = []

        def has_effect(part: object, needed: set[int] = needed, asked: list[frozenset[int]] = asked) -> bool:
            assert isinstance(part, tuple)
            asked.append(frozenset(part))
            return needed <= set(part)

        assert set(ddmin(range(100), has_effect)) == needed
        assert len(asked) == len(set(asked))
