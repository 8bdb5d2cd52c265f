"""What the commands print for a few small networks, byte for byte (``pytest --rewrite`` writes it anew), and sums.

The sums are read from the printed text alone: a column that is not the sum of its cells fails, whoever computed it.
"""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest
from sampling import together

FOLDER = Path(__file__).parent
SUFFIX = {"table": "txt", "csv": "csv", "markdown": "md", "latex": "tex", "json": "json"}
GOLDEN = [
    (f"{spec} {command}", format)
    for spec in ("residual.yaml", "towers.yaml", "flat.yaml")
    for command in ("summary", "shapes", "params", "rf")
    for format in SUFFIX
]
FURTHER = [
    *(
        f"{command} {spec} --full"
        for spec in ("residual.yaml", "towers.yaml", "flat.yaml")
        for command in ("summary", "rf")
    ),
    "params residual.yaml --full",
    "shapes residual.yaml --full",
    "summary resnet50",
    "summary unet",
    "rf unet",
    "summary residual.yaml --depth 1",
    "summary residual.yaml --depth 2 --layout nhwc --batch 32",
    "summary residual.yaml --depth 1 --sort macs",
    "params residual.yaml --variant residual_wide --sort params --top 3",
    "shapes residual.yaml --set width=4 --input 65x65x3 --layout nhwc",
    "rf towers.yaml --of right",
    "rf towers.yaml --depth 1 --format json",
    "summary residual.yaml --depth 1 --layout nhwc --batch 2 --sort params --top 5 --format json",
    "summary flat.yaml towers.yaml",
    "shapes flat.yaml towers.yaml --batch 2 --format csv",
    "expand residual.yaml",
    "expand towers.yaml",
    "explain residual.yaml stem",
    "explain residual.yaml stage2.down",
    "explain residual.yaml gate",
    "explain towers.yaml twin",
    "explain towers.yaml heat",
    "explain towers.yaml large",
    "explain towers.yaml strange",
    "explain flat.yaml linear1",
    "explain residual.yaml",
    "explain residual.yaml stage2",
    "shapes notes_filters --format csv",
    "export residual.yaml --to keras",
    "memory residual.yaml --training",
    "memory residual.yaml --dtype int8 --budget 1MiB",
    "summary residual.yaml --format html --depth 2",
    "compare residual.yaml",
    "compare residual.yaml towers.yaml",
    "compare residual.yaml --over width=2,4,8 --columns params,macs/params,peak_memory",
    "diff flat.yaml residual.yaml",
    "formula residual.yaml --in width",
    "formula residual.yaml --in size --of macs",
    "sizes residual.yaml --range 1..40",
    "conventions residual.yaml",
    "layers conv",
    "layers concat",
]


