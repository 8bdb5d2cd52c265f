"""Out of the graph: PyTorch source that a person would commit, the module that it makes, and its state dict's names.

A block of the spec is a class, blocks that are equal but for numbers are one; chains are `nn.Sequential`; attributes
are called after the rows.  The state dict has the order of the rows.  PyTorch is imported only where a module is asked
for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cnncalc.convert.torch_out.plan import Plan
from cnncalc.convert.torch_out.source import written
from cnncalc.diagnostics import Fault
from cnncalc.geometry import Shape
from cnncalc.graph import Graph, Node

WeightSource = Callable[[Node, str, Shape], Sequence[float]]
"""Gives the values of a tensor of weights, flat and row-major, for the node that owns it: the executor's `Weights`."""


def to_torch_source(graph: Graph) -> str:
    """The source of a module that computes the network; raises `SpecError` for what PyTorch cannot say."""
    return written(Plan(graph))


def to_torch(graph: Graph, weights: WeightSource | None = None) -> Any:
    """The `nn.Module` that the source defines: as PyTorch initialises it, unless some weights are given.

    Raises `SpecError` for what PyTorch cannot say, and `Fault` where it is not installed.
    """
    try:
        import torch
    except ImportError:
        message = "the export to a PyTorch module needs the library `torch`"
        raise Fault("missing-library", message, None, "pip install torch") from None
    plan = Plan(graph)
    namespace: dict[str, Any] = {"__name__": f"cnncalc.exported.{plan.class_name}"}
    exec(compile(written(plan), f"<{plan.class_name}>", "exec"), namespace)
    module = namespace[plan.class_name]()
    if weights is not None:
        names, state = plan.names(), {}
        for node in graph.nodes:
            for weight in node.operation.weights if node.shares is None else ():
                values = torch.tensor(weights(node, weight.name, weight.shape), dtype=torch.get_default_dtype())
                state[names[node.name, weight.name]] = values.reshape(weight.shape)
        module.load_state_dict(state, strict=False)  # all but the counters of batches, which no spec has
    return module


def state_names(graph: Graph) -> dict[tuple[str, str], str]:
    """What the state dict of the exported module calls each tensor of weights, by row and tensor."""
    return Plan(graph).names()
