"""Every lint: a file that raises it, and one that is a step away and does not."""

from __future__ import annotations

import pytest
from check.cases import CASES, PAIRS, net
from sampling import together

from cnncalc.check.files import Checked, check_spec
from cnncalc.diagnostics import SpecError
from cnncalc.language.library import load_text
from cnncalc.language.lint import LINTS


def checked(text: str, *allow: str) -> Checked:
    """The check of a spec's text, which must not fail."""
    found = check_spec(load_text(text), None, frozenset(allow))
    assert found.failures == []
    return found


@together("code, raises, quiet", PAIRS)
def test_a_lint(code: str, raises: str, quiet: str) -> None:
    found = [lint for lint in checked(raises).lints if lint.code == code]
    assert found, "not raised"
    for lint in found:
        assert lint.span is not None
        assert lint.severity == "warning"
        assert lint.help
    assert code not in [lint.code for lint in checked(quiet).lints]


@together("code, raises, quiet", PAIRS)
def test_a_lint_is_allowed_by_flag_and_in_the_file(code: str, raises: str, quiet: str) -> None:
    assert code not in [lint.code for lint in checked(raises, code).lints]
    if "lint:" not in raises:
        assert code not in [lint.code for lint in checked(f"lint: {{allow: [{code}]}}\n{raises}").lints]


def test_every_lint_has_a_case() -> None:
    assert set(CASES) == set(LINTS)


def test_a_lint_says_place_reason_and_help() -> None:
    text = net("{conv: 64, kernel: 11, stride: 4, padding: 2}", "[3, 224, 224]")
    assert [str(lint) for lint in checked(text).lints] == [
        "warning[stride-unread]: `conv1`: (224 + 4 - 11)/4 + 1 is no whole number: "
        "the stride leaves 1 row and 1 column of the padded input unread\n"
        "  --> <string>:3:6\n"
        "  |\n"
        "3 |   - {conv: 64, kernel: 11, stride: 4, padding: 2}\n"
        "  |      ^^^^\n"
        "help: use `padding: same`, or an input size or padding that makes it whole"
    ]


@pytest.mark.parametrize(
    ("step", "input_", "said"),
    [
        (
            "{conv_transpose: 4, kernel: 5, stride: 3}",
            "[4, 9, 9]",
            "`conv_transpose1`: kernel 5 is not divisible by stride 3: outputs overlap unevenly; "
            "use a kernel of 3 or 6, or upsample and convolve",
        ),
        (
            "{max_pool: [2, 1], stride: [2, 3]}",
            "[4, 8, 9]",
            "`max_pool1`: stride 3 is larger than the kernel 1: it reads 1 of every 3 positions of the width; "
            "use a larger kernel, or pool first",
        ),
        (
            "{max_pool: 2, stride: 4, dilation: 2}",
            "[1, 9]",
            "`max_pool1`: stride 4 is larger than the kernel 2: it reads 2 of every 4 positions of the length; "
            "use a larger kernel, or pool first",
        ),
        (
            "{conv: 64, kernel: 3, stride: 2, dilation: 2}",
            "[4, 9, 9, 9]",  # (9 - 5)/2 + 1 is a whole number
            "`conv1`: stride 2 and dilation 2 are both multiples of 2: it reads 1 of every 2 positions of the depth; "
            "use a dilation that has no divisor in common with the stride",
        ),
        (
            "{conv: 64, kernel: 7, stride: 6, dilation: 4}",
            "[4, 37, 37]",
            "`conv1`: stride 6 and dilation 4 are both multiples of 2: it reads 3 of every 6 positions of the height; "
            "use a dilation that has no divisor in common with the stride",
        ),
        ("{max_pool: 3, stride: 3, dilation: 2}", "[4, 8, 8]", ""),  # (8 - 5)/3 + 1 is a whole number
        (
            "{max_pool: 2}",
            "[4, 8, 9]",
            "`max_pool1`: (9 + 0 - 2)/2 + 1 is no whole number: the stride leaves 1 column of the padded input unread; "
            "use `padding: same`, or an input size or padding that makes it whole",
        ),
    ],
)
def test_what_a_lint_of_strides_says(step: str, input_: str, said: str) -> None:
    found = [f"{lint.message}; {lint.help}" for lint in checked(net(step, input_)).lints]
    assert found == ([said] if said else [])


def test_axes_are_told_apart_where_they_differ() -> None:
    codes = [lint.code for lint in checked(net("{max_pool: [1, 2], stride: 2}", "[4, 8, 9]")).lints]
    assert codes == ["stride-gap", "stride-unread"]


@pytest.mark.parametrize(
    ("step", "more", "note"),
    [
        ("{conv: 4, kernel: 1, norm: batch}", "", []),
        ("{conv: 4, kernel: 1, norm: batch, repeat: 3}", "", ["in 3 layers"]),
        ("{conv: c, kernel: 1, norm: batch}", "args: {c: 4}\nvariants: {a: {}, b: {c: 8}}\n", ["in 2 networks"]),
    ],
)
def test_how_often_a_finding_is_there(step: str, more: str, note: list[str]) -> None:
    (found,) = checked(net(step, more=more)).lints
    assert [each.text for each in found.notes] == note


def test_layers_of_one_place_are_one_finding() -> None:
    found = checked(
        net("{conv: c, kernel: 1, norm: batch, repeat: 3}", more="args: {c: 4}\nvariants: {a: {}, b: {c: 8}}\n")
    )
    assert [lint.notes[0].text for lint in found.lints] == ["in 3 layers of 2 networks"]