def file_name(command: str, suffix: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", command.replace(".yaml", "").lower()).strip("_") + f".{suffix}"


@pytest.mark.parametrize(("command", "format"), GOLDEN)
def test_reports(command: str, format: str, run, expected, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER)
    spec, name = command.split()
    done = run(name, spec, "--format", format)
    assert (done.code, done.err) == (0, "")
    expected.check(FOLDER / file_name(command, SUFFIX[format]), done.out)


@pytest.mark.parametrize("command", FURTHER)
def test_other_commands(command: str, run, expected, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER)
    done = run(*command.split())
    assert (done.code, done.err) == (0, "")
    expected.check(FOLDER / file_name(command, "txt"), done.out)


def test_no_golden_file_is_left_over() -> None:
    known = {file_name(command, SUFFIX[format]) for command, format in GOLDEN}
    known |= {file_name(command, "txt") for command in FURTHER}
    assert {path.name for path in FOLDER.iterdir() if path.suffix[1:] in SUFFIX.values()} == known


# -- sums of what is printed -------------------------------------------------------------------------------------------

SUMMED = {"Params": "Params", "State": "State", "Separable": "Params, separable", "MACs": "MACs"}
Columns = list[tuple[str, list[str]]]
"""Titles and cells in order: several columns may be called `%`."""


def number(text: str) -> int:
    """A printed figure; `-`, and what is not known, add nothing."""
    text = text.replace("\\", "").removeprefix(">=").strip().replace(",", "")
    return 0 if text in ("-", "", "?") else int(text)


def tenths(text: str) -> int:
    """A printed share in tenths."""
    return 0 if text == "-" else number(text.replace(".", ""))


def plain_columns(text: str) -> Columns:
    """The cells of a plain table, cut where the rule below the header has its gaps; the first with their indent."""
    lines = text.splitlines()
    rule = next(index for index, line in enumerate(lines) if re.fullmatch(r"-+(  -+)*", line))
    spans = [match.span() for match in re.finditer("-+", lines[rule])]
    rows = lines[rule + 1 : lines.index("", rule)]
    found = [(lines[rule - 1][a:b].strip(), [row[a:b].strip() for row in rows]) for a, b in spans]
    return [(found[0][0], [row[slice(*spans[0])].rstrip() for row in rows]), *found[1:]]


def markdown_columns(text: str) -> Columns:
    rows = [line[2:-2].split(" | ") for line in text.splitlines() if line.startswith("| ")]
    first, *others = zip(rows[0], *rows[2:])
    return [(first[0], [cell.replace("&emsp;", "  ") for cell in first[1:]]), *((t, list(c)) for t, *c in others)]


def latex_columns(text: str) -> Columns:
    rows = [
        line.removesuffix(r" \\").split(" & ") for line in text.splitlines() if line.endswith(r" \\") and "&" in line
    ]
    first, *others = zip(*rows)
    names = [cell.replace(r"\quad ", "  ") for cell in first[1:]]
    return [
        (first[0], names),
        *((title.replace(r"\%", "%"), [c.replace("--", "-") for c in cells]) for title, *cells in others),
    ]


def csv_columns(text: str) -> Columns:
    rows = list(csv.reader(io.StringIO(text)))
    return [(title, list(cells)) for title, *cells in zip(rows[0], *rows[1:])]


READ = {".md": markdown_columns, ".tex": latex_columns, ".txt": plain_columns}


def printed_totals(text: str) -> dict[str, int]:
    """The exact figures of the totals block: ``MACs  1,234  1.23 k`` or ``MACs: 1,234 = 1.23 k``."""
    text = text.replace(r"$\times$", "x").replace(r"\textgreater{}", ">").replace(r" \\", "")
    found = re.findall(r"^(?:- )?([A-Z][\w, +()]*?)(?:: |  +)((?:\\?>= )?[\d,]+)(?:  | = |$)", text, re.MULTILINE)
    return {title: number(value) for title, value in found}


@together(
    "path",
    [
        path
        for path in sorted(FOLDER.iterdir())
        if re.search(
            r"_(summary|params)\.(txt|md|tex)$|^(summary|params)_(?!flat_towers|.*(?:html|json)).*(?<!top_3)\.txt$",
            path.name,
        )
    ],
    lambda path: path.name,
)
def test_columns_add_up_to_the_printed_totals(path: Path) -> None:
    """Every figure counts once: subtotals stand in brackets, and are the sums of the rows that are indented below."""
    text = path.read_text(encoding="utf-8")
    columns = READ[path.suffix](text)
    totals = printed_totals(text)
    depths = [len(name) - len(name.lstrip(" ")) for name in columns[0][1]]
    checked = 0
    for title, cells in columns:
        if title not in (*SUMMED, "%"):
            continue
        read = tenths if title == "%" else number
        plain = [cell.replace("\\", "") for cell in cells]
        counted = [0 if cell.startswith("[") else read(cell) for cell in plain]
        assert sum(counted) == (1000 if title == "%" else totals[SUMMED[title]]), title
        for place, cell in enumerate(plain):
            if cell.startswith("["):
                end = next((at for at in range(place + 1, len(plain)) if depths[at] <= depths[place]), len(plain))
                assert sum(counted[place + 1 : end]) == read(cell[1:-1]), columns[0][1][place]
        checked += 1
    assert checked >= 2
    if "Params + state" in totals:
        assert totals["Params + state"] == totals["Params"] + totals["State"]
    if "FLOPs (2 x MACs)" in totals:
        assert totals["FLOPs (2 x MACs)"] == 2 * totals["MACs"]


@pytest.mark.parametrize("spec", ["residual", "towers", "flat"])
def test_every_form_tells_the_same(spec: str) -> None:
    """The table, Markdown and LaTeX have the same rows; the full table, CSV and JSON the same layers."""
    texts = {suffix: (FOLDER / f"{spec}_summary.{suffix}").read_text(encoding="utf-8") for suffix in SUFFIX.values()}
    shown = plain_columns(texts["txt"])
    for form, read in (("md", markdown_columns), ("tex", latex_columns)):
        other = read(texts[form])
        assert [title for title, _ in other] == [title for title, _ in shown]
        assert [plain_text(cells) for _, cells in other] == [cells for _, cells in shown]
    full = dict(plain_columns((FOLDER / f"summary_{spec}_full.txt").read_text(encoding="utf-8")))
    sheet = dict(csv_columns(texts["csv"]))
    assert list(full) == list(sheet)
    rows = json.loads(texts["json"])["layers"]
    assert full["Layer"] == sheet["Layer"] == [row["name"] for row in rows]
    for column, key in (("Params", "params"), ("MACs", "macs")):
        for cell, digits, row in zip(full[column], sheet[column], rows):
            assert cell.replace(",", "").replace("-", "") == digits
            assert digits in ("", "?") if row[key] is None else digits == str(row[key])
    assert [shape.replace(" ", "") for shape in full["Output"]] == sheet["Output"]
    assert sheet["Output"] == ["x".join(map(str, row["output_shape"])) for row in rows]


def plain_text(cells: list[str]) -> list[str]:
    """Cells of Markdown and LaTeX as they are read by people."""
    texts = [cell.replace(r"$\times$", "x").replace(r"\textgreater{}", ">") for cell in cells]
    return [re.sub(r"\\([\[\]_<>|])", r"\1", text) for text in texts]


@pytest.mark.parametrize("name", ["summary_residual_depth_1.txt", "summary_residual_depth_1_sort_macs.txt"])
def test_depth_folds_every_layer_once(name: str) -> None:
    """Rows of one depth give the totals of the network, and hide none of its layers."""
    whole = json.loads((FOLDER / "residual_summary.json").read_text(encoding="utf-8"))
    folded = dict(plain_columns((FOLDER / name).read_text(encoding="utf-8")))
    assert {name.partition(".")[0] for name in folded["Layer"]} == {
        row["name"].partition(".")[0] for row in whole["layers"]
    }
    for column, key in (("Params", "params"), ("MACs", "macs")):
        assert sum(map(number, folded[column])) == whole["totals"][key]


@pytest.mark.parametrize(("name", "most"), [("resnet50", 45), ("efficientnet_b0", 60)])
def test_known_networks_fit_on_a_screen(name: str, most: int, run) -> None:
    assert run("summary", name).out.count("\n") <= most
