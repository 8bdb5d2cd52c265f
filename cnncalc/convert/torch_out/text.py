"""Python source in lines of at most 120 characters, broken as its formatters break them."""

from __future__ import annotations

from cnncalc.convert.lines import longest_bracket, split

MAX_LINE = 120


def fold(line: str, indent: int) -> list[str]:
    """A statement in one line if it fits, else with the longest bracket's content one entry a line."""
    whole = " " * indent + line
    if len(whole) <= MAX_LINE:
        return [whole]
    found = longest_bracket(line)
    if found is None:
        return [whole]
    start, end = found
    inner = line[start + 1 : end]
    entries = split(inner, ",")
    loop = split(inner, " for ") if len(entries) == 1 else []
    lines = [" " * indent + line[: start + 1]]
    if len(loop) > 1:
        lines += [*fold(loop[0].strip(), indent + 4), *fold(f"for {loop[1]}", indent + 4)]
    elif len(entries) == 1 and len(split(inner, " + ")) > 1:
        first, *rest = split(inner, " + ")
        lines += [*fold(first.strip(), indent + 4), *(each for term in rest for each in fold(f"+ {term}", indent + 4))]
    else:
        for entry in entries:
            folded = fold(entry.strip(), indent + 4)
            folded[-1] += ","
            lines += folded
    return [*lines, " " * indent + line[end:]]
