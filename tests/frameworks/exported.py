"""The module that exported source defines, as whoever runs the file gets it."""

from __future__ import annotations

from typing import Any

from torch import nn

from cnncalc.convert.pytorch import to_pytorch_source
from cnncalc.graph import Graph


def exported(graph: Graph) -> nn.Module:
    """The last class of the file, made."""
    namespace: dict[str, Any] = {"__name__": "exported"}
    exec(to_pytorch_source(graph), namespace)
    classes = [value for value in namespace.values() if getattr(value, "__module__", "") == "exported"]
    made: nn.Module = classes[-1]()
    return made
