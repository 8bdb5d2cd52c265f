"""`cnncalc run`: numbers at the edge of what floating point holds, drawn weights, and what is printed of a tensor."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.fixture
def executed(run: Run, tmp_path: Path) -> Callable[..., Any]:
    """Runs a network of steps on data; returns what the command did."""

    def of(steps: str, data: Any, shape: str, *options: str, weights: Any = None) -> Any:
        (tmp_path / "net.yaml").write_text(f"input: {shape}\nlayers: [{steps}]\n")
        (tmp_path / "x.json").write_text(json.dumps(data))
        if weights is not None:
            (tmp_path / "w.json").write_text(json.dumps(weights))
            options = ("--weights", str(tmp_path / "w.json"), *options)
        return run("run", str(tmp_path / "net.yaml"), "--data", str(tmp_path / "x.json"), *options)

    return of


def numbers(done: Any) -> Any:
    assert (done.code, done.err) == (0, "")
    (found,) = json.loads(done.out)["outputs"].values()
    return found


def test_large_numbers_whose_sum_is_not_finite(executed: Callable[..., Any]) -> None:
    """Each of them is a number of 64 bits; only their sum is none."""
    data = [1.5e308, 1.5e308]
    assert numbers(executed("relu", data, "[2]", "-f", "json")) == data
    assert numbers(executed("relu, {slice: [0, 1]}", data, "[2]", "-f", "json")) == [1.5e308]


def test_a_result_that_is_not_finite(executed: Callable[..., Any]) -> None:
    done = executed("relu, {add: [x, x], name: sum}", [1.5e308, 1.0], "[2]")
    assert done.code == 1
    assert done.err.startswith("error[not-finite]: the result of `sum` is not finite")


def drawn(steps: str, inputs: int, executed: Callable[..., Any], seed: int) -> list[float]:
    """The kernel values of a bias-free layer, read off its outputs for the unit vectors."""
    found: list[float] = []
    for place in range(inputs):
        unit = [[float(place == other)] for other in range(inputs)]
        result = numbers(executed(steps, unit, f"[{inputs}, 1]", "-f", "json", "--seed", str(seed)))
        found += [value for channel in result for value in channel]
    return found


@pytest.mark.parametrize(
    ("steps", "inputs", "values"),
    [
        ("{conv: 300, kernel: 1, bias: false}", 2, 2),
        ("{conv: 60, kernel: 1, bias: false}", 12, 12),
        ("{conv: 60, kernel: 1, bias: false, groups: 3}", 12, 4),
        ("{conv: 300, kernel: 5, padding: 2, bias: false}", 1, 5),
        ("flatten, {linear: 300, bias: false}, {reshape: [300, 1]}", 2, 2),
    ],
)
def test_drawn_kernels_have_a_variance_of_one_over_their_inputs(
    steps: str, inputs: int, values: int, executed: Callable[..., Any]
) -> None:
    """Uniform up to sqrt(3/n) for n values per output, as Keras' `LecunUniform`: activations keep their variance."""
    found = [value for value in drawn(steps, inputs, executed, 3) if value]
    limit = math.sqrt(3 / values)
    assert len(found) > 200
    assert 0.97 * limit < max(map(abs, found)) <= limit
    assert abs(sum(found) / len(found)) < 0.1 * limit
    assert sum(value * value for value in found) / len(found) == pytest.approx(1 / values, rel=0.15)


def test_drawn_factors_are_around_one_and_biases_around_zero(executed: Callable[..., Any]) -> None:
    zeros, ones = [[0.0]] * 300, [[1.0]] * 300
    steps = "{batch_norm, name: norm}"
    given = {"norm": {"running_mean": [0.0] * 300, "running_var": [1.0] * 300}}
    shift = [value for (value,) in numbers(executed(steps, zeros, "[300, 1]", "-f", "json", weights=given))]
    assert 0.09 < max(map(abs, shift)) <= 0.1
    both = [value for (value,) in numbers(executed(steps, ones, "[300, 1]", "-f", "json", weights=given))]
    scale = [(after - before) * math.sqrt(1 + 1e-5) for before, after in zip(shift, both)]
    assert 0.5 <= min(scale) < 0.51
    assert 1.49 < max(scale) <= 1.5


# -- what is printed ---------------------------------------------------------------------------------------------------


def test_a_flat_tensor_is_printed_eight_to_a_line(executed: Callable[..., Any]) -> None:
    done = executed("{relu, name: a}", list(range(1, 10)), "[9]")
    assert done.out == "a: 9\n1  2  3  4  5  6  7  8\n9\n"


def test_rows_and_planes(executed: Callable[..., Any]) -> None:
    done = executed("{relu, name: a}", [[[1, 2], [3, 10]], [[5, 6], [7, 8]]], "[2, 2, 2]")
    assert done.out == "a: 2 x 2 x 2\n 1   2\n 3  10\n\n 5   6\n 7   8\n"
    done = executed("{relu, name: a}", [[1, 2], [3, 4]], "[2, 2]")
    assert done.out == "a: 2 x 2\n1  2\n3  4\n"


def test_a_large_tensor_is_told_by_its_range(executed: Callable[..., Any]) -> None:
    thousand = executed("{relu, name: a}", [float(n) for n in range(1_000)], "[1000]").out
    assert thousand.count("\n") == 1 + 125
    more = executed("{relu, name: a}", [float(n) for n in range(1_001)], "[1001]").out
    assert more == "a: 1001\n0 to 1000, mean 500; `--format json` prints all 1,001 numbers\n"


def test_the_result_of_a_layer_ends_the_execution(executed: Callable[..., Any]) -> None:
    """What comes after the layer that is asked for is not run: there the numbers would be too large."""
    steps = "{relu, name: a}, {add: [x, x], name: sum}, {multiply: [x, x], name: square}"
    assert executed(steps, [1e200], "[1]").code == 1
    assert executed(steps, [1e200], "[1]", "--layer", "sum").out == "sum: 1\n2e+200\n"
    assert executed(steps, [1e200], "[1]", "--layer", "a").out == "a: 1\n1e+200\n"
    assert executed(steps, [7], "[1]", "--layer", "input").out == "input: 1\n7\n"
    assert executed(steps, [7], "[1]").out == "square: 1\n196\n"
