"""The exported PyTorch code, built: parameters layer by layer, shapes, order; its numbers against the executor's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from frameworks.exported import exported
from frameworks.networks import names
from torch import Tensor

import cnncalc
from cnncalc.analyzers.params import params
from cnncalc.convert.pytorch import state_names, to_pytorch_source, to_torch
from cnncalc.convert.weights import values
from cnncalc.executor.algebras import Floats
from cnncalc.executor.machine import Machine, run
from cnncalc.executor.machine import Tensor as Numbers
from cnncalc.graph import Graph

NAMES = names()
COUNTER = "num_batches_tracked"


def test_all_networks_are_there() -> None:
    assert len(NAMES) == len(set(NAMES)) >= 145


@pytest.mark.parametrize("name", NAMES)
def test_parameters_and_shapes(name: str) -> None:
    """As PyTorch builds it, on the meta device: nothing is allocated."""
    graph = cnncalc.load(name).graph
    with torch.device("meta"):
        module = exported(graph).eval()
        found = module(*[torch.empty(1, *shape) for _, shape in graph.inputs])
    outputs = [found] if isinstance(found, Tensor) else list(found)
    assert [tuple(each.shape) for each in outputs] == [(1, *graph.shapes[tensor]) for _, tensor in graph.outputs]
    learned = {key: each.numel() for key, each in module.named_parameters() if each.requires_grad}
    kept = {key: each.numel() for key, each in module.named_parameters() if not each.requires_grad}
    kept |= {key: each.numel() for key, each in module.named_buffers() if not key.endswith(COUNTER)}
    owned: dict[str, list[str]] = {}
    for (row, _), key in state_names(graph).items():
        owned.setdefault(row, []).append(key)
    for node, count in zip(graph.nodes, params(graph)):
        mine = owned.get(node.name, [])
        assert (count.params, count.state) == (
            sum(learned.pop(key, 0) for key in mine),
            sum(kept.pop(key, 0) for key in mine),
        ), node.name
    assert not learned
    assert not {key for key in kept if key in module.state_dict()}
    state = [key for key in module.state_dict() if not key.endswith(COUNTER)]
    assert state == list(state_names(graph).values())  # in the order of the rows


# -- numbers -----------------------------------------------------------------------------------------------------------

SMALL = {
    "lenet5": None,
    "notes_filters": None,
    "notes_stride2": None,
    "notes_separable": None,
    "mlperf_tiny_anomaly_detection": None,
    "mlperf_tiny_streaming_wakeword": None,
    "mlperf_tiny_visual_wake_words": (3, 96, 96),
    "ds_cnn_s": None,
    "inception_module": (192, 4, 4),
    "densenet_bc100_k12": (3, 8, 8),
    "resnet20": (3, 8, 8),
    "resnet50_v2": (3, 16, 16),
    "efficientnet_b0": (3, 32, 32),
    "mobilenet_v3_small": (3, 32, 32),
    "shufflenet_v2_x0_5": (3, 32, 32),
    "nasnet_mobile": (3, 32, 32),
    "xception": (3, 32, 32),
    "yolov8n": (3, 32, 32),
    "regnet_y_400mf": (3, 32, 32),
    "wavenet_one_stack": None,
}
"""Bundled networks that plain Python runs in seconds, some on smaller inputs."""

STEPS = {
    "asymmetric": "input: [2, 6, 7]\nlayers:\n  - {conv: 3, kernel: 3, stride: 2, padding: [[0, 1], [2, 0]]}\n  - relu\n",
    "same": "input: [2, 6, 7]\nlayers: [{conv: 3, kernel: 4, stride: 2, padding: same}, {conv: 2, kernel: 2, padding: same_lower}]\n",
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
    "fixed": "input: [1, 7]\nlayers: [{conv: 1, kernel: 3, weights: [1, 0, -1], learned: false, name: c}, {conv: 2, kernel: 2}]\n",
    "odd names": "input: [1, 4, 4]\nlayers: [{conv: 2, kernel: 1, name: train}, {conv: 2, kernel: 1, name: class}, {conv: 2, kernel: 1, name: a_b}]\n",
}


def close(graph: Graph) -> None:
    """The module with the executor's weights gives the executor's numbers, in double precision."""
    given = values(graph, seed=7)
    names = state_names(graph)
    module = to_torch(graph).double().eval()
    owned = {(node.name, weight.name): weight for node in graph.nodes for weight in node.operation.tensors}
    state = {
        names[key]: torch.tensor(list(each), dtype=torch.float64).reshape(owned[key].shape)
        for key, each in given.items()
    }
    state |= {key: each for key, each in module.state_dict().items() if key.endswith(COUNTER)}
    module.load_state_dict(state)
    torch.manual_seed(3)
    inputs = [torch.randn(1, *shape, dtype=torch.float64) for _, shape in graph.inputs]
    weights = cnncalc.executor.data.Weights(graph, {}, "", 7)
    machine = Machine(Floats(), weights)
    wanted = {tensor for _, tensor in graph.outputs}
    expected = {}
    numbers = [Numbers(tuple(each.shape[1:]), each.flatten().tolist()) for each in inputs]
    for node, result in run(graph, machine, numbers):
        if node.number in wanted:
            expected[node.number] = torch.tensor(list(result.data), dtype=torch.float64).reshape(result.shape)
    with torch.no_grad():
        found = module(*[each.clone() for each in inputs])
    for each, (_, tensor) in zip([found] if isinstance(found, Tensor) else found, graph.outputs, strict=True):
        torch.testing.assert_close(each[0], expected[tensor], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", STEPS)
def test_numbers_of_every_kind(name: str) -> None:
    close(cnncalc.loads(STEPS[name]).graph)


@pytest.mark.parametrize("name", SMALL)
def test_numbers_of_bundled_networks(name: str) -> None:
    close(cnncalc.load(name, inputs=SMALL[name]).graph)


# -- as code -----------------------------------------------------------------------------------------------------------


def test_code_passes_the_checkers(tmp_path: Path) -> None:
    """ruff, its formatter, and mypy find nothing in any export."""
    graphs: dict[str, Any] = {name: cnncalc.load(name).graph for name in NAMES}
    graphs |= {name: cnncalc.loads(text).graph for name, text in STEPS.items()}
    for name, graph in graphs.items():
        (tmp_path / f"{name.replace(' ', '_')}.py").write_text(to_pytorch_source(graph), encoding="utf-8")
    tools = Path(sys.executable).parent
    for command in (["ruff", "check", "--isolated"], ["ruff", "format", "--isolated", "--check", "--line-length=120"]):
        done = subprocess.run([tools / command[0], *command[1:], "."], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[:3000]
    done = subprocess.run([tools / "mypy", "."], cwd=tmp_path, capture_output=True, text=True, env={**os.environ})
    assert done.returncode == 0, done.stdout[:3000]


@pytest.mark.parametrize(("name", "lines"), [("resnet50", 60), ("vgg16", 55)])
def test_code_is_short(name: str, lines: int) -> None:
    source = to_pytorch_source(cnncalc.load(name).graph)
    assert sum(bool(line.strip()) for line in source.splitlines()) <= lines
