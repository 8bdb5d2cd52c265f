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


@together("case", step_cases(VIEW), lambda case: f"{case['step']} {len(case['input']) - 1}d")
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
    for limit in (1, peak - 1, peak, 2 * peak, 3 * peak, 10 * peak + 7):
        found = budget(graph, Setting(dtype), limit)
        assert found.fits == (peak <= limit) == (found.exceeded_at == [])
        assert found.spare == limit - peak
        by_hand = next(n for n in range(100) if memory(graph, Setting(dtype, batch=n + 1)).peak_bytes > limit)
        assert found.largest_batch == by_hand
    with pytest.raises(Fault, match="at least 1 byte"):
        budget(graph, Setting(), 0)


def test_what_a_budget_does_not_hold() -> None:
    """By hand: 2 + 8, 8 + 6 and 6 + 2 bytes live; the layers beyond the limit are named, and those at the peak."""
    graph = cnncalc.loads("input: [2]\nlayers: [{linear: 8}, {linear: 6}, {linear: 8}, {linear: 2}]\n").graph
    found = memory(graph, Setting("int8"))
    assert (found.live_bytes, found.peak_at) == ([10, 14, 14, 10], ["linear2", "linear3"])
    assert budget(graph, Setting("int8"), 10).exceeded_at == ["linear2", "linear3"]
    assert budget(graph, Setting("int8"), 9).exceeded_at == ["linear1", "linear2", "linear3", "linear4"]


def test_what_nobody_takes_is_gone_after_its_layer() -> None:
    """By hand: 16 + 48, 16 + 4, 4 + 20 and 4 + 4 numbers."""
    text = (
        "input: [1, 4, 4]\nlayers:\n  - {conv: 3, kernel: 1, name: a}\n  - {conv: 1, kernel: 3, from: input, name: b}\n"
    )
    text += "  - {conv: 5, kernel: 1, name: c}\n  - {conv: 1, kernel: 1, from: b, name: d}\noutputs: [d]\n"
    graph = cnncalc.loads(text).graph
    assert memory(graph, Setting("int8")).live_bytes == [64, 20, 24, 8]
    assert [sum(each.bytes for each in alive(graph, place, Setting("int8"))) for place in range(4)] == [64, 20, 24, 8]
    assert [each.reason for each in alive(graph, 0)] == ["its input", "its output"]
    unread = cnncalc.loads("input: {a: [1, 4], b: [1, 8]}\nlayers: [{relu, from: a}]\n").graph
    assert (memory(unread, Setting("int8")).live_bytes, len(alive(unread, 0))) == ([4], 1)


@pytest.mark.parametrize(
    ("limit", "batch"),
    [(14 * 2**40, 2**40), (14 * 2**40 - 1, 2**40 - 1), (2**60, 2**40), (14 * 2**39, 2**39), (42, 3), (41, 2), (13, 0)],
)
def test_the_largest_batch_that_is_looked_for(limit: int, batch: int) -> None:
    graph = cnncalc.loads("input: [8]\nlayers: [{linear: 6}]\n").graph
    assert budget(graph, Setting("int8"), limit).largest_batch == batch


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
    before = cnncalc.loads("input: [4]\nlayers: [relu, {linear: 2}]\n").graph
    assert training(before).kept_bytes == [0, 16]  # nothing that learns stands before `relu`


def test_what_a_layer_does_not_tell_makes_a_lower_bound() -> None:
    graph = cnncalc.loads("input: [4, 8, 8]\nlayers: [{conv: 4, kernel: 1}, {opaque: [2, 4, 4]}]\n").graph
    found = training(graph)
    assert found.kept_bytes == [4 * 4 * 64, None]
    assert found.lower_bound
    assert memory(graph).lower_bound
    assert [row is None for row in kept(graph)] == [False, True]


def test_what_is_not_told_of_a_layer_is_null() -> None:
    """By hand: 20 and 38 numbers are learned; the input and the result of `relu`, which `conv2` takes, are kept."""
    text = "input: [4, 8, 8]\nlayers: [{conv: 4, kernel: 1}, {opaque: [2, 4, 4]}, relu, {conv: 2, kernel: 3}]\n"
    found = cnncalc.loads(text).memory(training=True, optimizer="adam").to_dict()
    keys = ("output_bytes", "live_bytes", "weights_bytes", "kept_bytes", "gradient_bytes", "optimizer_bytes")
    assert [[row[key] for key in keys] + [row["training_bytes"]] for row in found["layers"]] == [
        [1024, 2048, 80, 1024, 80, 160, 1344],
        [128, 1152, None, None, None, None, None],
        [128, 128, 0, 128, 0, 0, 128],
        [32, 160, 152, 0, 152, 304, 608],
    ]
    assert found["totals"] == {
        "output_bytes": 1024,
        "peak_bytes": 2048,
        "weights_bytes": 232,
        "kept_bytes": 1152,
        "gradient_bytes": 232,
        "optimizer_bytes": 464,
        "training_bytes": 2080,
        "peak_at": ["conv1"],
        "lower_bound": ["weights_bytes", "kept_bytes", "gradient_bytes", "optimizer_bytes", "training_bytes"],
    }
    halved = cnncalc.loads(text).memory(dtype="float16", training=True, batch=3).to_dict()["totals"]
    assert (halved["kept_bytes"], halved["gradient_bytes"]) == (3 * 1152 // 2, 232 // 2)


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


def test_what_a_tensor_is_needed_by() -> None:
    text = "input: [2, 4, 4]\nlayers:\n  - {conv: 2, kernel: 1, name: a}\n  - {conv: 2, kernel: 1, name: b}\n"
    text += "  - {conv: 2, kernel: 1, name: c}\n  - {add: [a, c], name: d}\n"
    text += "  - {add: [a, d], name: e}\n  - {flatten, name: f}\n"
    graph = cnncalc.loads(text).graph
    reasons = {node.name: [each.reason for each in alive(graph, node.place)] for node in graph.nodes}
    assert reasons == {
        "a": ["its input", "its output"],
        "b": ["its input", "its output"],
        "c": ["needed by `d` and 1 more", "its input", "its output"],
        "d": ["its input", "its input", "its output"],
        "e": ["its input", "its input", "its output"],
        "f": ["its input and output"],
    }


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
    for name, help in (("adamw", "did you mean `adam`?"), ("lion", "optimizers: `sgd`, `momentum`, `adam`")):
        with pytest.raises(Fault, match=f"no optimizer `{name}`") as caught:
            training(graph, Setting(optimizer=name))
        assert caught.value.help == help


def test_depth_is_no_problem() -> None:
    repeat = "  - {repeat: 2000, layers: [{repeat: 3, layers: [relu]}]}\n"
    graph = cnncalc.loads(f"input: [1, 2, 2]\nlayers:\n{repeat}").graph
    assert memory(graph, Setting("int8")).peak_bytes == 4
    assert memory(graph, Setting("int8", reuse=False)).peak_bytes == 8
    assert training(graph).kept_total == 0
