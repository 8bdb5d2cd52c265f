"""The commands that answer a designer: memory, compare, diff, conventions; figures are those of other programs."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import cnncalc
from cnncalc import gallery
from cnncalc.compare import sweep
from cnncalc.compare.selection import selection
from cnncalc.language import library
from cnncalc.language.library import bundled_files
from cnncalc.render import render
from cnncalc.tables import gallery as tables
from cnncalc.tables.comparison import tabulate_sweep

Run = Callable[..., Any]
DATA = Path(__file__).parent / "data"
README = Path(__file__).parents[1] / "README.md"


MEASURED = json.loads((DATA / "memory" / "memory.json").read_text())["networks"]
TOOLS = json.loads((DATA / "conventions" / "given.json").read_text())["networks"]


ELSEWHERE = {"vgg16": 4 * (1_000 - 25_088)}
"""Bytes a sample that our spec keeps and torchvision's network does not: a softmax, and no pool from 7 x 7 to 7 x 7."""


@pytest.mark.parametrize("name", MEASURED)
def test_memory_tells_what_pytorch_keeps(name: str, run: Run) -> None:
    """Elements alive by torch.fx and bytes that autograd keeps, as PyTorch gave them (tests/data/memory)."""
    given = MEASURED[name]
    plain = json.loads(run("memory", name, "--format", "json").out)["totals"]
    assert plain["peak_bytes"] == 4 * given["peak_reuse"]
    assert json.loads(run("memory", name, "--no-reuse", "-f", "json").out)["totals"]["peak_bytes"] == (
        4 * given["peak_no_reuse"]
    )
    for batch, kept in given["kept_for_backward_bytes"].items():
        found = json.loads(run("memory", name, "--training", "--batch", batch, "--format", "json").out)["totals"]
        expected = kept + int(batch) * ELSEWHERE.get(name, 0)
        assert abs(found["kept_bytes"] / expected - 1) < 1e-5


def test_a_budget_fits_or_not(run: Run) -> None:
    """A 3 x 8 x 8 input and its 4 x 8 x 8 result: 448 numbers, one byte each in int8."""
    net = cnncalc.loads("input: [3, 8, 8]\nlayers: [{conv: 4, kernel: 1}]\n")
    assert net.memory("int8").live.peak_bytes == 448
    assert net.memory("int8", budget=448).budget.fits
    assert not net.memory("int8", budget=447).budget.fits
    assert net.memory("int8", budget=1000).budget.largest_batch == 2


@pytest.mark.parametrize(("budget", "code"), [("100MiB", 0), ("1KiB", 1), ("many", 2)])
def test_the_exit_code_of_a_budget(budget: str, code: int, run: Run) -> None:
    assert run("memory", "lenet5", "--budget", budget).code == code


def test_compare_shows_factors_and_settings(run: Run) -> None:
    """Figures of torchvision 0.28 for ResNet-18 and 50."""
    rows = json.loads(run("compare", "resnet18", "resnet50", "--format", "json").out)["rows"]
    assert [(row["spec"], row["params"]) for row in rows] == [("resnet18", 11_689_512), ("resnet50", 25_557_032)]
    assert "x 2.19" in run("compare", "resnet18", "resnet50").out
    swept = json.loads(run("compare", "mobilenet_v1", "--over", "width=0.5,1", "--format", "json").out)["rows"]
    assert [(row["settings"]["width"], row["params"]) for row in swept] == [(0.5, 1_331_592), (1, 4_231_976)]


def test_a_model_file_is_compared_too(run: Run) -> None:
    """tests/data/convert/make.py: a convolution that keeps its channels, at its own size."""
    model = str(DATA / "convert" / "act_relu.onnx")
    rows = json.loads(run("compare", "notes_stride1", model, "--format", "json").out)["rows"]
    assert [row["spec"] for row in rows] == ["notes_stride1", model]
    assert rows[1]["params"] == 0
    assert run("compare", model, "--over", "width=1,2").code == 2


