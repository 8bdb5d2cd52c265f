"""Out of the graph: PyTorch source that a person would commit, the module that it makes, and its state dict's names.

A block of the spec is a class, blocks that are equal but for numbers are one; chains are `nn.Sequential`; attributes
are called after the rows.  The state dict has the order of the rows.  PyTorch is imported only where a module is asked
for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnncalc.convert.pytorch.source import Plan
from cnncalc.graph import Graph

if TYPE_CHECKING:
    from torch import nn


def to_pytorch_source(graph: Graph) -> str:
    """The source of a module that computes the network; raises `SpecError` for what PyTorch cannot say."""
    return Plan(graph).source()


def to_torch(graph: Graph) -> nn.Module:
    """The module that the source defines, as PyTorch initialises it; raises `SpecError`, and `ImportError` without
    PyTorch."""
    import torch  # noqa: F401  # the error is clearer here than within the source

    plan = Plan(graph)
    namespace: dict[str, Any] = {"__name__": "cnncalc_export"}
    exec(compile(plan.source(), f"<{graph.name}>", "exec"), namespace)
    made: nn.Module = namespace[plan.templates.of[id(plan.root)].name]()
    return made


def state_names(graph: Graph) -> dict[tuple[str, str], str]:
    """What the state dict of the exported module calls each tensor of weights, by row and tensor."""
    return Plan(graph).names()
