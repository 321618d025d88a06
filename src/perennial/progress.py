"""Being told how a long piece of work goes."""

from __future__ import annotations

from perennial.lean_typing import Protocol


class Progress(Protocol):
    """Is told about one piece of work after the other; amounts are bytes."""

    def start(self, name: str, total: int | None) -> None:
        """A piece of `total` bytes (None: unknown) begins, or begins again."""

    def advance(self, amount: int) -> None:
        """That many more bytes are done."""

    def finish(self) -> None:
        """No more pieces follow."""
