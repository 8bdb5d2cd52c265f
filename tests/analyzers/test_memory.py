"""Memory against PyTorch: numbers alive at the peak, and bytes that autograd keeps (tests/data/memory/README.md)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sampling import together

import cnncalc
from cnncalc.analyzers.memory import Setting, alive, budget, memory, numbers_alive, peak_elements
from cnncalc.analyzers.training import budget as training_budget
from cnncalc.analyzers.training import kept, training
from cnncalc.diagnostics import Fault
from cnncalc.executor.algebras import Floats
from cnncalc.executor.fast import drawn
from cnncalc.executor.machine import Machine, Tensor, run
from cnncalc.geometry import elements
from cnncalc.graph import Graph
from cnncalc.layers import KINDS
from cnncalc.layers.memory import IN_PLACE, VIEW

DATA = Path(__file__).parents[1] / "data" / "memory"


def read(name: str) -> Any:
    return json.loads((DATA / name).read_text(encoding="utf-8"))


MEASURED = {**read("torchvision.json")["networks"]}
GIVEN = read("memory.json")["networks"]
KINDS_KEPT = read("kinds.json")["cases"]


def load(name: str, case: dict[str, Any]) -> Graph:
    return cnncalc.load(name, inputs=tuple(case["input"])).graph


def kept_bytes(graph: Graph, batch: int) -> int:
    """What is kept, without a softmax at the end: torchvision's networks have none."""
    rows = training(graph, Setting(batch=batch)).kept_bytes
    last = rows[-1] if graph.nodes[-1].kind == "softmax" else 0
    assert None not in rows
    return sum(row or 0 for row in rows) - (last or 0)


def pooled(name: str, graph: Graph, batch: int) -> int:
    """What torchvision's VGGs keep more: they pool to 7 x 7 what is 7 x 7 already."""
    return batch * 512 * 7 * 7 * 4 if name.startswith("vgg") else 0


@pytest.mark.parametrize("name", sorted(MEASURED))
def test_peak_as_torch_fx(name: str) -> None:
    graph = load(name, MEASURED[name])
    assert peak_elements(graph) == MEASURED[name]["peak_reuse"]
    assert peak_elements(graph, reuse=False) == MEASURED[name]["peak_no_reuse"]


@pytest.mark.parametrize("name", sorted(MEASURED))
def test_kept_as_autograd(name: str) -> None:
    graph = load(name, MEASURED[name])
    for batch, bytes in MEASURED[name]["kept_for_backward_bytes"].items():
        found = kept_bytes(graph, int(batch)) + pooled(name, graph, int(batch))
        assert found == bytes, name


@pytest.mark.parametrize("name", sorted(GIVEN))
def test_as_given(name: str) -> None:
    case = GIVEN[name]
    graph = load(name, case)
    assert (peak_elements(graph), peak_elements(graph, False)) == (case["peak_reuse"], case["peak_no_reuse"])
    for batch, bytes in case["kept_for_backward_bytes"].items():
        assert kept_bytes(graph, int(batch)) + pooled(name, graph, int(batch)) == bytes


@together("case", KINDS_KEPT)
def test_kinds_keep_as_autograd(case: dict[str, Any]) -> None:
    shape = ", ".join(map(str, case["input"]))
    text = f"input: [{shape}]\nlayers:\n  - {{conv: {case['input'][0]}, kernel: 1, bias: false}}\n  - {case['step']}\n"
    found = training(cnncalc.loads(text).graph, Setting(batch=case["batch"]))
    assert found.kept_total == case["kept"]


@pytest.mark.parametrize(("batch", "bytes"), [(1, 30_021_304), (4, 120_085_216)])
def test_a_transformer_keeps_as_autograd(batch: int, bytes: int) -> None:
    """timm 1.0.31 with PyTorch 2.13: all storages that `saved_tensors_hooks` is given in
    `timm.create_model("deit_tiny_patch16_224")(torch.rand(batch, 3, 224, 224))`, but for those of weights.

    Its class token is a view of all 197 tokens, channels last; a slice of positions is a copy here.
    """
    found = training(cnncalc.load("deit_tiny").graph, Setting(batch=batch))
    assert found.kept_total + batch * 4 * 196 * 192 == bytes
    assert not found.lower_bound


