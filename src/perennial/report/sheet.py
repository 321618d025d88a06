"""A report for people, as rows of styled text, before it is known whether a terminal shows it.

On a terminal rich lays the rows out in colour and in its width; anywhere else they are
plain lines, one row a line, the same on every machine.
"""

from __future__ import annotations

from collections.abc import Iterable

from perennial.errors import printable
from perennial.lean_typing import IO, Final, NamedTuple


class Span(NamedTuple):
    """A run of text; `style` is a name from `_STYLES`, or empty."""

    text: str
    style: str = ""


class Row(NamedTuple):
    """A line: a label, or none for lines that continue the one above, and what it says."""

    label: str
    spans: tuple[Span, ...]
    indent: int = 2


Sheet = tuple[Row, ...]

BLANK: Final = Row("", (), 0)
_LABEL_WIDTH: Final = 14
_STYLES: Final = {
    "title": "bold",
    "good": "bold green",
    "bad": "bold red",
    "error": "bold red",
    "warning": "yellow",
    "info": "cyan",
    "name": "bold",
    "dim": "dim",
}


def row(label: str, *spans: str | Span, indent: int = 2) -> Row:
    return Row(label, tuple(Span(span) if isinstance(span, str) else span for span in spans), indent)


def write_sheet(rows: Iterable[Row], stream: IO[str]) -> None:
    """Writes rows to a stream, laid out for what it is."""
    if stream.isatty():
        _write_terminal(tuple(rows), stream)
    else:
        stream.write(as_plain(rows))


def as_plain(rows: Iterable[Row]) -> str:
    lines: list[str] = []
    for current in rows:
        label = printable(current.label.ljust(_LABEL_WIDTH) if current.indent else current.label)
        text = "".join(printable(span.text) for span in current.spans)
        lines.append(f"{' ' * current.indent}{label}{text}".rstrip())
    return "".join(f"{line}\n" for line in lines)


def _write_terminal(rows: Sheet, stream: IO[str]) -> None:
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    console = Console(file=stream, highlight=False, soft_wrap=False)
    for current in rows:
        text = Text.assemble(*((printable(span.text), _STYLES.get(span.style, "")) for span in current.spans))
        if not current.indent:
            console.print(Text.assemble((printable(current.label), _STYLES["title"]), text), soft_wrap=True)
            continue
        # A grid, so that long lines wrap below their own beginning.
        grid = Table.grid(padding=0)
        grid.add_column(width=_LABEL_WIDTH, no_wrap=True, style="dim")
        grid.add_column(overflow="fold")
        grid.add_row(printable(current.label), text)
        console.print(Padding(grid, (0, 0, 0, current.indent)))
