"""Every form of an expectation: a file in which it holds, one in which it fails, and what is said of it."""

from __future__ import annotations

import pytest
from check.cases import ERRORS, FORMS
from sampling import together

from cnncalc.check.files import check_spec
from cnncalc.diagnostics import Diagnostic, SpecError
from cnncalc.language.library import load_text

# 3*3*3*16 + 16 = 448 parameters, 448 - 16 = 432 weights at 32 x 32 positions: 442,368 MACs
NET = """\
input: [3, 32, 32]
args: {width: 16}
layers:
  - {conv: width, kernel: 3, padding: same, norm: batch, act: relu, bias: true, name: conv1}
  - {max_pool: 2, name: pool1}
  - {linear: 10, if: false}
"""
# params 448 + 32 = 480, state 32, macs 442,368, output 16 x 16 x 16, receptive field 4, stride 2, start -1


def verdicts(text: str) -> tuple[list[bool], list[Diagnostic]]:
    """Whether each expectation in a spec holds, and what fails."""
    checked = check_spec(load_text(text))
    return [verdict.ok for verdict in checked.verdicts], checked.failures


@together("holds", [pair[0] for pair in FORMS])
def test_a_form_that_holds(holds: str) -> None:
    found, problems = verdicts(f"{NET}expect:\n  {holds}\n")
    assert found
    assert all(found)
    assert problems == []


@together("fails", [pair[1] for pair in FORMS])
def test_a_form_that_fails(fails: str) -> None:
    found, problems = verdicts(f"{NET}expect:\n  {fails}\n")
    assert found.count(False) == len(problems) == 1
    assert problems[0].code == "expectation"
    assert problems[0].span is not None
    assert problems[0].span.line >= 8


@pytest.mark.parametrize(
    ("value", "holds"),
    [(4_084_999, False), (4_085_000, True), (4_094_999, True), (4_095_000, False)],
)
def test_a_rounded_figure_admits_what_rounds_to_its_digits(value: int, holds: bool) -> None:
    text = f"input: [1]\nlayers:\n  - {{opaque: [1], params: {value}, macs: 0}}\nexpect: {{params: 4.09 M}}\n"
    assert verdicts(text)[0] == [holds]


def test_a_failure_shows_expected_actual_difference_and_line() -> None:
    _, problems = verdicts(f"{NET}expect:\n  params: 400\n")
    assert str(problems[0]) == (
        "error[expectation]: `params` of <string> is 480, expected 400 (+20.00%)\n"
        "  --> <string>:8:11\n"
        "  |\n"
        "8 |   params: 400\n"
        "  |           ^^^"
    )


def test_a_small_difference_keeps_a_digit() -> None:
    text = "input: [1]\nlayers:\n  - {opaque: [1], params: 100000001, macs: 0}\nexpect: {params: 100000000}\n"
    assert "(+1e-06%)" in verdicts(text)[1][0].message


def test_several_outputs_are_named() -> None:
    net = "input: [3, 8, 8]\nlayers:\n  - {relu, name: a}\n  - {max_pool: 2, name: b}\noutputs: [a, b]\n"
    assert verdicts(f"{net}expect: {{output: {{a: [3, 8, 8], b: [3, 4, 4]}}}}\n") == ([True, True], [])
    assert verdicts(f"{net}expect: {{output: {{b: [3, 4, 4]}}}}\n") == ([True], [])
    message = verdicts(f"{net}expect: {{output: [3, 4, 4]}}\n")[1][0].message
    assert message == "the network has 2 outputs: name them"
    unknown = verdicts(f"{net}expect: {{output: {{aa: [3, 4, 4]}}}}\n")[1][0]
    assert (unknown.code, unknown.help) == ("unknown-output", "did you mean `a`?")


VARIANTS = "input: [3, 8, 8]\nargs: {c: 4}\nvariants: {small: {}, large: {c: 8}}\nlayers:\n  - {conv: c, kernel: 1}\n"


def test_per_variant_and_for_all_of_them() -> None:
    assert verdicts(f"{VARIANTS}expect: {{small: {{params: 16}}, large: {{params: 32}}}}\n") == ([True, True], [])
    assert verdicts(f"{VARIANTS}expect: {{output: [c, 8, 8]}}\n") == ([True, True], [])
    found, problems = verdicts(f"{VARIANTS}expect: {{params: 16}}\n")
    assert found == [True, False]
    assert problems[0].message == "`params` of large is 32, expected 16 (+100.00%)"


