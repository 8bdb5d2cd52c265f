"""Networks written as PyTorch code: built by PyTorch, counted by it, computed by it, and read by its checkers."""

from __future__ import annotations

import subprocess
import sys
from math import prod
from pathlib import Path
from typing import Any

import pytest
from convert.exporting import refusals
from convert.networks import EVERY, LAYERS, NETWORKS, REFUSED, WRITTEN, examples, network
from frameworks.export_cases import (
    REDUCED,
    computable,
    drawn_inputs,
    finite,
    reference,
    sampled,
    singles,
    small,
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


SAID = [name for name in (*NETWORKS, *LAYERS, *REFUSED, *WRITTEN) if name not in refusals("pytorch")]


@pytest.mark.parametrize("name", SAID)
def test_numbers_of_what_was_chosen(name: str) -> None:
    check(network(name))


@pytest.mark.parametrize(("name", "graph"), examples(EVERY), ids=[name for name, _ in examples(EVERY)])
def test_every_kind(name: str, graph: Graph) -> None:
    if name in ("instance_norm on [40]", "local_response_norm on [40]"):
        with pytest.raises(cnncalc.SpecError, match="PyTorch"):
            to_torch_source(graph)
    else:
        check(graph)


def test_a_border_wider_than_the_map_is_refused() -> None:
    with pytest.raises(cnncalc.SpecError, match="PyTorch pads 4 positions by at most 3"):
        to_torch_source(network("borders"))


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
    graphs |= {name: network(name) for name in SAID}
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
