"""What is worth saying of a layer, as a code and its values; tables write the text, lints ask for the code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnncalc.geometry import AXES
from cnncalc.records import NamedTuple

UNREAD = "unread"
UNEQUAL = "unequal-strides"
MISALIGNED = "misaligned"
PERIODIC = "position-dependent"
BEYOND = "beyond-input"
UNKNOWN = "unknown"


class Remark(NamedTuple):
    """One thing that is said of a layer."""

    code: str
    values: tuple[Any, ...] = ()
    of: str = "receptive_field"
    """The quantity, or group of them, that it is about; empty where it is said by every report."""

    @property
    def title(self) -> str:
        """What remarks of one kind have in common."""
        return TITLES.get(self.code) or self.text

    @property
    def text(self) -> str:
        """In words: lowercase, no full stop."""
        return TEXTS[self.code](*self.values)


def _unread(*counts: int) -> str:
    words = {"height": "row", "width": "column", "depth": "slice", "length": "position"}
    parts = [f"{n} {words[name]}{'s' if n > 1 else ''}" for name, n in zip(AXES[len(counts)], counts) if n]
    return f"the stride leaves {' and '.join(parts)} of the padded input unread"


TITLES = {
    UNREAD: "strides leave rows or columns unread",
    UNEQUAL: "branches of unequal stride",
    MISALIGNED: "misaligned branches",
    PERIODIC: "what a unit sees depends on its position",
}

TEXTS: dict[str, Callable[..., str]] = {
    UNREAD: _unread,
    UNEQUAL: lambda one, other, strides: f"{TITLES[UNEQUAL]}: `{one}` and `{other}` have {' and '.join(strides)}",
    MISALIGNED: lambda one, other, apart: (
        f"{TITLES[MISALIGNED]}: the centers of `{one}` and `{other}` lie {apart:g} pixel{'s' * (apart != 1)} apart"
    ),
    PERIODIC: lambda period: f"{TITLES[PERIODIC]}, with a period of {period} units",
    BEYOND: lambda *sizes: "even its smallest path sees more than the input",
    UNKNOWN: lambda *words: f"not known to cnncalc: {', '.join(words)}",
}
