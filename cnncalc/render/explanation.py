"""An explanation as text or JSON."""

from __future__ import annotations

from cnncalc.explain import Topic


def as_text(topics: list[Topic]) -> str:
    """Titles on the left, their lines beside them."""
    wide = max(len(topic.title) for topic in topics)
    lines = []
    for topic in topics:
        for number, line in enumerate(topic.lines):
            lines.append(f"{topic.title if number == 0 else '':<{wide}}  {line}")
    return "\n".join(lines) + "\n"


def as_json(topics: list[Topic]) -> str:
    """Lines by title."""
    import json

    return json.dumps({topic.title.lower(): topic.lines for topic in topics}, ensure_ascii=False) + "\n"