def test_a_slice_of_channels_is_a_view_and_one_of_positions_a_copy() -> None:
    """Channels lie one after the other, row-major: the first two of four are a piece of the same memory."""
    text = "input: [4, 8]\nlayers: [{slice: [0, 2], over: %s}]\n"
    assert peak_elements(cnncalc.loads(text % "channels").graph) == 4 * 8
    assert peak_elements(cnncalc.loads(text % "positions").graph) == 4 * 8 + 4 * 2


@pytest.mark.parametrize("attention", ["{attention: 2, window: 4}", "{attention: 2, bias: relative}"])
def test_what_windows_and_biases_keep_is_not_told(attention: str) -> None:
    """Each way to write them keeps something else."""
    text = f"input: [24, 8, 8]\nlayers:\n  - {{conv: 24, kernel: 1}}\n  - {attention}\n"
    assert training(cnncalc.loads(text).graph).lower_bound


def test_every_kind_was_measured() -> None:
    measured = " ".join(case["step"] for case in KINDS_KEPT)
    composed = ("separable_conv", "crop", "crop_like", "permute", "reshape", "opaque", "linear")
    assert [kind for kind in KINDS if kind not in measured and kind not in composed] == []


# -- proven by execution -----------------------------------------------------------------------------------------------

RESIDUAL = """
input: [4, 12, 12]
layers:
  - {conv: 8, kernel: 3, padding: 1, norm: batch, act: relu, name: stem}
  - {slice: [0, 4], name: half}
  - {conv: 8, kernel: 3, padding: 1, from: stem, name: side}
  - {conv: 8, kernel: 1, from: half, name: other}
  - add: [side, other]
    name: joined
  - relu
  - multiply: [x, [global_avg_pool, {conv: x.channels, kernel: 1, act: sigmoid}]]
    name: gated
  - flatten
  - {linear: 10, name: scores}
outputs: [scores, half]
"""


def executed(graph: Graph) -> list[int]:
    """How many scalars the reference executor holds while it runs each node."""
    machine = Machine(Floats(), drawn)
    held: list[int] = []
    inputs = [Tensor(shape, [0.5] * elements(shape)) for _, shape in graph.inputs]
    for _ in run(graph, machine, inputs, held):
        pass
    return held


@pytest.mark.parametrize("name", ["flat", "residual"])
def test_the_executor_holds_what_is_alive(name: str) -> None:
    graph = cnncalc.load(str(Path(__file__).parents[1] / "golden" / f"{name}.yaml")).graph
    assert executed(graph) == numbers_alive(graph)


def test_the_executor_holds_what_is_alive_with_several_outputs() -> None:
    graph = cnncalc.loads(RESIDUAL).graph
    assert executed(graph) == numbers_alive(graph)


def step_graph(case: dict[str, Any]) -> Graph:
    return cnncalc.loads(f"input: {case['input']}\nlayers:\n  - {case['step']}\n").graph


def step_cases(rule: str) -> list[dict[str, Any]]:
    """The measured single steps that state this rule: all of their kind, or those with some arguments."""
    found = []
    for case in KINDS_KEPT:
        kind = case["step"].strip("{}").split(":")[0].split(",")[0]
        stated = getattr(KINDS[kind], "buffer", None) if kind in KINDS else None
        if stated == rule or (
            isinstance(stated, property) and step_graph(case).nodes[0].operation.layer.buffer == rule
        ):
            found.append(case)
    return found


