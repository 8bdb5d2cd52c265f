"""How wide the terminal is."""

from __future__ import annotations

import os
from typing import TextIO


def width_of(stream: TextIO) -> int | None:
    """The characters of a line of the terminal that a stream is; None for a pipe or a file."""
    if not stream.isatty():
        return None
    told = os.environ.get("COLUMNS", "")
    return (int(told) if told.isdecimal() else 0) or os.get_terminal_size(stream.fileno()).columns or 80
