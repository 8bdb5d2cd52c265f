"""A progress bar on the terminal's stderr; nothing elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnncalc.verify.fields import Progress


@contextmanager
def bar(title: str) -> Iterator[Progress | None]:
    """A function to report progress with, or None where nobody looks; the bar is gone afterwards.

    It draws when told, not from a thread of its own: the work forks processes.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True, auto_refresh=False) as drawn:
        task = drawn.add_task(title)

        def report(done: int, total: int, name: str) -> None:
            drawn.update(task, completed=done, total=total, description=f"{title} {name}", refresh=True)

        yield report
