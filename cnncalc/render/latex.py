"""LaTeX as a paper prints a table: booktabs, nothing between the columns, all text escaped."""

from __future__ import annotations

import re

from cnncalc.render.cells import brief, prose, written
from cnncalc.tables.table import Table, Total

SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "`": r"\textasciigrave{}",
}
"""What some characters are in text; those of `ESCAPED` have a backslash before them."""
ESCAPED = "&%$#_{}"
TIMES = re.compile(r"(?<= )x(?= )|(?<![\w.])\d+(?:x\d+)+(?!\w)")
"""Where an x is the sign of multiplication: ``3x3``, ``64 x 112 x 112``, ``bottleneck x 3``."""
MINUS = re.compile(r"(?<![\w-])-(?=\d)")


def render(tables: list[Table]) -> str:
    """A `table` environment of each; the document says ``\\usepackage{booktabs}``."""
    return "% \\usepackage{booktabs}\n" + "\n".join(map(_whole, tables))


def _whole(table: Table) -> str:
    lines = [r"\begin{table}", r"\centering"]
    if table.heading:
        lines.append(rf"\caption{{{_escaped(prose(table.heading))}}}")
    lines.append(rf"\begin{{tabular}}{{{''.join('r' if column.numeric else 'l' for column in table.columns)}}}")
    lines += [r"\toprule", _row([_escaped(column.title) for column in table.columns]), r"\midrule"]
    for line in table.lines:
        texts = [_cell(value) for value in line.cells]
        texts[0] = r"\quad " * line.depth + texts[0]
        lines.append(_row(texts))
    lines += [r"\bottomrule", r"\end{tabular}"]
    notes = [*map(_total, table.totals), *map(_escaped, table.remarks)]
    if table.sentence:
        notes.append(_escaped(prose(table.sentence)))
    if notes:
        lines += ["", r"\smallskip", r"\begin{minipage}{\linewidth}\footnotesize"]
        lines += [" \\\\\n".join(notes), r"\end{minipage}"]
    return "\n".join([*lines, r"\end{table}"]) + "\n"


def _row(texts: list[str]) -> str:
    return " & ".join(texts) + r" \\"


def _cell(value: object) -> str:
    """A value; what does not apply is a dash, as papers print it."""
    return "--" if value is None else _escaped(written(value))


def _total(total: Total) -> str:
    figure = "" if total.unit == "bytes" else _escaped(written(total.value))
    return f"{_escaped(total.title)}: {' = '.join(filter(None, (figure, _escaped(brief(total.value, total.unit)))))}"


def _escaped(text: str) -> str:
    """Text with nothing in it that means something to LaTeX, but for the signs of multiplication and of numbers."""
    escaped = "".join(f"\\{char}" if char in ESCAPED else SPECIAL.get(char, char) for char in text)
    return MINUS.sub("$-$", TIMES.sub(lambda found: found[0].replace("x", r"$\times$"), escaped))