@pytest.mark.parametrize("case", step_cases(VIEW), ids=lambda case: f"{case['step']} {len(case['input']) - 1}d")
def test_views_are_stretches_of_their_input(case: dict[str, Any]) -> None:
    """A view's scalars are those of its input, in the same order, without a gap: so it can share the buffer."""
    graph = step_graph(case)
    data = [float(number) for number in range(elements(graph.shapes[0]))]
    ((_, result),) = run(graph, Machine(Floats(), drawn), [Tensor(graph.shapes[0], data)])
    first = int(result.data[0])
    assert list(result.data) == data[first : first + len(result.data)]


@together("case", step_cases(IN_PLACE))
def test_what_writes_over_its_input_reads_no_other_element(case: dict[str, Any]) -> None:
    """Statistics aside, which are read before anything is written, an element depends on that at its own place."""
    graph = step_graph(case)
    assert graph.shapes[1] == graph.shapes[0]
    machine = Machine(Own(), drawn)
    own = [{place} for place in range(elements(graph.shapes[0]))]
    ((_, result),) = run(graph, machine, [Tensor(graph.shapes[0], own)])
    assert list(result.data) == own


class Own(Floats):
    """Sets of places in place of numbers: what each value was computed from, statistics aside."""

    def call(self, function: Any, values: Any, aside: Any = ()) -> Any:
        return set().union(*values)

    def measure(self, function: Any, values: Any) -> Any:
        return set()


def test_views_share_until_the_last_of_them() -> None:
    """By hand: the stem's 1,152 live in one buffer from its convolution on, to the end since `half` leaves."""
    graph = cnncalc.loads(RESIDUAL).graph
    rows = dict(zip([node.name for node in graph.nodes], memory(graph, Setting("int8")).live_bytes))
    assert rows["stem"] == 576 + 1152
    assert rows["stem.norm"] == rows["stem.act"] == rows["half"] == 1152
    assert rows["side"] == 2 * 1152
    assert rows["joined"] == 4 * 1152
    assert rows["scores"] == 1152 + 1152 + 10


def test_batch_and_types() -> None:
    graph = cnncalc.load("resnet18").graph
    assert memory(graph).peak_bytes == 4 * 1_003_520
    assert memory(graph).peak_at == ["maxpool"]
    for dtype, scale in {"float64": 8.0, "float16": 2.0, "bfloat16": 2.0, "int8": 1.0, "int4": 0.5}.items():
        found = memory(graph, Setting(dtype, batch=3))
        assert found.peak_bytes == 3 * 1_003_520 * scale
        assert found.weights_bytes == pytest.approx((11_689_512 + 9_600) * scale, abs=100)
    assert memory(graph, Setting("int8", "float32")).weights_bytes == 4 * (11_689_512 + 9_600)


