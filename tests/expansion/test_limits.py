"""Every limit of expansion at its bound, and what is left again after it was entered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sampling import together

import cnncalc
from cnncalc.diagnostics import SpecError

INPUT = "input: [1, 4, 4]\n"


def codes(text: str, **given: int) -> list[str]:
    try:
        cnncalc.loads(INPUT + text, **given)  # type: ignore[arg-type]
    except SpecError as error:
        return [problem.code for problem in error.diagnostics]
    return []


def message(text: str) -> str:
    with pytest.raises(SpecError) as caught:
        cnncalc.loads(INPUT + text)
    return caught.value.diagnostics[0].message


def chained(count: int, inner: str = "relu", wrap: str = "{step}") -> str:
    """Blocks of which each calls the next: `count` calls within each other."""
    blocks = [f"  b{n}: {{layers: [{wrap.format(step=f'b{n + 1}')}]}}\n" for n in range(count - 1)]
    blocks.append(f"  b{count - 1}: {{layers: [{inner}]}}\n")
    return f"blocks:\n{''.join(blocks)}layers: [b0]\n"


def test_blocks_call_each_other_32_deep() -> None:
    assert codes(chained(32)) == []
    assert message(chained(33)) == "blocks call each other at most 32 deep"


ASKING = (
    "{conv: 4 + i, kernel: 1, repeat: 2}",
    "{relu, if: i < 1, repeat: 2}",
    "{conv: 4, kernel: 1, learned: i == 0, repeat: 2}",
    "{relu, from: l$i, repeat: 2}",
    "{relu, name: q$i, repeat: 2}",
    "{relu, share: l$i, repeat: 2}",
    "{conv: 4, kernel: 1, norm: {group_norm: i + 1}, repeat: 2}",
    "{b: 4 + i, repeat: 2}",
    "{b, channels: 4 + i, repeat: 2}",
    "{layers: [relu, {conv: 4 + i, kernel: 1}], repeat: 2}",
    "{layers: [{relu, repeat: i + 1}], repeat: 2}",
    "{layers: [{for: k, in: 2, layers: [{conv: 4 + i, kernel: 1}]}], repeat: 2}",
    "{layers: [{for: k, in: i + 1, layers: [relu]}], repeat: 2}",
    "{layers: [{for: i, in: i + 1, layers: [relu]}], repeat: 2}",
    "{concat: [x], over: positions if i else channels, repeat: 2}",
    "{add: [l$i, x], repeat: 2}",
    "{add: [[relu, {conv: 1 + 0*i, kernel: 1}], x], repeat: 2}",
    "{add: [{layers: [relu], if: i < 1}, x], repeat: 2}",
    "{add: [{for: k, in: i + 1, layers: [relu]}, x], repeat: 2}",
    "{add: [{for: k, in: 2, layers: [{conv: 1 + 0*i, kernel: 1}]}, x], repeat: 2}",
)
SILENT = (
    "{relu, repeat: 2}",
    "{relu, repeat: i + 1}",
    "{conv: 4 + i, kernel: 1}",
    "{layers: [{for: i, in: 2, layers: [{conv: 4 + i, kernel: 1}]}], repeat: 2}",
    "{add: [{for: i, in: 2, layers: [{conv: 1 + 0*i, kernel: 1}]}, x], repeat: 2}",
)


@together("step", (*ASKING, *SILENT))
def test_a_repeat_may_not_hide_the_turn_of_a_loop_that_it_asks_for(step: str) -> None:
    steps = f"{{relu, name: l1}}, {{relu, name: l0, from: input}}, {{for: i, in: 1, layers: [{step}]}}"
    text = f"blocks: {{b: {{args: {{channels: 4}}, layers: [{{conv: channels, kernel: 1}}]}}}}\nlayers: [{steps}]\n"
    assert codes(text) == (["hidden-name"] if step in ASKING else [])


GROUPS = "{{layers: [{{layers: [{{layers: [{step}]}}]}}]}}"


def test_steps_nest_100_deep() -> None:
    """25 blocks, each with three groups around the next call: 97 and what the innermost holds."""
    group = "{layers: [relu]}"
    for _ in range(2):
        group = f"{{layers: [{group}]}}"
    assert codes(chained(25, group, GROUPS)) == []
    for inner in (f"{{layers: [{group}]}}", f"{{add: [[{group}], x]}}", f"{{for: i, in: 1, layers: [{group}]}}"):
        assert message(chained(25, inner, GROUPS)) == "steps nest at most 100 deep"


@pytest.mark.parametrize(
    "step",
    [
        "{layers: [relu]}",
        "{layers: [relu], repeat: 2}",
        "{for: k, in: 1, layers: [relu]}",
        "b",
        "{b, repeat: 2}",
        "{add: [[relu], x]}",
        "{add: [[relu], x], repeat: 2}",
        "{add: [{layers: [relu]}, x]}",
        "{add: [{for: k, in: 2, layers: [relu]}]}",
    ],
)
def test_what_is_left_nests_no_longer(step: str) -> None:
    steps = "".join(f"  - {step}\n" for _ in range(120))
    assert codes(f"blocks: {{b: {{layers: [relu]}}}}\nlayers:\n{steps}") == []


def named(outer: int, inner: int) -> str:
    """A call with a name of `outer` characters, and in it another of `inner`."""
    return (
        f"blocks:\n  a: {{layers: [{{b, name: {'i' * inner}}}]}}\n  b: {{layers: [relu]}}\n"
        f"layers: [{{a, name: {'o' * outer}}}]\n"
    )


def test_a_row_of_600_characters_is_taken() -> None:
    assert codes(named(300, 299)) == []  # and a dot between them
    assert message(named(300, 300)) == f"a row's name has at most 600 characters, {'o' * 40}… more"


@pytest.mark.parametrize("steps", ["{relu, repeat: %d}", "{for: k, in: %d, layers: [relu]}"])
def test_turns(steps: str) -> None:
    assert codes(f"layers: [{steps % 10_000}]\n") == []
    assert codes(f"layers: [{steps % 10_001}]\n") == ["limit"]


def test_a_list_of_turns() -> None:
    assert codes('layers: [{for: k, in: "range(10000)", layers: [{relu, if: k < 1}]}]\n') == []
    assert "a loop takes 0 to 10,000 turns, got -1" in message("layers: [{for: k, in: -1, layers: [relu]}]\n")
    assert codes("layers: [{for: k, in: 0, layers: [relu]}, relu]\n") == []


def test_lists_are_walked_over_for_20_million_elements() -> None:
    """The length of 10,000 entries, 2,000 times and once more."""
    text = 'args: {l: "range(10000)"}\nlayers: [{for: k, in: %d, layers: [{relu, if: len(l) < k}]}, relu]\n'
    assert codes(text % 2_000) == []
    assert message(text % 2_001) == "the expressions of this spec walk over more than 20,000,000 list elements"


@pytest.mark.thorough
def test_steps_are_200_000(run: Callable[..., Any], tmp_path: Path) -> None:
    """Skipped steps count: 19 times 10,000 turns, 9,999 and one."""
    whole = "{relu, if: false, repeat: 10000}"
    text = INPUT + f"layers: [{', '.join([whole] * 19)}, {{relu, if: false, repeat: %d}}, relu]\n"
    assert cnncalc.loads(text % 9_999).shapes().totals.params == 0
    with pytest.raises(SpecError, match="more than 200,000 steps"):
        cnncalc.loads(text % 10_000)
    path = tmp_path / "spec.yaml"
    path.write_text(text % 10_000)
    assert run("shapes", str(path), "--max-steps", "200001").code == 0


@together(
    "steps, count",
    [
        ("relu, relu, relu", 3),
        ("{relu, repeat: 3}", 3),
        ("{layers: [relu, relu], repeat: 3}", 9),  # the group in each turn, and what it holds
        ("{for: k, in: 3, layers: [relu, relu]}", 7),
        ("{relu, if: false}, relu", 2),
        ("{for: k, in: 0, layers: [relu]}, relu", 2),
        ("{layers: [{layers: [{layers: [relu], repeat: 1}], repeat: 1}], repeat: 1}", 4),
        ("{for: a, in: 1, layers: [{for: b, in: 1, layers: [{for: c, in: 1, layers: [relu]}]}]}", 4),
        ("{layers: [{relu, repeat: 0}, relu], repeat: 1}", 3),
        ("{add: [[relu], [relu]]}", 3),
    ],
)
def test_what_counts_as_a_step(steps: str, count: int) -> None:
    text = f"layers: [{steps}]\n"
    assert codes(text, max_steps=count) == []
    assert codes(text, max_steps=count - 1) == ["limit"]


@pytest.mark.parametrize("loop", ["{relu, if: false, repeat: 30}", "{for: k, in: 30, layers: [{relu, if: k < 0}]}"])
def test_turns_of_steps_beside_each_other_are_not_multiplied(loop: str) -> None:
    """Three loops of 30 turns are 90 or 93 steps, where nested ones would be 27,000."""
    assert codes(f"layers: [{loop}, {loop}, {loop}, relu]\n", max_steps=100) == []


def test_nested_turns_are_multiplied_before_the_first() -> None:
    text = "layers: [{for: a, in: 10, layers: [{for: b, in: 10, layers: [{for: c, in: %d, layers: []}]}]}, relu]\n"
    assert codes(text % 2, max_steps=199) == ["limit"]
    assert codes("layers: [{layers: [{relu, repeat: 10}], repeat: 10}]\n", max_steps=99) == ["limit"]


@pytest.mark.parametrize(
    ("layers", "refused"),
    [
        ("{upsample: 2**29}", []),  # 4 * 2**29 on two axes: 2**62 elements
        ("{upsample: 2**30}", ["too-large"]),  # 2**64
        ("{pad: [[0, 2**61 - 5], 0]}", []),  # (2**61 - 1) * 4 = 2**63 - 4 elements
        ("{pad: [[0, 2**61 - 4], 0]}", ["too-large"]),  # 2**63
    ],
)
def test_a_tensor_holds_less_than_2_to_the_63(layers: str, refused: list[str]) -> None:
    assert codes(f"layers: [{layers.replace('2**61', '2305843009213693952')}]\n") == refused


def test_sizes_of_64_bits() -> None:
    """A channel count of 2**63 - 1 is a number of 64 bits with a sign; one more is not."""
    text = "input: [1]\nlayers: [{linear: %d}]\n"
    largest = cnncalc.loads(text % (2**63 - 1))
    assert largest.params().totals.params == 2 * (2**63 - 1)
    with pytest.raises(SpecError, match="too-large"):
        cnncalc.loads(text % 2**63)