def test_a_list_of_entries() -> None:
    entries = "[{params: 16}, {with: {c: 2}, params: 8}, {macs: 768}]"
    assert verdicts(f"{VARIANTS}expect:\n  small: {entries}\n") == ([True, True, True], [])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("stem", "{params: 64, macs: 3840, output: [8, 4, 4]}"),  # a block call: the sum of its rows, 12 + 20 + 32
        ("stem.conv2", "{params: 20, output: [4, 8, 8], receptive_field: 1}"),
        ("stem.half", "{receptive_field: {size: 2, stride: 2}}"),
        ("body.0", "{params: 72, output: [8, 4, 4]}"),
        ("body", "{params: 144, output: [8, 4, 4]}"),
        ("sep", "{params: 144, macs: 2176, output: [8, 4, 4]}"),
        ("sep.depthwise", "{params: 72}"),
        ("half", "{params: 0, output: [8, 4, 4]}"),
        ("group1", "{params: 72}"),
        ("skipped", "{params: 0, output: [8, 4, 4]}"),
    ],
)
def test_layers_by_any_name(name: str, expected: str) -> None:
    net = """\
input: [3, 8, 8]
blocks:
  start:
    layers:
      - {conv: 4, kernel: 1, bias: false}
      - {conv: 4, kernel: 1, name: conv2}
      - {conv: 8, kernel: 1, bias: false, name: wide}
      - {max_pool: 2, name: half}
layers:
  - {start, name: stem}
  - {conv: 8, kernel: 1, repeat: 2, name: body}
  - {separable_conv: 8, kernel: 3, padding: same, name: sep}
  - {layers: [{conv: 8, kernel: 1}], name: group1}
  - {identity, if: false, name: skipped}
  - {relu, name: half}
"""
    found, problems = verdicts(f"{net}expect: {{layers: {{{name}: {expected}}}}}\n")
    assert problems == []
    assert all(found)


def test_an_unknown_part_makes_a_lower_bound() -> None:
    net = "input: [3, 8, 8]\nlayers:\n  - {conv: 4, kernel: 1}\n  - {opaque: [4, 8, 8]}\n"
    assert verdicts(f'{net}expect: {{params: ">= 10"}}\n')[0] == [True]
    found, problems = verdicts(f"{net}expect: {{params: 16}}\n")
    assert found == [False]
    assert "is at least 16, expected 16" in problems[0].message


@together("text, code, help", ERRORS)
def test_what_means_nothing_is_said_with_its_place(text: str, code: str, help: str) -> None:
    try:
        problems = verdicts(f"{NET}expect:\n  {text}\n")[1]
    except SpecError as error:
        problems = error.diagnostics
    assert [problem.code for problem in problems][:1] == [code], problems
    assert problems[0].span is not None
    assert problems[0].span.line in (7, 8)
    assert help in problems[0].help


@together("figure, help", [("word", "a unit stands after a number: `4.09 G`"), ("[3]", ""), ("true", "")])
def test_a_figure_is_a_number(figure: str, help: str) -> None:
    (problem,) = verdicts(f"input: [3]\nargs: {{figure: {figure}}}\nlayers: [relu]\nexpect: {{params: figure}}\n")[1]
    assert (problem.code, problem.help) == ("wrong-type", help)


def test_what_is_unknown_in_a_part_of_a_figure_is_marked_alone() -> None:
    spec = "input: [3]\nlayers: [relu]\nexpect: {params: 100 .. 2*wdth, macs: <= 3*wid}\n"
    spans = [problem.span for problem in verdicts(spec)[1]]
    assert [(span.line, span.column, span.end) for span in spans if span is not None] == [(3, 27, 31), (3, 44, 47)]


def test_a_variant_that_does_not_exist() -> None:
    with pytest.raises(SpecError) as caught:
        load_text(f"{VARIANTS}expect: {{small: {{params: 16}}, smal: {{params: 16}}, params: 3, other: {{}}}}\n")
    texts = [(each.code, each.help) for each in caught.value.diagnostics]
    assert texts == [
        ("unknown-variant", "did you mean `small`?"),
        ("unknown-variant", "write it below each variant that it holds for"),
        ("unknown-variant", "variants are `small`, `large`"),
    ]
