"""LaTeX: everything that is special is escaped, and the environments are closed."""

from __future__ import annotations

import re

import cnncalc
from cnncalc.render import render
from cnncalc.tables.report import tabulate
from cnncalc.tables.table import Column, Line, Table

SPECIAL = r"a & b % c $ d # e _ f { g } h ~ i ^ j \ k < l > m"


def test_special_characters() -> None:
    """As the LaTeX Companion lists them."""
    made = render([Table([Column("Name")], [Line([SPECIAL])], ("50% of it",))], "latex")
    row = next(line for line in made.splitlines() if line.startswith("a "))
    assert row == (
        r"a \& b \% c \$ d \# e \_ f \{ g \} h \textasciitilde{} i \textasciicircum{} j \textbackslash{} "
        r"k \textless{} l \textgreater{} m \\"
    )
    assert r"\caption{50\% of it}" in made


def test_signs() -> None:
    cells = ["3x3/2", "64 x 112 x 112", "block x 5", "-213", "resnext50_32x4d", "x2", None]
    made = render([Table([Column(f"c{n}") for n in range(len(cells))], [Line(cells)])], "latex")
    row = next(line for line in made.splitlines() if line.startswith("3"))
    assert row.removesuffix(r" \\").split(" & ") == [
        r"3$\times$3/2",
        r"64 $\times$ 112 $\times$ 112",
        r"block $\times$ 5",
        "$-$213",
        r"resnext50\_32x4d",
        "x2",
        "--",
    ]


def test_a_whole_document() -> None:
    """Environments open and close in order, and every row has as many cells as columns are declared."""
    networks = [cnncalc.load(name) for name in ("resnet50", "unet")]
    made = render([tabulate(network.summary()) for network in networks], "latex")
    open_: list[str] = []
    for begin, name in re.findall(r"\\(begin|end)\{(\w+)\}", made):
        if begin == "begin":
            open_.append(name)
        else:
            assert open_.pop() == name
    assert not open_
    for columns, body in re.findall(r"\\begin\{tabular\}\{([lr]+)\}\n(.*?)\\end\{tabular\}", made, re.DOTALL):
        rows = [line for line in body.splitlines() if not line.startswith("\\") or line.startswith(r"\quad")]
        assert rows
        assert {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} == {len(columns)}
    assert made.count(r"\toprule") == made.count(r"\midrule") == made.count(r"\bottomrule") == 2
