"""Python source in lines of at most 120 characters, broken as its formatters break them."""

from __future__ import annotations

MAX_LINE = 120
PAIRS = {"(": ")", "[": "]", "{": "}"}


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


def longest_bracket(line: str) -> tuple[int, int] | None:
    """Where the outer bracket with most in it begins and ends; None where there is none with anything."""
    best: tuple[int, int] | None = None
    depth, start, quoted = 0, 0, False
    for place, character in enumerate(line):
        if character == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif character in PAIRS:
            start = place if depth == 0 else start
            depth += 1
        elif character in PAIRS.values():
            depth -= 1
            if depth == 0 and place > start + 1 and (best is None or place - start > best[1] - best[0]):
                best = (start, place)
    return best


def split(text: str, separator: str) -> list[str]:
    """The parts of `text` between separators that stand in no bracket."""
    parts, depth, last, quoted = [], 0, 0, False
    for place, character in enumerate(text):
        if character == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif character in PAIRS:
            depth += 1
        elif character in PAIRS.values():
            depth -= 1
        elif depth == 0 and place >= last and text.startswith(separator, place):
            parts.append(text[last:place])
            last = place + len(separator)
    parts.append(text[last:])
    return [part for part in parts if part.strip()]