def test_int4_rounds_up_to_bytes() -> None:
    graph = cnncalc.loads("input: [3]\nlayers: [{linear: 5}]\n").graph
    found = memory(graph, Setting("int4"))
    assert (found.output_bytes, found.live_bytes, found.weights_bytes) == ([3], [2 + 3], (15 + 5) // 2)


def test_shared_weights_count_once() -> None:
    graph = cnncalc.loads(
        "input: [8, 8, 8]\nlayers:\n  - {conv: 8, kernel: 1, name: a}\n  - {conv: 8, kernel: 1, share: a}\n"
    ).graph
    assert memory(graph).weights_bytes == 4 * 72
    assert training(graph, Setting(optimizer="adam")).optimizer_bytes == 2 * 4 * 72


@pytest.mark.parametrize("dtype", ["float32", "int8", "int4"])
def test_budget(dtype: str) -> None:
    graph = cnncalc.load("mlperf_tiny_keyword_spotting").graph
    peak = memory(graph, Setting(dtype)).peak_bytes
    for limit in (1, peak - 1, peak, 2 * peak, 10 * peak + 7):
        found = budget(graph, Setting(dtype), limit)
        assert found.fits == (peak <= limit) == (found.exceeded_at == [])
        assert found.spare == limit - peak
        by_hand = next(n for n in range(100) if memory(graph, Setting(dtype, batch=n + 1)).peak_bytes > limit)
        assert found.largest_batch == by_hand
    with pytest.raises(Fault, match="at least 1 byte"):
        budget(graph, Setting(), 0)


def test_a_budget_of_training_is_of_all_of_it() -> None:
    graph = cnncalc.load("resnet18").graph
    setting = Setting(optimizer="adam")
    found = training_budget(graph, setting, 2**30)
    batch = found.largest_batch
    assert training(graph, setting._replace(batch=batch)).bytes <= 2**30
    assert training(graph, setting._replace(batch=batch + 1)).bytes > 2**30
    step = training(graph, setting)
    assert found.spare == 2**30 - step.bytes
    assert (step.gradient_bytes, step.optimizer_bytes) == (4 * 11_689_512, 8 * 11_689_512)
    assert not training_budget(graph, setting, 2**20).fits
    with pytest.raises(Fault, match="at least 1 byte"):
        training_budget(graph, setting, 0)


def test_optimizers_and_what_is_fixed() -> None:
    graph = cnncalc.load("resnet18").graph
    held = [training(graph, Setting(optimizer=name)).optimizer_bytes for name in ("sgd", "momentum")]
    assert held == [0, 4 * 11_689_512]
    fixed = cnncalc.loads("input: [4]\nlayers: [{linear: 4, learned: false}, {linear: 2}]\n").graph
    found = training(fixed)
    assert found.kept_bytes == [0, 16]
    assert found.gradient_bytes == 4 * 10


def test_what_a_layer_does_not_tell_makes_a_lower_bound() -> None:
    graph = cnncalc.loads("input: [4, 8, 8]\nlayers: [{conv: 4, kernel: 1}, {opaque: [2, 4, 4]}]\n").graph
    found = training(graph)
    assert found.kept_bytes == [4 * 4 * 64, None]
    assert found.lower_bound
    assert memory(graph).lower_bound
    assert [row is None for row in kept(graph)] == [False, True]


def test_why_tensors_are_alive() -> None:
    graph = cnncalc.loads(RESIDUAL).graph
    place = graph.find("joined").layers[-1]
    assert [(each.tensors, each.bytes, each.reason) for each in alive(graph, place, Setting("int8"))] == [
        (["stem", "stem.norm", "stem.act", "half"], 1152, "an output of the network"),
        (["side"], 1152, "its input"),
        (["other"], 1152, "its input"),
        (["joined"], 1152, "its output"),
    ]
    first = alive(graph, 1, Setting("int8"))
    assert [(each.tensors, each.reason) for each in first] == [
        (["stem", "stem.norm"], "its input, which it writes over")
    ]
    assert sum(each.bytes for each in alive(graph, place)) == memory(graph).live_bytes[place]


def test_what_is_alive_adds_up_everywhere() -> None:
    for name in ("residual", "towers", "flat"):
        graph = cnncalc.load(str(Path(__file__).parents[1] / "golden" / f"{name}.yaml")).graph
        for reuse in (True, False):
            setting = Setting("int4", reuse=reuse)
            sums = [sum(each.bytes for each in alive(graph, node.place, setting)) for node in graph.nodes]
            assert sums == memory(graph, setting).live_bytes


def test_wrong_settings() -> None:
    graph = cnncalc.loads(RESIDUAL).graph
    with pytest.raises(Fault, match="no type `float31`"):
        memory(graph, Setting("float31"))
    with pytest.raises(Fault, match="at least 1 sample"):
        memory(graph, Setting(batch=0))
    with pytest.raises(Fault, match="no optimizer `adamw`"):
        training(graph, Setting(optimizer="adamw"))


def test_depth_is_no_problem() -> None:
    repeat = "  - {repeat: 2000, layers: [{repeat: 3, layers: [relu]}]}\n"
    graph = cnncalc.loads(f"input: [1, 2, 2]\nlayers:\n{repeat}").graph
    assert memory(graph, Setting("int8")).peak_bytes == 4
    assert memory(graph, Setting("int8", reuse=False)).peak_bytes == 8
    assert training(graph).kept_total == 0
