"""Networks written as PyTorch code: built by PyTorch, counted by it, computed by it, and read by its checkers."""

from __future__ import annotations

import subprocess
import sys
from math import prod
from pathlib import Path
from typing import Any

import pytest
from frameworks.export_cases import (
    EVERY,
    PRODUCTS,
    REDUCED,
    computable,
    drawn_inputs,
    examples,
    finite,
    reference,
    sampled,
    singles,
    small,
    special,
    weights,
)

import cnncalc
from cnncalc.convert.torch_out import state_names, to_torch, to_torch_source
from cnncalc.executor.tensors import Tensor
from cnncalc.graph import Graph

torch = pytest.importorskip("torch")
torch.set_num_threads(1)

COUNTER = "num_batches_tracked"


def computed(graph: Graph, inputs: list[Tensor]) -> list[Any]:
    """What the module gives with the executor's weights, in double precision, without the batch."""
    torch.set_default_dtype(torch.float64)
    try:
        module = to_torch(graph, weights(graph)).eval()
        given = [torch.tensor(list(tensor.data)).reshape(1, *tensor.shape) for tensor in inputs]
        with torch.no_grad():
            found = module(*given)
    finally:
        torch.set_default_dtype(torch.float32)
    return [each[0] for each in (found if isinstance(found, tuple) else (found,))]


def check(graph: Graph) -> None:
    """The module gives the executor's numbers."""
    inputs = drawn_inputs(graph)
    for found, tensor in zip(computed(graph, inputs), reference(graph), strict=True):
        expected = torch.tensor(list(tensor.data), dtype=torch.float64).reshape(tensor.shape)
        torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", sampled())
def test_bundled_networks_are_built_with_their_figures(name: str) -> None:
    """By PyTorch on its meta device, where nothing is computed: every row's tensors, in the rows' order, and shapes."""
    graph = cnncalc.load(name).graph
    with torch.device("meta"):
        module = to_torch(graph).eval()
        with torch.no_grad():
            found = module(*[torch.empty(2, *shape) for _, shape in graph.inputs])
    outputs = [tuple(each.shape) for each in (found if isinstance(found, tuple) else (found,))]
    assert outputs == [(2, *graph.shapes[tensor]) for _, tensor in graph.outputs]
    learned = {key for key, each in module.named_parameters() if each.requires_grad}
    state = {key: tuple(each.shape) for key, each in module.state_dict().items() if not key.endswith(COUNTER)}
    expected, trained = {}, set()
    names = state_names(graph)
    for node in graph.nodes:
        for weight in node.operation.weights if node.shares is None else ():
            key = names[node.name, weight.name]
            expected[key] = weight.shape
            if weight.learned and not node.frozen:
                trained.add(key)
    assert list(state.items()) == list(expected.items())
    assert learned == trained
    assert sum(each.numel() for each in module.parameters() if each.requires_grad) == (
        cnncalc.load(name).params().total("params") or 0
    )


# -- numbers -----------------------------------------------------------------------------------------------------------

