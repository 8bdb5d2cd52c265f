"""Columns of values and the expressions that give them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from cnncalc.convert.lift.tree import Formula, Item, every
from cnncalc.language.operators import divisible

Column = list[Any]
"""A value for every member; None where the member has no such step."""


def rename(items: list[Item], new: dict[str, str]) -> None:
    """Give arguments other names wherever steps ask for them."""

    def renamed(text: str) -> str:
        return re.sub(r"(?<![\w.])[^\W\d]\w*", lambda match: new.get(match[0], match[0]), text)

    for item in every(items):
        for name, value in item.values.items():
            if isinstance(value, Formula):
                item.values[name] = Formula(renamed(value.text))
        if isinstance(item.repeat, Formula):
            item.repeat = Formula(renamed(item.repeat.text))
        item.condition = renamed(item.condition)
        for branch in item.branches or ():
            branch.condition = renamed(branch.condition)


def agree(values: Column, column: Column) -> bool:
    """Whether two columns have no different values."""
    return all(
        one is None or other is None or (one == other and type(one) is type(other))
        for one, other in zip(values, column)
    )


def agree_all(values: Sequence[bool], wanted: Sequence[bool | None]) -> bool:
    return all(want is None or value == want for value, want in zip(values, wanted))


def fitted(form: str, text: str, values: Column, column: Column) -> str:
    """`form` over `text` where it gives the column; its factor is the same for all."""
    pairs = [(base, value) for base, value in zip(values, column) if value is not None]
    if any(base is None for base, _ in pairs):
        return ""
    tight = Formula(text).tight()
    base, value = pairs[0]
    if form == "{}":
        return text if all(base == value for base, value in pairs) else ""
    if any(base < 1 or value < 1 for base, value in pairs):
        return ""
    if form == "{}*{}":
        factor = value // base
        fits = factor > 1 and all(base * factor == value for base, value in pairs)
        return f"{factor}*{tight}" if fits else ""
    factor = base // value
    if factor < 2:
        return ""
    if form == "{}//{}":
        return f"{tight}//{factor}" if all(value * factor == base for base, value in pairs) else ""
    for factor in (2, 4, 8, 16, 32):
        if all(divisible(base // factor) == value for base, value in pairs):
            return f"divisible({tight}//{factor})"
    return ""
