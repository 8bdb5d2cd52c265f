"""No option is ignored: with it a command prints something else, in every form, or says that it cannot hold."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from conftest import run_command
from sampling import some, together

SPEC = """
name: Two inputs
input: {left: [2, 9, 9], right: [2, 9, 9]}
args: {width: 4, act: relu}
variants: {small_one: {}, wide_one: {width: 6}}
blocks:
  cell:
    args: {channels: required}
    layers: [{conv: channels, kernel: 3, padding: 1, norm: batch, act: act}, {conv: channels, kernel: 1}]
layers:
  - {conv: width, kernel: 3, padding: 1, name: stem}
  - {conv: width, kernel: 5, padding: 2, from: right, name: other}
  - {concat: [stem, other], name: both}
  - {cell: width, repeat: 2, name: body}
  - {max_pool: 2}
  - flatten
  - {linear: 10}
"""
FORMS = ("table", "json", "csv", "latex")
"""Markdown and HTML are of the table that LaTeX is of."""
FEWER = ("table", "json", "csv")
ONLY = {"verify": FEWER[:2], "explain": FEWER[:2], "memory": FEWER, "compare": FEWER, "conventions": FEWER}
"""The forms that differ in what they hold, for commands whose tables have no forms of their own."""
EVERYWHERE = ("--variant wide_one", "--set width=2", "--input left=2x7x7 --input right=2x7x7", "--max-steps 2")
REPORT = (*EVERYWHERE, "--batch 3", "--depth 1", "--sort name", "--top 2", "--layout nhwc")
OPTIONS: dict[str, tuple[str, ...]] = {
    "summary": (*REPORT, "--of right", "--variant *", "--as thop"),
    "shapes": (*REPORT, "--variant *"),
    "params": (*REPORT, "--variant *"),
    "rf": (*REPORT, "--of right", "--variant *"),
    "memory": (
        *EVERYWHERE,
        *("--dtype int8", "--weights-dtype int8", "--batch 3", "--no-reuse", "--budget 1KiB", "--training"),
        *("--training | --optimizer adam", "--training | --weights-dtype int8", "--optimizer adam"),
    ),
    "compare": (
        *("--variant wide_one", "--set width=2", "--max-steps 2", "--over width=4,8", "--where params<1"),
        *(f"--over width=4,8 | {option}" for option in ("--sort +params", "--top 1", "--front macs")),
        *("--columns state", "--dtype int8"),
    ),
    "conventions": EVERYWHERE,
    "verify": (*EVERYWHERE, "--up-to 1", "--all"),
    "explain": (*EVERYWHERE, "--of right"),
}
"""Options by command; behind a bar, what is added to others."""
CASES = [
    (command, option, form)
    for command, options in OPTIONS.items()
    for option in options
    for form in ONLY.get(command, FORMS)
]


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("options") / "two.yaml"
    path.write_text(SPEC, encoding="utf-8")
    return str(path)


def line(command: str, spec: str, form: str) -> list[str]:
    return [command, spec, *(["body.1.conv2"] if command == "explain" else []), "--format", form]


@cache
def without(command: str, spec: str, form: str, others: str = "") -> Any:
    done = run_command(*line(command, spec, form), *others.split())
    assert (done.code, done.err) == (0, "")
    return done


@pytest.mark.thorough
@pytest.mark.every
@together("command, option, form", some(CASES, each=3), " ".join)
def test_an_option_is_felt(command: str, option: str, form: str, spec: str) -> None:
    others, _, added = option.rpartition(" | ")
    done = run_command(*line(command, spec, form), *others.split(), *added.split())
    plain = without(command, spec, form, others)
    assert (done.code, done.out) != (plain.code, plain.out)
    assert done.code == 0 or done.err or command == "memory"  # a budget that does not hold is told in the table


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("command", ["summary", "shapes", "params", "rf"])
def test_full(command: str, form: str, spec: str) -> None:
    """Data has every layer's row whatever is asked for; what people read has them with ``--full``."""
    done = run_command(*line(command, spec, form), "--full")
    assert done.code == 0
    assert (done.out == without(command, spec, form).out) is (form in ("csv", "json"))
    assert "body.1.conv1.norm" in done.out.replace("\\", "")


def test_full_and_depth_exclude_each_other(spec: str) -> None:
    assert run_command("summary", spec, "--full", "--depth", "1").code == 2


def test_every_flag_of_a_report_is_tried() -> None:
    """A new flag gets its line here."""
    from cnncalc.cli.commands import REPORT_FLAGS

    tried = {word.removeprefix("--").replace("-", "_") for option in OPTIONS["summary"] for word in option.split()}
    elsewhere = {"specs", "format", "output", "full"}
    flags = {name.removeprefix("counted_").rstrip("_") for name in REPORT_FLAGS}
    assert flags - elsewhere <= tried
