"""Sweeps, conditions and fronts: settings against single runs, fronts against brute force, errors with their place."""

from __future__ import annotations

import os
import random
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sampling import networks, together

import cnncalc
from cnncalc.analyzers.memory import Setting as MemorySetting
from cnncalc.analyzers.memory import memory
from cnncalc.analyzers.quantities import asked
from cnncalc.analyzers.receptive_field import Memo, field_alone
from cnncalc.compare.conditions import condition, formula
from cnncalc.compare.fronts import Aim, aims, front, ordered
from cnncalc.compare.processes import cores
from cnncalc.compare.resizing import Resizer, is_resizable
from cnncalc.compare.settings import count, read_over, settings
from cnncalc.compare.sweep import Row, compare, open_spec
from cnncalc.diagnostics import Fault, SpecError
from cnncalc.language.library import find, load_file

ALL = tuple(asked())


def swept(*texts: str, spec: str = "mobilenet_v2", **options: Any) -> list[Row]:
    return compare([open_spec(spec)], [read_over(text) for text in texts], ALL, **options).rows


@together(
    "text, values",
    [
        ("width=0.25,0.5,1", (0.25, 0.5, 1)),
        ("depth=1..8", tuple(range(1, 9))),
        ("size=32..512..32", tuple(range(32, 513, 32))),
        ("width=0.1..0.5..0.1", (0.1, 0.2, 0.3, 0.4, 0.5)),
        ("size=32, 64..96..32, 224x320", (32, 64, 96, "224x320")),
        ("channels=[16, 32],[32, 64]", ("[16, 32]", "[32, 64]")),
        ("act=relu,silu", ("relu", "silu")),
        ("variant=*", ()),
        ("variant=1x,50_32x4d", ("1x", "50_32x4d")),
        ("depth=3,1,3", (3, 1)),
        ("shift=-2..0", (-2, -1, 0)),
        ("n=3..3", (3,)),
        ("n=1..2..4", (1,)),
        ("n=1.5..3.5", (1.5, 2.5, 3.5)),
        ("n=0.25..1.25", (0.25, 1.25)),
        ("n=max(1, 2),3 ", ("max(1, 2)", 3)),
        ("n= * ", ()),
    ],
)
def test_what_over_says(text: str, values: tuple[Any, ...]) -> None:
    found = read_over(text)
    assert found.name == text.partition("=")[0]
    assert found.values == values


@together(
    "text, message, place, help",
    [
        ("width", "names no argument", "width", "for example `width=0.25,0.5,1`"),
        ("size=32..", "the range `32..` has no end", "32..", "write `first..last`"),
        ("size=..32", "has no beginning", "..32", "write `first..last`"),
        ("size=1..9..", "has no step", "1..9..", "write `first..last`"),
        ("size=1..9..0", "step of `1..9..0` is not above 0", "1..9..0", "write the smaller number first"),
        ("size=9..1", "the range `9..1` is empty", "9..1", "write the smaller number first"),
        ("size=1..x", "a range needs numbers, got `x`", "x", ""),
        ("size=1..2..3..4", "is no range", "1..2..3..4", "write `first..last`"),
        ("size=1,,2", "a value is missing", ",", ""),
        ("size=", "a value is missing", "", ""),
        ("size=1..10000000000", "10,000,000,000 values", "1..10000000000", ""),
        ("size=1..1000001", "1,000,001 values", "1..1000001", ""),
        (f"size=1..{'1' * 40}", "a range needs numbers", "1" * 40, ""),
        (f"size=1..{'1' * 39}", "111 values", f"1..{'1' * 39}", ""),
        ("size=1..2.3.4", "a range needs numbers, got `2.3.4`", "2.3.4", ""),
        ("size=1..5.", "a range needs numbers, got `5.`", "5.", ""),
        ("=1", "names no argument", "=1", "for example `width=0.25,0.5,1`"),
        ("width=1,0.5..2", "goes in steps of 1, which miss its end", "0.5..2", "give the step: `0.5..2..0.375`"),
        ("width=1:5", "`:` has no meaning", ":", "a range is `1..5`"),
        ("width=1:9:2", "`:` has no meaning", ":", "a range is `1..9..2`"),
        ("width=a:b", "`:` has no meaning", ":", "YAML 1.1"),
        ("width=1:2:3:4", "`:` has no meaning", ":", "YAML 1.1"),
    ],
)
def test_what_over_refuses(text: str, message: str, place: str, help: str) -> None:
    with pytest.raises(SpecError) as caught:
        read_over(text)
    (found,) = caught.value.diagnostics
    assert message in found.message
    assert found.help.startswith(help) if help else "range" not in found.help
    assert found.span is not None
    assert found.span.line == 1
    assert text[found.span.column - 1 : found.span.end - 1] == place


