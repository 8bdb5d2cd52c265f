"""Every limit of the language at its bound: the last that is taken, and the first that is refused, with its code."""

from __future__ import annotations

from pathlib import Path

import pytest
from sampling import together

import cnncalc
from cnncalc.diagnostics import Diagnostic, SpecError

INPUT = "input: [1, 4, 4]\n"


def problems(text: str) -> list[Diagnostic]:
    """What is wrong with a spec; nothing where it is taken."""
    try:
        cnncalc.loads(text)
    except SpecError as error:
        return error.diagnostics
    return []


def codes(text: str) -> list[str]:
    return [problem.code for problem in problems(text)]


def layer(step: str, **args: str) -> str:
    declared = "".join(f"  {name}: {value}\n" for name, value in args.items())
    return f"{INPUT}{f'args:{chr(10)}{declared}' if args else ''}layers:\n  - {step}\n"


# -- names -------------------------------------------------------------------------------------------------------------


def test_a_name_of_300_characters_is_taken() -> None:
    name = "n" * 300
    assert codes(layer(f"{{relu, name: {name}}}")) == []
    assert codes(layer(f"{{relu, name: $(10){name[2:]}}}")) == []
    assert codes(layer(f"{{relu, name: $w-{name[2:]}}}", w="7")) == []


def test_a_name_of_301_characters_is_refused() -> None:
    long = "n" * 301
    for text in (long, f"$(10){long[2:]}", f"$(1 + 1){long[1:]}"):
        found = problems(layer(f"{{relu, name: {text}}}"))
        assert [problem.code for problem in found] == ["limit"]
        assert "300 characters" in found[0].message
        assert found[0].span is not None
        assert (found[0].span.line, found[0].span.column) == (3, 18)


def test_a_name_of_many_interpolations_is_refused_by_its_length() -> None:
    assert codes(layer(f"{{relu, name: {'$(1)' * 300}}}")) == []
    assert codes(layer(f"{{relu, name: {'$(1)' * 301}}}")) == ["limit"]
    assert codes(layer(f"{{relu, name: {'$(1)' * 600}}}")) == ["limit"]


@pytest.mark.parametrize(("count", "refused"), [(2000, []), (2001, ["limit"])])
def test_the_text_of_a_name_is_bounded_as_an_expression_is(count: int, refused: list[str]) -> None:
    assert codes(layer(f"{{relu, name: '$(1{' ' * (count - 4)})'}}")) == refused


# -- expressions -------------------------------------------------------------------------------------------------------


def accepts(expression: str) -> list[str]:
    """The codes of what is wrong with an expression as an argument's default that a layer's name uses."""
    return codes(f'{INPUT}args: {{a: "{expression}"}}\nlayers:\n  - {{conv: 8, kernel: 1}}\n')


@together(
    "text, refused",
    [
        ("2**255 - 1 + 2**255", []),  # the largest of 256 bits
        ("2**255 + 2**255", ["too-large"]),
        ("-(2**255 - 1 + 2**255)", []),
        ("-2**255 - 2**255", ["too-large"]),
        ("2**256 // 2", ["too-large"]),
        ("1**256", []),
        ("1**257", ["too-large"]),
        ("2.0**-256", []),
        ("2.0**-257", ["too-large"]),
        ("0" + "." + "1" * 70, []),
        ("1" * 77, []),
        ("1" * 78, []),
        ("1" * 80, []),
        ("1" * 81, ["too-large"]),
        ("range(10000)", []),
        ("range(10001)", ["value"]),
        ("[0] * 10000", []),
        ("[0] * 10001", ["too-large"]),
        ("[0, 0] * 5000", []),
        ("[0, 0] * 5001", ["too-large"]),
        ("range(5000) + range(5000)", []),
        ("range(5000) + range(5001)", ["too-large"]),
        ("[0] * 0", []),
        ("[0] * -10001", []),
        ("[" * 8 + "0" + "]" * 8, []),
        ("[" * 9 + "0" + "]" * 9, ["too-large"]),
        ("(" * 60 + "0" + ")" * 60, []),
        ("(" * 61 + "0" + ")" * 61, ["nesting"]),
        ("-" * 59 + "1", []),
        ("-" * 60 + "1", ["nesting"]),
    ],
)
def test_an_expression(text: str, refused: list[str]) -> None:
    assert accepts(text) == refused


@together("part", ["(1)", "-1", "not true", "[1][0]", "1 if true else 2", "[1]", "2**2", "len([1])"])
def test_what_is_closed_nests_no_longer(part: str) -> None:
    """Eighty parts beside each other are as deep as one; and what follows them as deep as what stands alone."""
    parts = ", ".join([part] * 80)
    assert accepts(f"[{parts}]") == []
    assert accepts(f"[{parts}, {'(' * 59}0{')' * 59}]") == []
    assert accepts(f"[{parts}, {'(' * 60}0{')' * 60}]") == ["nesting"]


@pytest.mark.parametrize("lists", [200, 201])
def test_elements_of_inner_lists_count(lists: int) -> None:
    """Lists in a list: 200 of 49 entries, and the 200 themselves, are 10,000 elements."""
    assert accepts(f"[[0] * 49] * {lists}") == ([] if lists == 200 else ["too-large"])


# -- YAML --------------------------------------------------------------------------------------------------------------


def test_the_twentieth_problem_is_the_last() -> None:
    for count, shown in ((19, 19), (20, 20), (21, 20), (40, 20)):
        steps = "".join(f"  - {{nothing{n}: 1}}\n" for n in range(count))
        assert len(problems(f"{INPUT}layers:\n{steps}")) == shown


def test_imports_nest_32_deep(tmp_path: Path) -> None:
    def chain(length: int) -> list[str]:
        for n in range(length):
            text = f"import: {{a: f{n + 1}.yaml}}\nblocks: {{b: {{layers: [a.b]}}}}\n"
            text = text if n else text + INPUT + "layers: [b]\n"
            (tmp_path / f"f{n}.yaml").write_text(text)
        (tmp_path / f"f{length}.yaml").write_text("blocks: {b: {layers: [relu]}}\n")
        try:
            cnncalc.load(tmp_path / "f0.yaml")
        except SpecError as error:
            return [problem.message for problem in error.diagnostics]
        return []

    assert chain(31) == []
    assert "blocks call each other at most 32 deep" in chain(32)[0]
    assert "imports nest at most 32 deep" in chain(33)[0]
