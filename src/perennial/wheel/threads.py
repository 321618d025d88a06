"""Doing something with each of many things, with the large ones among them at the same time.

Inflating and hashing release the interpreter's lock, for megabytes on end. The small ones, for which Python itself
works most of the time, stay with the thread that began: it would only wait for others that hold the lock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from threading import Event, Lock, Thread

from perennial.lean_typing import Final, TypeVar
from perennial.progress import Progress

Thing = TypeVar("Thing")
Result = TypeVar("Result")


class Stopped(Exception):  # noqa: N818 - a message from one thread to another, not an error
    """Another thread has failed, so that what this one does is of no use."""


class SharedProgress:
    """Tells one who follows it what several threads have done, and stops them all where one has failed."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress: Final = progress
        self._lock: Final = Lock()
        self._stop: Final = Event()

    def start(self, name: str, total: int | None) -> None:
        if self._progress is not None:
            self._progress.start(name, total)

    def advance(self, amount: int) -> None:
        """Raises `Stopped` after `stop`."""
        if self._stop.is_set():
            raise Stopped
        if self._progress is not None:
            with self._lock:
                self._progress.advance(amount)

    def finish(self) -> None:
        if self._progress is not None:
            self._progress.finish()

    def stop(self) -> None:
        """Makes every further `advance` raise `Stopped`."""
        self._stop.set()


def map_in_threads(
    function: Callable[[Thing], Result],
    things: Sequence[Thing],
    size: Callable[[Thing], int],
    *,
    large: int,
    threads: int,
    progress: SharedProgress,
) -> list[Result]:
    """`[function(thing) for thing in things]`, by `threads` threads at most, of which this is one.

    It begins with those below the size `large`; all share the others, the largest first, so that none is left to wait
    for in the end.

    Whatever one of them raises is raised here, when the others have stopped, which they do at their next
    `progress.advance`. Where several fail, it depends on chance which is the first.
    """
    results: dict[int, Result] = {}
    failures: list[BaseException] = []
    sizes = list(map(size, things))
    ours = deque(number for number, each in enumerate(sizes) if each < large)
    shared = deque(sorted((n for n, each in enumerate(sizes) if each >= large), key=sizes.__getitem__, reverse=True))

    def work(numbers: deque[int]) -> None:
        try:
            while not failures and (number := _next(numbers)) is not None:
                results[number] = function(things[number])
        except Stopped:
            return
        except BaseException as error:  # noqa: BLE001 - raised by the thread that began
            failures.append(error)
            progress.stop()

    others: list[Thread] = []
    try:
        for _ in range(min(threads - 1, len(shared))):
            thread = Thread(target=work, args=(shared,), daemon=True)
            try:
                thread.start()
            except RuntimeError:
                break  # the system gives no more of them; fewer will do
            others.append(thread)
        work(ours)
        work(shared)
        _join(others)
    except BaseException:  # Ctrl-C, outside of `work`
        progress.stop()
        _join(others)
        raise
    if failures:
        raise failures[0]
    return [results[number] for number in range(len(things))]


def _join(threads: list[Thread]) -> None:
    for thread in threads:
        while thread.is_alive():
            thread.join(1)  # without a limit Windows would let no Ctrl-C through


def _next(numbers: deque[int]) -> int | None:
    try:
        return numbers.popleft()
    except IndexError:
        return None