def test_a_range_has_ten_times_the_settings_of_a_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is beyond the limit of a sweep is counted, and told; a range that is far beyond is not made at all."""
    monkeypatch.setattr("cnncalc.compare.settings.MAX_SETTINGS", 2)
    assert len(read_over("size=1..20").values) == 20
    with pytest.raises(SpecError, match="21 values"):
        read_over("size=1..21")


def test_settings_are_multiplied_out_in_order() -> None:
    file = load_file(find("mobilenet_v2")[0])
    over = [read_over("width=0.5,1"), read_over("size=96,128")]
    assert count(file, over) == 4
    shown = [setting.shown for setting in settings(file, None, over)]
    assert shown == [(("width", width), ("size", size)) for width in (0.5, 1) for size in (96, 128)]


@pytest.mark.parametrize(
    ("spec", "texts"),
    [
        ("mobilenet_v2", ("width=0.25..1..0.25", "size=96,160,225")),
        ("resnet50", ("variant=*",)),
        pytest.param("resnet18", ("size=33..65..7", "classes=10,1000"), marks=pytest.mark.thorough),
        ("unet", ("size=188,204,572", "classes=2,3")),
        pytest.param("efficientnet_b0", ("width=1,1.1", "depth=1,1.2"), marks=pytest.mark.thorough),
        pytest.param("yolov8n", ("size=64..192..32",), marks=pytest.mark.thorough),
    ],
)
def test_sweeps_equal_single_runs(spec: str, texts: tuple[str, ...]) -> None:
    rows = swept(*texts, spec=spec)
    assert rows
    for row in rows:
        assert row.error is None, row
        args = {name: value for name, value in row.settings.items() if name not in ("size", "variant")}
        network = cnncalc.load(row.settings.get("variant", spec), args=args, inputs=row.inputs)
        assert row.variant == network.variant
        totals = network.summary().totals
        field = network.summary().field
        found = {
            "params": totals.params,
            "state": totals.state,
            "macs": totals.macs,
            "flops": 2 * totals.macs,
            "field": min(least for least, _ in field.size),
            "peak_memory": memory(network.graph).peak_bytes,
            "layers": len(network.graph.nodes),
            "size": min(network.graph.inputs[0][1][1:]),
        }
        assert {key: row.figures[key] for key in found} == found
        assert row.receptive_field is not None
        assert row.receptive_field.figures == field.figures
        if "size" in row.settings:
            assert set(network.graph.inputs[0][1][1:]) == {row.settings["size"]}


@pytest.mark.thorough
@pytest.mark.every
@pytest.mark.parametrize("name", networks(each=6))
def test_the_field_alone_is_that_of_the_report(name: str) -> None:
    path, variant = find(name)
    file = load_file(path)
    if file.steps_span is None or (variant is None and any(each.default is None for each in file.args.values())):
        return
    memo: Memo = {}
    network = cnncalc.load(name)
    reported = network.summary().field
    for _ in range(2):  # the second from what is remembered
        found = field_alone(network.graph, memo)
        assert found is not None
        assert found.figures == reported.figures


@pytest.mark.parametrize("name", ["resnet50", "densenet121", "unet", "googlenet", "squeezenet1_0", "c3d"])
def test_resized_graphs_equal_expanded_ones(name: str) -> None:
    file = load_file(find(name)[0])
    assert is_resizable(file)
    resizer = Resizer(cnncalc.load(name).graph)
    for size in (188, 224, 251):
        inputs = [(shape[0], *[size] * (len(shape) - 1)) for _, shape in resizer.graph.inputs]
        try:
            expanded = cnncalc.load(name, inputs=inputs[0]).graph
        except SpecError:
            assert resizer.graph_of(inputs) is None
            continue
        resized = resizer.graph_of(inputs)
        assert resized is not None
        assert resized.shapes == expanded.shapes
        for mine, theirs in zip(resized.nodes, expanded.nodes):
            assert (mine.name, mine.inputs, mine.place, mine.number) == (
                theirs.name,
                theirs.inputs,
                theirs.place,
                theirs.number,
            )
            assert mine.operation.layer == theirs.operation.layer
            assert (mine.shares and mine.shares.place) == (theirs.shares and theirs.shares.place)
        assert resized.outputs == expanded.outputs


def test_a_spec_that_asks_for_sizes_is_expanded_anew(tmp_path: Path) -> None:
    path = tmp_path / "asks.yaml"
    path.write_text(
        "input: [3, 32, 32]\nlayers:\n"
        "  - {conv: 4, kernel: 3, stride: 2 if x.height > 40 else 1}\n  - {conv: 8, kernel: 1}\n"
    )
    assert not is_resizable(load_file(str(path)))
    rows = swept("size=32,64", spec=str(path))
    assert [row.figures["macs"] for row in rows] == [30 * 30 * (27 * 4 + 32), 31 * 31 * (27 * 4 + 32)]


def test_what_does_not_build_is_a_row() -> None:
    rows = swept("size=8..200..32", spec="unet")
    assert [row.error is None for row in rows] == [False] * 6 + [True]
    assert rows[0].error is not None
    assert rows[0].error.code == "window-too-large"
    assert rows[0].error.span is not None
    wrong = swept("width=0,1", spec="mobilenet_v2")
    assert [row.error is None for row in wrong] == [True, True]  # `divisible` keeps 8 channels


def test_processes_give_the_same_rows_in_the_same_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnncalc.compare.processes.WORTH_FORKING", 0.0)
    told: list[tuple[int, int]] = []
    many = swept("size=32..80..4", processes=2, progress=lambda done, total: told.append((done, total)))
    assert many == swept("size=32..80..4")
    assert told == [(done, 13) for done in range(5, 14)]


def test_as_many_processes_as_this_one_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 2, 3}, raising=False)
    assert cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    assert cores() == 64


def test_an_interruption_keeps_what_is_done() -> None:
    def stop(done: int, total: int) -> None:
        if done == 7:
            raise KeyboardInterrupt

    found = compare([open_spec("lenet")], [read_over("size=32..64")], progress=stop)
    assert (len(found.rows), found.total, found.interrupted) == (7, 33, True)
    assert found.rows == compare([open_spec("lenet")], [read_over("size=32..38")]).rows


def test_too_many_settings() -> None:
    with pytest.raises(Fault, match="160,801 settings are more than 100,000") as caught:
        swept("size=32..432", "classes=1..401", spec="resnet18")
    assert "--max-settings 160801" in caught.value.help
    with pytest.raises(Fault, match="4 settings are more than 3"):
        swept("classes=1..4", max_settings=3)
    assert len(swept("classes=1..4", max_settings=4)) == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("widht=1", "no argument `widht`"),
        ("variant=resnet51", "no variant `resnet51`"),
        ("size=*", "`size=*` has no end"),
        ("size=3x", "`3x` is no size"),
        ("size=0", "`0` is no size"),
        ("size=32x0", "`32x0` is no size"),
        ("classes=*", "`classes=*` has no end"),
    ],
)
def test_what_a_file_does_not_have(text: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        swept(text, spec="resnet50")
    (found,) = caught.value.diagnostics
    assert message in found.message
    assert found.span is not None
    assert str(found.span) == "--over:1:1"
    assert text[: found.span.end - 1] == text.partition("=")[0]


def test_sizes_of_the_first_input(tmp_path: Path) -> None:
    """One for all axes or one each, from 1 on; two for three axes are an error of their row."""
    path = tmp_path / "net.yaml"
    path.write_text("input: [2, 4, 4]\nlayers: [{conv: 3, kernel: 1}]\n")
    rows = swept("size=1,3x5,2x3x4", spec=str(path))
    assert [row.inputs.get("input") for row in rows] == [(2, 1, 1), (2, 3, 5), None]
    assert [row.figures.get("macs") for row in rows] == [6, 90, None]
    assert rows[2].error is not None
    assert rows[2].error.message == "`size` has 3 entries for an input with 2 spatial axes"


def test_an_argument_may_be_called_variant(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("args: {variant: 4}\ninput: [2, 4, 4]\nlayers: [{conv: variant, kernel: 1, bias: false}]\n")
    assert [row.figures["params"] for row in swept("variant=3,5", spec=str(path))] == [6, 10]
    file = load_file(str(path))
    assert [read_over(text).is_in(file) for text in ("variant=3", "size=3", "width=3")] == [True, True, False]
    for text, help in [
        ("varient=3", "did you mean `variant`?"),
        ("beauty=3", "it can be swept over `variant`, `size`"),
    ]:
        with pytest.raises(SpecError) as caught:
            count(file, [read_over(text)])
        assert caught.value.diagnostics[0].help == help
    path.write_text("input: [2, 4, 4]\nlayers: [relu]\n")
    assert not read_over("variant=*").is_in(load_file(str(path)))
    file = load_file(find("resnet50")[0])
    found = {text: read_over(f"variant={text}").is_in(file) for text in ("*", "resnet50,resnet18", "resnet50,a")}
    assert found == {"*": True, "resnet50,resnet18": True, "resnet50,a": False}


# -- conditions --------------------------------------------------------------------------------------------------------


@cache
def measured() -> list[Row]:
    return swept("width=0.25..1.5..0.25", "size=96..224..64")


@pytest.mark.parametrize(
    ("text", "test"),
    [
        ("params < 3 M", lambda row: row["params"] < 3_000_000),
        ("params < 3M and macs <= 100 M", lambda row: row["params"] < 3_000_000 and row["macs"] <= 100_000_000),
        ("peak_memory <= 2048 KiB", lambda row: row["peak_memory"] <= 2048 * 1024),
        ("weights_memory >= 9.5 MiB", lambda row: row["weights_memory"] >= 9.5 * 2**20),
        ("macs / params > 50", lambda row: row["macs"] / row["params"] > 50),
        ("field >= 200 and not size == 96", lambda row: row["field"] >= 200 and row["size"] != 96),
        ("1 M < params < 3 M", lambda row: 1_000_000 < row["params"] < 3_000_000),
        ("width in [0.5, 1] or layers == 0", lambda row: row["width"] in (0.5, 1)),
        ("max(params, state) > 2.5M", lambda row: max(row["params"], row["state"]) > 2_500_000),
        ("params < (5 M if size > 100 else 1 M)", lambda row: row["params"] < (5e6 if row["size"] > 100 else 1e6)),
    ],
)
def test_conditions_leave_nothing_out(text: str, test: Any) -> None:
    found = condition(text, arguments=["width", "size"])
    chosen = [number for number, row in enumerate(measured()) if found.holds(row.known)]
    assert chosen == [number for number, row in enumerate(measured()) if test(row.known)]
    assert 0 < len(chosen) < len(measured())


@pytest.mark.parametrize("text", ["field > 0", "field <= 0", "not field > 0", "params > 0 and field > 0"])
def test_what_does_not_apply_is_neither_more_nor_less(text: str, tmp_path: Path) -> None:
    """Features have no positions, and no field."""
    path = tmp_path / "flat.yaml"
    path.write_text("input: [8]\nlayers: [{linear: 4}]\n")
    found = compare([open_spec(str(path))], [], ("params", "field"))
    assert [row.known["field"] for row in found.rows] == [None]
    assert not any(condition(text).holds(row.known) for row in found.rows)


@together(
    "text, code, place",
    [
        ("parms < 5 M", "unknown-key", "parms"),
        ("params < 5 KiB", "wrong-unit", "KiB"),
        ("macs < 1 G and peak_memory < 5 M", "wrong-unit", "M"),
        ("params < 5 Mi", "unknown-unit", "Mi"),
        ("params < 5 parms", "unknown-unit", "parms"),
        ("params", "no-condition", "params"),
        ("params + 1", "no-condition", "params + 1"),
        ("params < ", "syntax", " "),
        ("params = 5", "syntax", "="),
        ("params < 5 M M", "unknown-key", "M"),
        ("", "syntax", ""),
        ("x.height > 3", "unknown-key", "x"),
        ("foo(params) > 3", "unknown-key", "foo"),
        ("params < 5_000", "number", "5_000"),
        ("params < " + "1+" * 2000 + "1", "too-large", "p"),
    ],
)
def test_what_is_no_condition(text: str, code: str, place: str) -> None:
    with pytest.raises(SpecError) as caught:
        condition(text)
    (found,) = caught.value.diagnostics
    assert found.code == code
    assert found.span is not None
    assert text[found.span.column - 1 : found.span.end - 1] == place


COUNTS = "`k`, `M`, `G`, `T`, `P`"


@together(
    "text, place, help",
    [
        ("params < 5 Mi", "Mi", "write `M` of a count, `MiB` of bytes"),
        ("params < 5 kb", "kb", "write `k` of a count, `KiB` of bytes"),
        ("params < 5 KB", "KB", "write `k` of a count, `KiB` of bytes"),
        ("params < 5 TB", "TB", "write `T` of a count"),
        ("params < 5 xyz", "xyz", f"units are {COUNTS}, `B`, `KiB`, `MiB`, `GiB`"),
        ("params < 5 AND macs < 3", "AND", "write `and`"),
        ("params OR macs > 3", "OR", "write `or`"),
        ("NOT params < 3", "NOT", "write `not`"),
        ("params < 5 KiB", "KiB", f"units of `params` are {COUNTS}"),
        ("params + macs < 5 KiB", "KiB", f"units of `params` and `macs` are {COUNTS}"),
        ("peak_memory < 3 M", "M", "units of `peak_memory` are `B`, `KiB`, `MiB`, `GiB`"),
        ("params < 5 MiB or peak_memory < 5 MiB", "MiB", f"units of `params` are {COUNTS}"),
        ("parms < 5 M", "parms", "did you mean `params`?"),
        ("params", "params", "compare it with something, for example `params < 5 M`"),
    ],
)
def test_what_a_condition_should_have_been(text: str, place: str, help: str) -> None:
    with pytest.raises(SpecError) as caught:
        condition(text, arguments=["size", "act"])
    (found,) = caught.value.diagnostics
    assert found.help == help
    assert found.span is not None
    assert (found.span.line, text[found.span.column - 1 : found.span.end - 1]) == (1, place)


def test_each_quantity_is_listed_once() -> None:
    with pytest.raises(SpecError) as caught:
        condition("beauty < 5", arguments=["size", "act"])
    help = caught.value.diagnostics[0].help
    assert help.startswith("quantities are `params`, `state`, `macs`, ")
    assert help.endswith(", `layers`, `size`, `act`")


@pytest.mark.parametrize(
    "text",
    [
        "(params) < 5 M",
        "params < 5 M and peak_memory < 5 MiB",
        "max(params, 3 k) > 4",
        "act == relu and relu != act",
        "size < 3 M",
        "true",
    ],
)
def test_what_is_a_condition(text: str) -> None:
    assert condition(text, arguments=["size", "act"]).source.text == text


def test_a_division_by_zero_has_its_place() -> None:
    with pytest.raises(SpecError, match="division by zero"):
        condition("macs / (size - 96) > 3", arguments=["size"]).holds(measured()[0].known)


def test_quotients_are_columns() -> None:
    assert formula("macs / params", "--columns").value({"macs": 10, "params": 4}) == 2.5
    assert formula("macs / params", "--columns").value({"macs": None, "params": 4}) is None


# -- fronts ------------------------------------------------------------------------------------------------------------


def brute_front(rows: list[dict[str, Any]], wanted: list[Aim]) -> list[int]:
    """By the definition: a row stays unless another is as good in all and better in one."""
    kept = []
    for number, row in enumerate(rows):
        beaten = False
        for other in rows:
            signs = [-1 if aim.more else 1 for aim in wanted]
            mine = [sign * aim.of(row) for sign, aim in zip(signs, wanted)]
            theirs = [sign * aim.of(other) for sign, aim in zip(signs, wanted)]
            beaten = beaten or (all(b <= a for a, b in zip(mine, theirs)) and any(b < a for a, b in zip(mine, theirs)))
        if not beaten:
            kept.append(number)
    return kept


@pytest.mark.parametrize("text", ["macs,params", "macs,params,+field", "+macs", "params,-macs,+size", "macs / params"])
def test_fronts_by_brute_force(text: str) -> None:
    generator = random.Random(text)
    wanted = aims(text, "--front")
    for length in (1, 2, 10, 60):
        rows = [{key: generator.randrange(1, 9) for key in ALL} for _ in range(length)]
        assert front(rows, wanted) == brute_front(rows, wanted)
    known = [row.known for row in measured()]
    assert front(known, wanted) == brute_front(known, wanted)


def test_aims() -> None:
    found = aims("macs,max(macs, 2 * params) , +field, - params ", "--front")
    assert [(aim.key, aim.more) for aim in found] == [
        ("macs", False),
        ("max(macs, 2 * params)", False),
        ("field", True),
        ("params", False),
    ]
    assert [aim.of({"macs": 3, "field": 2, "params": 4}) for aim in found] == [3, 8, 2, 4]
    assert [aim.of({"macs": None, "field": 2}) for aim in found] == [None, None, 2, None]


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("params, mac", "unknown quantity `mac`", "mac"),
        ("macs,+ macs , params", "given twice", "macs"),
        ("macs,", "an expression is missing", ""),
        ("macs, params / fied", "unknown quantity `fied`", "fied"),
        ("macs, params / 3 KiB", "does not belong to `params`", "KiB"),
    ],
)
def test_what_is_no_aim(text: str, message: str, place: str) -> None:
    with pytest.raises(SpecError) as caught:
        aims(text, "--columns")
    (found,) = caught.value.diagnostics
    assert message in found.message
    assert found.span is not None
    assert (found.span.source.text, found.span.line) == (text, 1)
    assert text[found.span.column - 1 : found.span.end - 1] == place


def test_order_and_what_is_not_known() -> None:
    rows: list[dict[str, Any]] = [{"macs": 3}, {"macs": None}, {"macs": 1}, {"macs": 3}]
    (macs,) = aims("macs", "--sort")
    assert ordered(rows, macs) == [2, 0, 3, 1]
    assert ordered(rows, macs._replace(more=True)) == [0, 3, 2, 1]
    assert front(rows, [macs]) == [2]


def test_memory_settings_reach_the_rows() -> None:
    rows = compare([open_spec("lenet")], keys=("peak_memory",), memory=MemorySetting("int8", batch=2)).rows
    assert rows[0].figures == {"peak_memory": 2 * memory(cnncalc.load("lenet").graph).peak_bytes // 4}