STEPS = {
    "asymmetric": """
input: [2, 6, 7]
layers:
  - {conv: 3, kernel: 3, stride: 2, padding: [[0, 1], [2, 0]]}
  - relu
""",
    "same": """
input: [2, 6, 7]
layers:
  - {conv: 3, kernel: 4, stride: 2, padding: same}
  - {conv: 2, kernel: 2, padding: same_lower}
""",
    "modes": """
input: [2, 6, 7]
layers:
  - {conv: 3, kernel: 3, padding: 1, padding_mode: reflect, act: silu}
  - {conv: 3, kernel: 3, padding: [[1, 2], [0, 1]], padding_mode: replicate, groups: 3}
  - {conv: 3, kernel: 3, padding: 1, dilation: 1, padding_mode: circular}
""",
    "one axis": """
input: [3, 17]
layers:
  - {conv: 4, kernel: 3, padding: half, norm: batch, act: mish}
  - {max_pool: 3, stride: 2, padding: 1, ceil_mode: true}
  - {avg_pool: 2, stride: 1, padding: [[0, 1]], count_include_pad: false}
  - {lp_pool: 2, stride: 1}
  - {conv_transpose: 2, kernel: 3, stride: 2, padding: same}
  - {upsample: 2, mode: bilinear}
  - {adaptive_avg_pool: 5}
""",
    "three axes": """
input: [2, 4, 5, 6]
layers:
  - {conv: 4, kernel: [1, 3, 3], padding: half, act: gelu}
  - {group_norm: 2}
  - {max_pool: 2, stride: 1, dilation: [1, 2, 1]}
  - {upsample: 2, mode: bilinear, align_corners: true}
  - {conv_transpose: 2, kernel: 2, stride: 2, output_padding: 1}
  - layer_norm
  - {instance_norm, scale: true, shift: true, statistics: true}
  - global_max_pool
""",
    "transposed": """
input: [2, 4, 5]
layers:
  - {conv_transpose: 4, kernel: 3, stride: 2, padding: 1, output_padding: 1, groups: 2}
  - {conv_transpose: 4, kernel: [2, 4], stride: 2, padding: same}
  - {conv_transpose: 3, kernel: 4, stride: 2, padding: [[1, 2], [0, 1]]}
  - {conv_transpose: 3, kernel: 1, stride: 2, padding: same}
""",
    "pools": """
input: [2, 9, 8]
layers:
  - {max_pool: 3, stride: 2, padding: [[0, 1], [1, 0]]}
  - {avg_pool: 2, stride: 1, padding: [[1, 0], [0, 1]]}
  - {avg_pool: 3, stride: 1, padding: 1, ceil_mode: true, count_include_pad: false}
  - {lp_pool: 3, stride: 2, padding: 1, ceil_mode: true, p: 3}
  - {adaptive_max_pool: [2, 2]}
""",
    "norms": """
input: [6, 3, 4]
layers:
  - {batch_norm, scale: false, eps: 0.001}
  - {batch_norm, shift: false}
  - {batch_norm, statistics: false}
  - {layer_norm, shift: false}
  - {layer_norm, scale: false}
  - {group_norm: 3, shift: false}
  - {instance_norm}
  - {l2_norm, scale: true}
  - {l2_norm}
  - {local_response_norm: 4, alpha: 0.1, k: 2}
""",
    "activations": """
input: [4, 3, 3]
layers: [relu6, {leaky_relu: 0.2}, prelu, {prelu: 4}, elu, {elu: 0.5}, selu, {selu: 1.5, gamma: 2}, gelu,
  {gelu: tanh}, silu, mish, sigmoid, hard_sigmoid, {hard_sigmoid: 0.2}, hard_swish, tanh, softplus, {softplus: 2},
  log_softmax, softmax]
""",
    "moves": """
input: [8, 4, 6]
layers:
  - {channel_shuffle: 4}
  - {slice: [2, 6]}
  - {pad: [[1, 0], [0, 2]], channels: [1, 0]}
  - {pad: 1, mode: reflect}
  - {pad: 1, mode: constant, value: 0.5}
  - {crop: [[1, 0], [2, 1]]}
  - {permute: [1, 2, 0]}
  - {reshape: [4, -1, 5]}
  - {reshape: [-1, 5]}
  - flatten
  - {channel_shuffle: 2}
  - {linear: 4, norm: batch, act: tanh}
  - layer_norm
""",
    "blocks of positions": """
input: [4, 4, 6]
layers:
  - {space_to_depth: 2}
  - {depth_to_space: 2, order: dcr}
  - {space_to_depth: 2, order: dcr}
  - {depth_to_space: 2}
  - {reshape: [4, 4, 2, 3]}
  - {conv: 8, kernel: 1}
  - {upsample, size: [4, 4, 6]}
  - {space_to_depth: 2}
  - {depth_to_space: 2}
""",
    "several ends": """
input: {left: [2, 5, 5], class: [2, 9, 9]}
layers:
  - {conv: 3, kernel: 3, padding: 1, name: a}
  - {conv: 3, kernel: 3, padding: 1, from: class, share: a, name: b}
  - {crop_like: left, from: b, name: cropped}
  - add: [cropped, a]
  - {relu, name: sum}
  - multiply: [x, [global_avg_pool, {conv: 3, kernel: 1, act: sigmoid}]]
  - {layer_scale: 0.1, name: product}
outputs: [sum, product, b]
""",
    "shared blocks": """
input: [2, 6, 6]
blocks:
  head:
    args: {n: required}
    layers:
      - {conv: 4, kernel: 3, padding: 1, norm: batch, act: relu, repeat: 2}
      - {conv: n, kernel: 1}
layers:
  - {head: 3, name: first}
  - {max_pool: 2, from: input, name: half}
  - {head: 3, share: first, name: second}
  - {head: 2, from: half, learned: false, name: third}
outputs: [first, second, third]
""",
    "skips": """
input: [4, 6, 6]
blocks:
  unit:
    args: {channels: required, stride: 1, gate: false, act: relu}
    layers:
      - add:
          - - {conv: channels, kernel: 3, padding: 1, stride: stride, act: act}
            - multiply: [x, [global_avg_pool, {conv: channels, kernel: 1, act: sigmoid}]]
              if: gate
            - {drop_path: 0.1}
          - {x, if: stride == 1 and input.channels == channels}
  tower:
    args: {n: required}
    layers:
      - {slice: [0, x.channels//2]}
      - {unit: x.channels, repeat: n, gather: concat}
layers:
  - {unit: 4}
  - {unit: 6, gate: true, act: silu}
  - {unit: 6, stride: 2}
  - {unit: 6, gate: true, repeat: 3}
  - {tower: 2}
  - {tower: 1}
  - {separable_conv: 6, kernel: 3, padding: same, norm: batch, act: relu, repeat: 2}
  - dropout
""",
    "fixed": """
input: [1, 7]
layers:
  - {conv: 1, kernel: 3, weights: [1, 0, -1], learned: false, name: c}
  - {conv: 2, kernel: 2}
""",
    "odd names": """
input: [1, 4, 4]
layers:
  - {conv: 2, kernel: 1, name: train}
  - {conv: 2, kernel: 1, name: class}
  - {conv: 2, kernel: 1, name: a_b}
""",
}