def test_compare_asks_conditions_and_fronts(run: Run) -> None:
    some = ("vgg11", "vgg16", "resnet18", "alexnet")
    done = run("compare", *some, "--where", "params < 100 M and macs < 1 G", "--format", "json")
    assert [row["spec"] for row in json.loads(done.out)["rows"]] == ["alexnet"]
    done = run("compare", *some, "--front", "params,macs", "--sort", "macs", "--format", "json")
    assert [row["spec"] for row in json.loads(done.out)["rows"]] == ["alexnet", "resnet18"]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("--where", "parms < 5 M"), 1, "did you mean `params`?"),
        (("--where", "params < 5 KiB"), 1, "does not belong to `params`"),
        (("--over", "width=*"), 1, "has no end"),
        (("--columns", "beauty"), 1, "unknown quantity `beauty`"),
    ],
)
def test_what_compare_refuses(arguments: tuple[str, ...], code: int, told: str, run: Run) -> None:
    done = run("compare", "mobilenet_v1", *arguments)
    assert done.code == code
    assert told in done.err


def test_diff_of_two_networks(tmp_path: Path, run: Run) -> None:
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_text("input: [3, 8, 8]\nlayers: [{conv: 4, kernel: 3, padding: 1}, relu]\n")
    new.write_text("input: [3, 8, 8]\nlayers: [{conv: 4, kernel: 5, padding: 2}, relu, {conv: 2, kernel: 1}]\n")
    found = json.loads(run("diff", str(old), str(new), "--format", "json").out)
    assert [(each["change"], each["new"]) for each in found["changes"]] == [("changed", "conv1"), ("added", "conv2")]
    assert found["changes"][0]["fields"]["kernel"] == [3, 5]
    assert found["totals"]["params"] == [112, 314]  # 4*(27 + 1); 4*(75 + 1) and 2*(4 + 1)
    assert "112 -> 314" in run("diff", str(old), str(new)).out
    assert run("diff", str(old), str(new), "--fail-on", "params > +10%").code == 1
    assert run("diff", str(old), str(new), "--fail-on", "params > +1 k").code == 0


@pytest.mark.parametrize("name", TOOLS)
def test_conventions_are_those_of_the_tools(name: str, run: Run) -> None:
    """What the tools printed (tests/data/conventions)."""
    found = json.loads(run("conventions", name, "--format", "json").out)["tools"]
    figures = {"torchinfo": "mult_adds", "fvcore": "flops", "thop": "macs", "torch_flop_counter": "flops"}
    figures |= {"ptflops_pytorch": "macs", "ptflops_aten": "macs"}
    assert {tool: found[tool]["value"] for tool in figures} == {t: TOOLS[name][t][key] for t, key in figures.items()}
    for entry in found.values():
        assert sum(entry["parts"].values()) == entry["value"]


def test_totals_of_tools_end_below_each_other(run: Run, tmp_path: Path) -> None:
    """Of a convolution of 600,000 multiply-accumulates some tools count twice as many operations: a digit more."""
    path = tmp_path / "net.yaml"
    path.write_text("input: [6, 100, 100]\nlayers: [{conv: 10, kernel: 1}]\n")
    lines = run("conventions", str(path)).out.splitlines()
    totals = [re.search(r"[\d,]{7,}", line) for line in lines if re.match(r"\w+ +\S", line)]
    spans = {found.span() for found in totals if found is not None}
    assert len({start for start, _ in spans}) > 1
    assert len({end for _, end in spans}) == 1


def test_explain_tells_what_is_alive_and_why(run: Run) -> None:
    """By hand: a basic block of ResNet-18 holds its shortcut, 128 x 28 x 28 numbers, and the two of the convolution."""
    found = json.loads(run("explain", "resnet18", "layer2.1.conv2", "--format", "json").out)["alive"]
    assert found[0] == "1.15 MiB in float32, while it runs"
    assert [line.partition(": ")[2] for line in found[1:]] == [
        "392.00 KiB, needed by `layer2.1.add1`",
        "392.00 KiB, its input",
        "392.00 KiB, its output",
    ]


