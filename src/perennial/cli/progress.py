"""A progress bar for downloads; rich is imported only when there is a terminal to draw on."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from perennial.lean_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

    from perennial.progress import Progress


@contextlib.contextmanager
def progress_on_stderr(*, bytes_: bool = True) -> Iterator[Progress | None]:
    """A progress bar on standard error where that is a terminal, and None where it is not.

    `bytes_` is whether what is counted is bytes.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TransferSpeedColumn
    from rich.table import Column

    amount = (DownloadColumn(), TransferSpeedColumn()) if bytes_ else (MofNCompleteColumn(),)
    # A wheel's name is as long as a terminal is wide: it gets what the others leave.
    name = TextColumn("{task.description}", table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"))
    # Transient: the report that follows is what people want to keep.
    bars = Progress(name, BarColumn(20), *amount, console=Console(stderr=True), transient=True, expand=True)
    bar = ProgressBar(bars)
    try:
        yield bar
    finally:
        bar.finish()


class ProgressBar:
    """Draws one file at a time with the given rich.progress.Progress."""

    def __init__(self, bars: RichProgress) -> None:
        self._bars = bars

    def start(self, name: str, total: int | None) -> None:
        for task in self._bars.task_ids:
            self._bars.remove_task(task)
        self._bars.add_task(name, total=total)
        self._bars.start()

    def advance(self, amount: int) -> None:
        for task in self._bars.task_ids:
            self._bars.advance(task, amount)

    def finish(self) -> None:
        self._bars.stop()
