"""Lines of Python source that are too long: where they may be broken."""

from __future__ import annotations

PAIRS = {"(": ")", "[": "]", "{": "}"}


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