def test_all_files_are_swept_by_their_variants(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """LeCun et al. 1998 count 61,706 parameters with full connections; a file without variants is left out."""
    paths = [path for path in bundled_files() if Path(path).stem in ("lenet", "pointnet", "blocks")]
    monkeypatch.setattr(library, "bundled_files", lambda: paths)
    done = run("compare", "--all", "--over", "variant=*", "--columns", "params", "--format", "json")
    found = json.loads(done.out)
    assert [row["spec"] for row in found["rows"]] == ["lenet"]
    assert [(row["variant"], row["params"]) for row in found["rows"]] == [("lenet5", 61_706)]
    assert found["left_out"] == ["blocks", "pointnet"]


def test_an_interrupted_comparison_shows_what_is_done(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(work: Any, tasks: Any, *_: Any) -> Any:
        yield from map(work, tasks[:2])
        raise KeyboardInterrupt

    monkeypatch.setattr(sweep, "side_by_side", interrupted)
    done = run("compare", "lenet5", "--over", "size=32..40")
    assert done.code == 130
    assert "\ninterrupted: 2 of 9 settings were measured\n" in done.out


def left_out(count: int) -> str:
    names = tuple(f"net{number}" for number in range(count))
    table = tabulate_sweep(sweep.compare([sweep.open_spec("lenet5")])._replace(left_out=names), [], [])
    return table.remarks[-1]


def test_the_first_of_those_left_out_are_named() -> None:
    told = "networks have not what is swept over, and are left out: net0, net1, net2, net3"
    assert left_out(4) == f"4 {told}"
    assert left_out(5) == f"5 {told}, …"


def test_the_list_as_a_table() -> None:
    """Years and figures stand at the right, names at the left; a network of no year has none."""
    row = sweep.compare([sweep.open_spec("lenet5")], keys=("params", "macs", "field")).rows[0]
    one = gallery.Entry("lenet5", "LeNet-5", "", 1998, (1, 32, 32), 61_706, 416_520, (16, 16), row)
    shown = selection("params,field").columns
    made = render([tables.tabulate([one], shown)], "markdown")
    assert "1 bundled network\n" in made.replace("*", "")
    assert "| Name | Year | Input | Params | Field |\n| --- | ---: | --- | ---: | ---: |\n" in made
    assert "| lenet5 | 1998 | 1 x 32 x 32 | 61,706 | 16 |\n" in made
    made = render([tables.tabulate([one, one._replace(year=None)], shown)], "markdown")
    assert "2 bundled networks\n" in made.replace("*", "")
    assert "| lenet5 | - | 1 x 32 x 32 |" in made


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only some of the bundled files: to work out all of them takes seconds."""
    names = ("efficientnet", "mobilenet_v1", "mobilenet_v2", "resnet", "squeezenet", "vgg")
    paths = [path for path in bundled_files() if Path(path).stem in names]
    assert len(paths) == len(names)
    for module in (gallery, library):
        monkeypatch.setattr(module, "bundled_files", lambda: paths)


@pytest.mark.thorough
@pytest.mark.usefixtures("few")
def test_all_leaves_out_what_has_not_what_is_swept_over(run: Run) -> None:
    done = run("compare", "--all", "--over", "width=0.5,1", "--columns", "params", "--format", "json")
    found = json.loads(done.out)
    assert {row["spec"] for row in found["rows"]} >= {"mobilenet_v1", "mobilenet_v2", "efficientnet_b0"}
    assert {"resnet50", "vgg16"} <= set(found["left_out"])
    assert all("width" in row["settings"] for row in found["rows"])
    done = run("compare", "--all", "--over", "widht=1")
    assert (done.code, "none of" in done.err) == (2, True)
    assert "resnet.yaml has no argument `widht`" in run("compare", "resnet50", "--over", "widht=1").err


def test_quotients_are_columns_and_orders(run: Run) -> None:
    """torchvision's figures: 714,188,480 / 61,100,840 of AlexNet, 1,814,073,344 / 11,689,512 of ResNet-18."""
    done = run("compare", "resnet18", "alexnet", "--columns", "macs / params", "--sort", "macs / params", "-f", "json")
    rows = json.loads(done.out)["rows"]
    assert [(row["spec"], round(row["macs / params"], 3)) for row in rows] == [
        ("alexnet", 11.689),
        ("resnet18", 155.188),
    ]


def test_a_budget_of_training_is_of_the_whole_step() -> None:
    net = cnncalc.load("resnet18")
    found = net.memory(training=True, budget=2**30)
    assert found.budget is not None
    assert found.step is not None
    assert found.budget.spare == 2**30 - found.step.bytes
    assert found.to_dict()["totals"]["training_bytes"] == found.step.bytes


def test_formulas_in_every_form(run: Run) -> None:
    """VGG-16's parameters by its classes: 4,096 weights and a bias each."""
    assert "4,097*classes + 134,260,544" in run("formula", "vgg16", "--in", "classes").out
    assert ",4097*classes + 134260544," in run("formula", "vgg16", "--in", "classes", "--format", "csv").out
    found = json.loads(run("formula", "vgg16", "--in", "classes", "--of", "params", "--format", "json").out)
    assert found["formulas"]["params"]["text"] == "4097*classes + 134260544"
    assert found["formulas"]["params"]["terms"] == [[4_097, {"classes": 1}], [134_260_544, {}]]
    assert run("formula", "vgg16", "--in", "clases").code == 2
    assert "lacks a name" in run("formula", "vgg16", "--in", "classes,").err


@pytest.mark.thorough
def test_sizes_in_every_form(run: Run) -> None:
    """U-Net takes 188 + 16*k, and gives 184 less (its paper's 572 and 388)."""
    assert "188 + 16*k" in run("sizes", "unet", "--range", "150..600").out
    found = json.loads(run("sizes", "unet", "--range", "150..600", "--format", "json").out)
    assert (found["builds"], found["clean"]) == ([[188, 600]], {"first": 188, "step": 16})
    assert found["outputs"]["572"] == [[2, 388, 388]]


@pytest.mark.parametrize("given", ["5", "1..", "..5", "a..b", "9..1", "0..4"])
def test_what_is_no_range(given: str, run: Run) -> None:
    done = run("sizes", "unet", "--range", given)
    assert done.code == 2
    assert "no range of sizes" in done.err


@pytest.mark.thorough
@pytest.mark.usefixtures("few")
def test_the_list_is_chosen_from(run: Run) -> None:
    """torchvision's SqueezeNets have 1,248,424 and 1,235,496 parameters."""
    done = run("list", "--where", "1.23 M < params < 1.25 M", "--sort", "params", "--columns", "layers", "-f", "json")
    found = json.loads(done.out)["networks"]
    assert [(each["name"], each["params"]) for each in found] == [
        ("squeezenet1_1", 1_235_496),
        ("squeezenet1_0", 1_248_424),
    ]
    assert all(each["layers"] > 20 and each["year"] == 2016 for each in found)
    assert run("list", "--where", "parms < 3").code == 1


KEYS = {"torchinfo": "mult_adds", "fvcore": "flops", "thop": "macs", "torch_flop_counter": "flops"}
KEYS |= {"ptflops_pytorch": "macs", "ptflops_aten": "macs"}


@pytest.mark.parametrize("tool", KEYS)
def test_macs_as_another_tool_counts_them(tool: str, run: Run) -> None:
    """What the tools printed (tests/data/conventions), in the summary and in a comparison, and who counted."""
    expected = {name: TOOLS[name][tool][KEYS[tool]] for name in ("resnet18", "mobilenet_v2")}
    done = run("compare", *expected, "--as", tool, "--columns", "macs,flops", "--format", "json")
    assert {row["spec"]: row["macs"] for row in json.loads(done.out)["rows"]} == expected
    assert all(row["flops"] is None for row in json.loads(done.out)["rows"])
    assert f"what {tool} " in run("compare", *expected, "--as", tool).out
    summary = json.loads(run("summary", "resnet18", "--as", tool, "--format", "json").out)
    assert summary["totals"]["macs"] == expected["resnet18"] == sum(row["macs"] for row in summary["layers"])
    told = run("summary", "resnet18", "--as", tool).out
    assert f"what {tool} " in told
    assert "FLOPs" not in told.replace("flops", "").replace("FlopCounterMode", "")


@pytest.mark.parametrize("command", ["summary", "compare"])
def test_a_tool_that_is_not_known(command: str, run: Run) -> None:
    done = run(command, "resnet18", "--as", "fvcor")
    assert (done.code, "did you mean `fvcore`?" in done.err) == (2, True)
    assert "--> --as:1:1" in done.err


def questions() -> list[tuple[str, str]]:
    """The commands of the README's questions, and the answers that it gives behind them."""
    found = re.search(r"<!-- questions -->\n```sh\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    lines = [line for line in found[1].splitlines() if line.startswith("cnncalc ")]
    return [
        (command.removeprefix("cnncalc ").strip(), answer.strip())
        for command, _, answer in (x.rpartition("#") for x in lines)
    ]


@pytest.mark.parametrize(("command", "answer"), questions())
def test_the_questions_of_the_readme(
    command: str, answer: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MobileNet's parameters are those of Keras, ResNet-50's field and U-Net's sizes those of their papers."""
    monkeypatch.chdir(tmp_path)
    steps = "layers: [{conv: 16, kernel: 3, padding: half, repeat: depth}]"
    Path("deep.yaml").write_text(f"args: {{depth: 4}}\ninput: [3, 64, 64]\n{steps}\n")
    done = run(*shlex.split(command))
    assert done.code == 0
    assert answer in done.out


def test_the_words_that_the_readme_lists() -> None:
    from cnncalc.analyzers.quantities import asked

    found = re.search(r"\n\n    (params state .*?)\n\n", README.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    assert set(found[1].split()) == set(asked())


def test_git_shows_what_a_change_costs(tmp_path: Path) -> None:
    """The driver of the README, in a repository."""
    driver = re.search(r'    git config diff.cnncalc.command "(.*)"\n', README.read_text(encoding="utf-8"))
    assert driver is not None
    command = driver[1].replace('\\"', '"').replace("\\$", "$").replace("cnncalc", f"{sys.executable} -m cnncalc")

    def git(*arguments: str) -> str:
        who = ("-c", "user.name=n", "-c", "user.email=n@example.org")
        env = {"PYTHONPATH": str(README.parent), "PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": str(tmp_path)}
        done = subprocess.run(
            ["git", *who, *arguments], cwd=tmp_path, env=env, capture_output=True, text=True, check=True, timeout=60
        )
        return done.stdout

    (tmp_path / "net.yaml").write_text("input: [3, 8, 8]\nlayers: [{conv: 4, kernel: 3}]\n")
    (tmp_path / ".gitattributes").write_text("*.yaml diff=cnncalc\n")
    git("init", "-q", ".")
    git("add", ".")
    git("commit", "-qm", "one")
    git("config", "diff.cnncalc.command", command)
    (tmp_path / "net.yaml").write_text("input: [3, 8, 8]\nlayers: [{conv: 4, kernel: 5}]\n")
    assert "112 -> 304" in git("diff")


@pytest.mark.parametrize(
    ("arguments", "message", "place"),
    [
        (("memory", "lenet5", "--budget", "0"), "at least 1 byte", "--budget:1:1"),
        (("memory", "lenet5", "--budget", "5MB"), "`5MB` is no size", "--budget:1:1"),
        (("memory", "lenet5", "--dtype", "int7"), "no type `int7`", "--dtype:1:1"),
        (("memory", "lenet5", "--weights-dtype", "int7"), "no type `int7`", "--weights-dtype:1:1"),
        (("memory", "lenet5", "--training", "--optimizer", "adamw"), "no optimizer `adamw`", "--optimizer:1:1"),
        (("compare", "lenet5", "--dtype", "int7"), "no type `int7`", "--dtype:1:1"),
    ],
)
def test_a_value_that_a_flag_does_not_take(arguments: tuple[str, ...], message: str, place: str, run: Run) -> None:
    done = run(*arguments)
    assert done.code == 2
    assert message in done.err
    assert f"--> {place}" in done.err


def test_a_revision_that_does_not_exist(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "init", "-q", "."], check=True, timeout=60)
    done = run("diff", "NOPE:net.yaml", "lenet5")
    assert (done.code, "no revision `NOPE`" in done.err) == (1, True)
    assert "--> REVISION:PATH:1:1" in done.err


def test_a_comparison_in_python() -> None:
    """Keras' MobileNet of three widths, torchvision's figures for the others."""
    rows = cnncalc.compare_specs("mobilenet_v1", over=["width=0.25,0.5,1"], where="params < 2 M", sort="+params")
    assert [(row.settings["width"], row.figures["params"]) for row in rows] == [(0.5, 1_331_592), (0.25, 470_072)]
    with pytest.raises(cnncalc.Fault, match="no type `int7`"):
        cnncalc.compare_specs("lenet5", dtype="int7")
    difference = cnncalc.load("resnet18").diff(cnncalc.load("resnet34"))
    assert difference.totals["params"] == (11_689_512, 21_797_672)


def test_an_unknown_argument_is_an_error(run: Run, tmp_path: Path) -> None:
    """And no row among others that says so, with exit code 0."""
    spec = tmp_path / "net.yaml"
    spec.write_text("input: [3, 8, 8]\nargs: {width: 4}\nlayers: [{conv: width, kernel: 1}]\n")
    for command in (("compare", str(spec)), ("compare", str(spec), "lenet5"), ("summary", str(spec))):
        done = run(*command, "--set", "wdth=3")
        assert (done.code, done.out) == (1, "")
        assert "has no argument `wdth`" in done.err
        assert "help: did you mean `width`?" in done.err
    assert run("compare", str(spec), "--set", "width=3").code == 0


def test_other_tools_count_one_sample(run: Run) -> None:
    done = run("summary", "lenet5", "--as", "fvcore", "--batch", "2")
    assert (done.code, "of one sample" in done.err) == (1, True)
