"""Every lint: a file that raises it, and one that is a step away and does not."""

from __future__ import annotations

import pytest

from cnncalc.check import Checked, check_spec
from cnncalc.diagnostics import SpecError
from cnncalc.library import load_text
from cnncalc.spec.lint import LINTS


def net(layers: str, input_: str = "[4, 32, 32]", more: str = "") -> str:
    """A spec of steps, one a line."""
    return f"input: {input_}\n{more}layers:\n" + "".join(f"  - {step}\n" for step in layers.split("\n"))


VARIANTS = "args: {c: 4, k: 3}\nvariants:\n  a: {}\n  b: {c: 8}\n"
CONV = "{conv: c, kernel: k}"
CASES: dict[str, list[tuple[str, str]]] = {
    "stride-unread": [
        (
            net("{conv: 64, kernel: 11, stride: 4, padding: 2}", "[3, 224, 224]"),  # AlexNet's (224 + 4 - 11)/4
            net("{conv: 64, kernel: 11, stride: 4, padding: 2}", "[3, 227, 227]"),
        ),
        (net("{max_pool: 2}", "[4, 33, 33]"), net("{max_pool: 2, ceil_mode: true}", "[4, 33, 33]")),
        (net("{avg_pool: 3, stride: 2}"), net("{avg_pool: 3, stride: 2, padding: same}")),
        (
            net("{conv: 4, kernel: 3, stride: 2}", "[1, 8]"),
            net("{conv: 4, kernel: 3, stride: 2, padding: half}", "[1, 8]"),
        ),
    ],
    "stride-gap": [
        (net("{conv: 8, kernel: 1, stride: 2}"), net("{conv: 8, kernel: 2, stride: 2}")),
        (net("{max_pool: 2, stride: 3}"), net("{max_pool: 2, stride: 3, dilation: 2}")),
    ],
    "bias-before-norm": [
        (net("{conv: 8, kernel: 1, norm: batch}"), net("{conv: 8, kernel: 1, norm: batch, bias: false}")),
        (net("{conv: 8, kernel: 1}\nbatch_norm"), net("{conv: 8, kernel: 1}\nrelu\nbatch_norm")),
        (net("{linear: 8}\nbatch_norm", "[4]"), net("{linear: 8}\nlayer_norm", "[4]")),
    ],
    "beyond-input": [
        (net("{conv: 4, kernel: 3, padding: half, repeat: 3}", "[4, 6, 6]"), net("{conv: 4, kernel: 3, repeat: 2}")),
        (
            net("{conv: 4, kernel: 7, padding: half}", "[4, 6, 6]"),
            net("add: [[{conv: 4, kernel: 7, padding: half}, {conv: 4, kernel: 1}], input]", "[4, 9, 9]"),
        ),
    ],
    "misaligned-branches": [
        (
            net("add: [[{conv: 4, kernel: 2, padding: [[0, 1], [0, 1]]}], [{conv: 4, kernel: 3, padding: 1}]]"),
            net("add: [[{conv: 4, kernel: 5, padding: 2}], [{conv: 4, kernel: 3, padding: 1}]]"),
        ),
        (
            net("concat: [[{conv: 4, kernel: 2, stride: 2}, {pad: 8}], input]"),  # strides 2 and 1
            net("concat: [[{conv: 4, kernel: 3}, {pad: 1}], input]"),
        ),
    ],
    "checkerboard": [
        (net("{conv_transpose: 4, kernel: 3, stride: 2}"), net("{conv_transpose: 4, kernel: 4, stride: 2}")),
        (net("{conv_transpose: 4, kernel: 1x3, stride: [1, 2]}"), net("{conv_transpose: 4, kernel: 3, stride: 1}")),
    ],
    "separable-no-gain": [
        (net("{separable_conv: 1, kernel: 3}"), net("{separable_conv: 8, kernel: 3}")),
        (net("{separable_conv: 8, kernel: 3, multiplier: 16}"), net("{separable_conv: 8, kernel: 3, multiplier: 2}")),
        (net("{conv: 1, kernel: 3}"), net("{conv: 8, kernel: 3}")),
    ],
    "dead-branch": [
        (
            net("{conv: c, kernel: k}\n{relu, if: c > 100}", more=VARIANTS),
            net("{conv: c, kernel: k}\n{relu, if: c > 4}", more=VARIANTS),
        ),
        (
            net("add: [[{conv: 4, kernel: 1}], {layers: [relu], if: deep}, input]", more="args: {deep: false}\n"),
            net("add: [[{conv: 4, kernel: 1}], {layers: [relu], if: deep}, input]", more="args: {deep: true}\n"),
        ),
    ],
    "unused-block": [
        (
            net("relu", more="blocks:\n  one: {layers: [relu]}\n"),
            net("one", more="blocks:\n  one: {layers: [two]}\n  two: {layers: [relu]}\n"),
        ),
        (
            net("relu", more="blocks:\n  one: {layers: [two]}\n  two: {layers: [one, relu]}\n"),
            net("$block", more="args: {block: one}\nblocks:\n  one: {layers: [relu]}\n"),
        ),
    ],
    "unused-argument": [
        (net("{conv: 4, kernel: 3}", more="args: {width: 3}\n"), net("{conv: 4, kernel: w}", more="args: {w: 3}\n")),
        (
            net("{for: c, in: 2, layers: [{conv: c + 1, kernel: 1}]}", more="args: {c: 3}\n"),
            net("{for: k, in: c, layers: [{conv: k + 1, kernel: 1, name: conv$k}]}", more="args: {c: 3}\n"),
        ),
        (
            net("{one: 4}", more="blocks:\n  one: {args: {c: required, k: 1}, layers: [{conv: c, kernel: 1}]}\n"),
            net("{one: 4}", more="blocks:\n  one: {args: {c: required, k: c}, layers: [{conv: k, kernel: 1}]}\n"),
        ),
        (
            net(
                "{one: 4}\n{two: 4}",
                more="blocks:\n"
                "  one: {args: {c: 4}, layers: [relu]}\n  two: {args: {c: 4}, layers: [{conv: c, kernel: 1}]}\n",
            ),
            net(
                "{$block: 4}",  # one and two are interchangeable, so both take the same
                more="args: {block: one}\nvariants: {a: {}, b: {block: two}}\nblocks:\n"
                "  one: {args: {c: 4}, layers: [relu]}\n  two: {args: {c: 4}, layers: [{conv: c, kernel: 1}]}\n",
            ),
        ),
    ],
    "unused-variant": [
        (net(CONV, more=VARIANTS + "  d: {c: 2*4}\n"), net(CONV, more=VARIANTS + "  d: {c: 9}\n")),
        (net(CONV, more=VARIANTS + "  d: {k: 3}\n"), net(CONV, more=VARIANTS)),
    ],
    "unchecked-variant": [
        (
            net(CONV, more=VARIANTS + "expect:\n  a: {params: 148}\n"),
            net(CONV, more=VARIANTS + "expect:\n  a: {params: 148}\n  b: {params: 296}\n"),
        ),
        (net(CONV, more=VARIANTS + "expect: {b: {params: 296}}\n"), net(CONV, more=VARIANTS)),
    ],
    "unused-allow": [
        (
            net("{conv: 8, kernel: 3}", more="lint: {allow: [stride-gap]}\n"),
            net("{conv: 8, kernel: 1, stride: 2}", more="lint: {allow: [stride-gap]}\n"),
        ),
    ],
}
PAIRS = [(code, *pair) for code, pairs in CASES.items() for pair in pairs]


def checked(text: str, *allow: str) -> Checked:
    """The check of a spec's text, which must not fail."""
    found = check_spec(load_text(text), None, frozenset(allow))
    assert found.failures == []
    return found


@pytest.mark.parametrize(("code", "raises", "quiet"), PAIRS)
def test_a_lint(code: str, raises: str, quiet: str) -> None:
    found = [lint for lint in checked(raises).lints if lint.code == code]
    assert found, "not raised"
    for lint in found:
        assert lint.span is not None
        assert lint.severity == "warning"
        assert lint.help
    assert code not in [lint.code for lint in checked(quiet).lints]


@pytest.mark.parametrize(("code", "raises", "quiet"), PAIRS)
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
    from cnncalc.library import load_file

    for allow, count in (("", 1), ("lint: {allow: [stride-gap]}\n", 0)):
        with open(f"{tmp_path}/lib.yaml", "w", encoding="utf-8") as file:
            file.write(library.format(allow=allow))
        assert len(check_spec(load_file(path)).lints) == count


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
