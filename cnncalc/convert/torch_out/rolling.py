"""Lists of expressions with those that are equal, or that count in equal steps, as comprehensions."""

from __future__ import annotations

import re

NUMBER = re.compile(r"(?<![\w.])\d+(?![\w.])")


def compressed(made: list[str]) -> list[str]:
    """A list of expressions with three or more that are equal, or that count in equal steps, as comprehensions."""
    found: list[str] = []
    place = 0
    while place < len(made):
        end = place + 1
        while end < len(made) and made[end] == made[place]:
            end += 1
        if end - place > 2:
            found.append(f"*[{made[place]} for _ in range({end - place})]")
            place = end
            continue
        counted, count = counting(made, place)
        if counted:
            found.append(counted)
            place += count
            continue
        found.append(made[place])
        place += 1
    return found


def counting(made: list[str], place: int) -> tuple[str, int]:
    """The longest run of expressions from `place` whose numbers grow in equal steps, as a comprehension."""
    shape = NUMBER.sub("#", made[place])
    rows: list[list[int]] = []
    for text in made[place:]:
        row = [int(number) for number in NUMBER.findall(text)]
        if NUMBER.sub("#", text) != shape:
            break
        if len(rows) > 1 and any(
            new - old != rows[1][k] - rows[0][k] for k, (old, new) in enumerate(zip(rows[-1], row))
        ):
            break
        rows.append(row)
    if len(rows) < 3:
        return "", 0
    parts = NUMBER.split(made[place])
    text = parts[0]
    for start, after, rest in zip(rows[0], rows[1], parts[1:]):
        step = after - start
        term = f"{step} * i" if step > 1 else "i"
        text += (f"{start} + {term}" if step > 0 else str(start) if step == 0 else f"{start} - {-step} * i") + rest
    return f"*[{text} for i in range({len(rows)})]", len(rows)
