"""Many tasks of one kind on all cores, their results in the order of the tasks.

What works is inherited by forked processes: parsed specs cannot be sent.  Where nothing can be forked, or it does not
pay, one process does all.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

Progress = Callable[[int, int], None]
"""Called as results come in: how many there are, and of how many."""

WORTH_FORKING = 0.3
"""Seconds of expected work from which on it is shared among processes."""

TIMED = 4
"""Tasks by which the work is judged."""


def side_by_side(
    work: Callable[[Task], Result], tasks: Sequence[Task], processes: int = 1, progress: Progress | None = None
) -> Iterator[Result]:
    """What `work` makes of every task, in order."""
    for done, result in enumerate(_results(work, tasks, processes, time.perf_counter()), 1):
        yield result
        if progress is not None and done > TIMED:
            progress(done, len(tasks))


def _results(work: Callable[[Task], Result], tasks: Sequence[Task], processes: int, started: float) -> Iterator[Result]:
    yield from map(work, tasks[:TIMED])
    rest = tasks[TIMED:]
    each = (time.perf_counter() - started) / TIMED
    worth = processes > 1 and each * len(rest) > WORTH_FORKING and hasattr(os, "fork")
    yield from _forked(work, rest, processes) if worth else map(work, rest)


def _forked(work: Callable[[Task], Result], tasks: Sequence[Task], processes: int) -> Iterator[Result]:
    from multiprocessing import get_context

    global _work  # noqa: PLW0603  what is forked is inherited
    _work = (work, tasks)
    each = max(1, min(200, len(tasks) // (4 * processes)))
    pool = get_context("fork").Pool(processes, signal.signal, (signal.SIGINT, signal.SIG_IGN))
    try:
        yield from pool.imap(_at, range(len(tasks)), each)
    finally:
        pool.terminate()
        pool.join()
        _work = None


_work: tuple[Callable[[Any], Any], Sequence[Any]] | None = None


def _at(place: int) -> Any:
    """The result of one task, in a process of its own."""
    assert _work is not None
    return _work[0](_work[1][place])


def cores() -> int:
    """How many processes may run at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