def test_what_a_file_allows_holds_for_its_layers_wherever_they_are_used(tmp_path: object) -> None:
    library = "{allow}blocks:\n  down: {{layers: [{{max_pool: 1, stride: 2}}]}}\n"
    path = f"{tmp_path}/user.yaml"
    with open(path, "w", encoding="utf-8") as file:
        file.write("import: {lib: lib.yaml}\ninput: [4, 8, 8]\nlayers: [lib.down]\n")
    from cnncalc.language.library import load_file

    for allow, count in (("", 1), ("lint: {allow: [stride-gap]}\n", 0)):
        with open(f"{tmp_path}/lib.yaml", "w", encoding="utf-8") as file:
            file.write(library.format(allow=allow))
        assert len(check_spec(load_file(path)).lints) == count


def test_findings_are_in_the_order_of_their_places() -> None:
    """Lines and columns as numbers; what no step says comes between them where it stands."""
    text = """
input: [4, 64, 64]
layers: [{max_pool: 1, stride: 2}, {max_pool: 1, stride: 3, name: b}, relu, relu, relu, relu, relu, relu, relu, relu,
         {max_pool: 1, stride: 2}]
args: {c: 3}
blocks: {one: {layers: [{max_pool: 1, stride: 5}]}, two: {layers: [relu]}}
variants: {a: {}, d: {c: 3}}
"""
    found = [(each.code, each.span.line, each.span.column) for each in checked(text).lints if each.span is not None]
    assert found == sorted(found, key=lambda each: each[1:])
    assert [code for code, _, _ in found] == [
        *["stride-gap"] * 3,
        "unused-argument",
        *["unused-block"] * 2,
        "unused-variant",
    ]


def test_rows_that_are_only_called_as_those_of_a_separable_convolution() -> None:
    """The pair that `separable_conv` makes is of one step; here each has a step of its own, or there is no first."""
    for steps in (
        "{conv: 1, kernel: 1, name: a.pointwise}",
        "{depthwise_conv: 3, name: a.depthwise}\n{conv: 4, kernel: 1, name: a.pointwise}",
        "{depthwise_conv: 3, name: a.depthwise}\n{relu, name: b}\n{conv: 1, kernel: 1, name: a.pointwise}",
    ):
        assert [each.code for each in checked(net(steps)).lints] == []


def test_groups_that_do_not_divide_are_an_error() -> None:
    found = check_spec(load_text(net("{conv: 8, kernel: 3, groups: 3}")))
    assert [problem.code for problem in found.failures] == ["groups"]
    assert found.failures[0].help


def test_a_layer_without_a_way_out_fails() -> None:
    text = net("{conv: 8, kernel: 3, name: a}\n{relu, from: a, name: b}\n{tanh, from: a}")
    found = check_spec(load_text(text))
    assert [(problem.code, problem.severity) for problem in found.failures] == [("unused-layer", "error")]


@pytest.mark.parametrize(
    ("key", "code", "help"),
    [
        ("{allow: [stride-gaps]}", "unknown-lint", "did you mean `stride-gap`?"),
        ("{allow: stride-gap}", "wrong-form", "for example `lint: {allow: [stride-gap]}`"),
        ("{alow: []}", "unknown-key", "did you mean `allow`?"),
        ("[stride-gap]", "wrong-form", "for example `lint: {allow: [stride-gap]}`"),
    ],
)
def test_a_wrong_lint_key(key: str, code: str, help: str) -> None:
    with pytest.raises(SpecError) as caught:
        load_text(f"lint: {key}\n{net('relu')}")
    assert [(each.code, each.help) for each in caught.value.diagnostics] == [(code, help)]


AUXILIARY = """
input: [3, 8, 8]
layers:
  - {conv: 4, kernel: 3, name: body}
  - {conv: 2, kernel: 1, name: head}
  - {conv: 2, kernel: 1, from: body, name: auxiliary}
outputs: [head]
"""


def test_a_layer_that_reaches_no_output_is_allowed_in_the_file() -> None:
    (problem,) = check_spec(load_text(AUXILIARY), None, frozenset()).failures
    assert (problem.code, problem.severity) == ("unused-layer", "error")
    allowed = "lint: {allow: [unused-layer]}   # it is trained, and then left out"
    assert checked(AUXILIARY + allowed).lints == []
    without = AUXILIARY.replace("outputs: [head]", "outputs: [head, auxiliary]")
    assert [lint.code for lint in checked(without + allowed).lints] == ["unused-allow"]


def test_kernels_of_one_channel_have_nothing_to_separate() -> None:
    codes = [lint.code for lint in checked(net("{conv: 8, kernel: 3}", "[1, 9, 9]")).lints]
    assert "separable-no-gain" not in codes
    codes = [lint.code for lint in checked(net("{separable_conv: 8, kernel: 3}", "[1, 9, 9]")).lints]
    assert "separable-no-gain" not in codes
    codes = [lint.code for lint in checked(net("{conv: 1, kernel: 3}", "[2, 9, 9]")).lints]
    assert "separable-no-gain" in codes


def test_branches_of_unequal_stride_are_one_finding() -> None:
    """What a join has made is not found again by the joins behind it."""
    text = """
input: [4, 16, 16]
layers:
  - add: [[{conv: 4, kernel: 2, stride: 2}], [{slice: [0, 4]}, {crop: 4}]]
  - {add: [x, [{conv: 4, kernel: 3, padding: 1}]]}
  - {add: [x, [{conv: 4, kernel: 3, padding: 1}]]}
"""
    assert [lint.code for lint in checked(text).lints].count("misaligned-branches") == 1
