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

FOLDER = Path(__file__).parent
SUFFIX = {"table": "txt", "csv": "csv", "markdown": "md", "json": "json"}
GOLDEN = [
    (f"{spec} {command}", format)
    for spec in ("residual.yaml", "towers.yaml", "flat.yaml")
    for command in ("summary", "shapes", "params", "rf")
    for format in SUFFIX
]
FURTHER = [
    "summary residual.yaml --depth 1",
    "summary residual.yaml --depth 2 --layout nhwc --batch 32",
    "params residual.yaml --variant residual_wide --sort params --top 3",
    "shapes residual.yaml --set width=4 --input 65x65x3 --layout nhwc",
    "rf towers.yaml --of right",
    "summary flat.yaml towers.yaml",
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


def number(text: str) -> int:
    """A printed figure; `-`, and what is not known, add nothing."""
    text = text.replace("\\", "").removeprefix(">=").strip().replace(",", "")
    return 0 if text in ("-", "", "?") else int(text)


def plain_columns(text: str) -> dict[str, list[str]]:
    """The cells of a plain table, by column, cut where the rule below the header has its gaps."""
    lines = text.splitlines()
    rule = next(index for index, line in enumerate(lines) if re.fullmatch(r"-+(  -+)*", line))
    spans = [match.span() for match in re.finditer("-+", lines[rule])]
    end = lines.index("", rule)
    rows = lines[rule + 1 : end]
    return {lines[rule - 1][a:b].strip(): [row[a:b].strip() for row in rows] for a, b in spans}


def markdown_columns(text: str) -> dict[str, list[str]]:
    rows = [line[2:-2].split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {title: list(cells) for title, *cells in zip(rows[0], *rows[2:])}


def csv_columns(text: str) -> dict[str, list[str]]:
    rows = list(csv.reader(io.StringIO(text)))
    return {title: list(cells) for title, *cells in zip(rows[0], *rows[1:])}


def printed_totals(text: str) -> dict[str, int]:
    """The exact figures of the totals block: ``MACs  1,234  1.23 k`` or ``- MACs: 1,234 = 1.23 k``."""
    found = re.findall(r"^(?:- )?([A-Z][\w, +()]*?)(?:: |  +)((?:\\?>= )?[\d,]+)(?:  | = |$)", text, re.MULTILINE)
    return {title: number(value) for title, value in found}


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(FOLDER.iterdir()) if re.search(r"_(summary|params)\.(txt|md)$|_depth_", path.name)],
    ids=lambda path: path.name,
)
def test_columns_add_up_to_the_printed_totals(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    columns = markdown_columns(text) if path.suffix == ".md" else plain_columns(text)
    totals = printed_totals(text)
    checked = 0
    for column, title in SUMMED.items():
        if column in columns:
            assert sum(map(number, columns[column])) == totals[title], column
            checked += 1
    assert checked >= 2
    if "Params + state" in totals:
        assert totals["Params + state"] == totals["Params"] + totals["State"]
    if "FLOPs (2 x MACs)" in totals:
        assert totals["FLOPs (2 x MACs)"] == 2 * totals["MACs"]


@pytest.mark.parametrize("spec", ["residual", "towers", "flat"])
def test_every_form_tells_the_same(spec: str) -> None:
    """The columns of the table, of Markdown and of CSV, and the rows of JSON, hold the same figures."""
    texts = {suffix: (FOLDER / f"{spec}_summary.{suffix}").read_text(encoding="utf-8") for suffix in SUFFIX.values()}
    plain, sheet = plain_columns(texts["txt"]), csv_columns(texts["csv"])
    assert list(plain) == list(sheet) == list(markdown_columns(texts["md"]))
    rows = json.loads(texts["json"])["layers"]
    assert plain["Layer"] == sheet["Layer"] == [row["name"] for row in rows]
    for column, key in (("Params", "params"), ("MACs", "macs")):
        for shown, digits, row in zip(plain[column], sheet[column], rows):
            assert shown.replace(",", "").replace("-", "") == digits
            assert digits in ("", "?") if row[key] is None else digits == str(row[key])
    assert [shape.replace(" ", "") for shape in plain["Output"]] == sheet["Output"]
    assert sheet["Output"] == ["x".join(map(str, row["output_shape"])) for row in rows]


def test_depth_folds_every_layer_once() -> None:
    """Subtotals and rows together give the totals of the unfolded table, and hide none of its layers."""
    text = (FOLDER / "summary_residual_depth_1.txt").read_text(encoding="utf-8")
    whole = json.loads((FOLDER / "residual_summary.json").read_text(encoding="utf-8"))
    folded = plain_columns(text)
    counts = [int(kind.split()[0]) if kind.endswith(" layers") else 1 for kind in folded["Type"]]
    assert sum(counts) == len(whole["layers"])
    for column, key in (("Params", "params"), ("MACs", "macs")):
        assert sum(map(number, folded[column])) == whole["totals"][key]