@pytest.mark.parametrize("name", {**STEPS, **PRODUCTS})
def test_numbers_of_what_was_chosen(name: str) -> None:
    check(cnncalc.loads({**STEPS, **PRODUCTS}[name]).graph)


@pytest.mark.parametrize(("name", "graph"), examples(EVERY), ids=[name for name, _ in examples(EVERY)])
def test_every_kind(name: str, graph: Graph) -> None:
    if name in ("instance_norm on [40]", "local_response_norm on [40]"):
        with pytest.raises(cnncalc.SpecError, match="PyTorch"):
            to_torch_source(graph)
    else:
        check(graph)


@pytest.mark.parametrize(("name", "graph"), [each for each in special() if each[0] != "borders"])
def test_what_is_seldom(name: str, graph: Graph) -> None:
    check(graph)


def test_a_border_wider_than_the_map_is_refused() -> None:
    graph = dict(special())["borders"]
    with pytest.raises(cnncalc.SpecError, match="PyTorch pads 4 positions by at most 3"):
        to_torch_source(graph)


REFUSED = (
    "PyTorch normalises no group of a single value",
    "PyTorch normalises no instance of a single position",
    "PyTorch's instance norm takes no flat tensor",
    "PyTorch's local response norm takes no flat tensor",
    "PyTorch has no dilated average pool",
    "PyTorch adds at most",
    "a global response norm without a learned factor and offset is not written",
)
"""Why layers that nobody chose may be refused."""


def single_value(graph: Graph) -> bool:
    """Whether it is a batch norm that keeps no statistics, and has a single value per channel: it needs a batch."""
    layer: Any = graph.nodes[0].operation.layer
    return layer.kind == "batch_norm" and not layer.statistics and prod(graph.inputs[0][1][1:]) == 1


def test_layers_that_nobody_chose() -> None:
    """What is refused is refused for a reason that PyTorch gives."""
    checked = 0
    for graph in singles(600, EVERY):
        if single_value(graph) or not finite(reference(graph)):
            continue
        try:
            check(graph)
        except cnncalc.SpecError as error:
            assert any(reason in error.diagnostics[0].message for reason in REFUSED), error  # noqa: PT017
            continue
        except Exception as error:
            raise AssertionError(f"{graph.nodes[0].operation.layer} on {graph.inputs}: {error}") from error
        checked += 1
    assert checked > 450


@pytest.mark.parametrize("name", small())
def test_small_networks_compute_the_same(name: str) -> None:
    check(computable(name))


@pytest.mark.parametrize("name", REDUCED)
def test_families_compute_the_same_at_small_inputs(name: str) -> None:
    check(computable(name))


def test_the_module_trains() -> None:
    """A step of plain gradient descent, in-place activations and dropped paths included."""
    torch.manual_seed(0)
    for name in ("resnet18", "mobilenet_v3_small", "efficientnet_b0", "convnext_tiny", "shufflenet_v2_x0_5"):
        module = to_torch(cnncalc.load(name, inputs=(3, 32, 32)).graph).train()
        module(torch.randn(2, 3, 32, 32)).square().mean().backward()
        assert all(each.grad is not None for each in module.parameters()), name


# -- as code -----------------------------------------------------------------------------------------------------------


def test_code_passes_the_checkers(tmp_path: Path) -> None:
    """ruff and mypy find nothing in any export."""
    graphs = {name: cnncalc.load(name).graph for name in sampled()}
    graphs |= {name: cnncalc.loads(text).graph for name, text in {**STEPS, **PRODUCTS}.items()}
    for name, graph in graphs.items():
        (tmp_path / f"{name.replace(' ', '_')}.py").write_text(to_torch_source(graph), encoding="utf-8")
    tools = Path(sys.executable).parent
    for command in (
        ["ruff", "check", "--isolated", "--line-length=120", "."],
        ["mypy", "."],
    ):
        done = subprocess.run(
            [tools / command[0], *command[1:]], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[:3000]
