"""The weights of a graph in safetensors files, under the names of the exported PyTorch module's state dict.

JSON files of weights are the executor's; `weights_of` reads both, so that ``run`` and every export take the same ones.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from cnncalc.convert import safetensors
from cnncalc.diagnostics import SpecError, suggestion
from cnncalc.executor import session
from cnncalc.executor.data import Weights, wrong
from cnncalc.geometry import Shape, dims
from cnncalc.graph import Graph

Key = tuple[str, str]
"""The row that owns a tensor of weights, and the tensor's name: ``("conv1.norm", "running_mean")``."""

SUFFIX = ".safetensors"

COUNTER = "num_batches_tracked"
"""What PyTorch's batch norms keep beside their statistics: it takes no part in inference."""


def weights_of(graph: Graph, weights: Any, seed: int) -> Weights:
    """The weights of a JSON or safetensors file, or of a mapping, and the rest drawn from `seed`; raises `SpecError`
    for what no layer could use."""
    path = os.fspath(weights) if isinstance(weights, (str, os.PathLike)) else ""
    if not path.endswith(SUFFIX):
        return session.weights_of(graph, weights, seed)
    found = Weights(graph, {}, path, seed)
    found.values.update(stored(graph, path))
    return found


def slots(graph: Graph) -> dict[Key, Shape]:
    """Every tensor of weights that the network owns, in the order of the rows, with its shape."""
    return {
        (node.name, weight.name): weight.shape
        for node in graph.nodes
        if node.shares is None
        for weight in node.operation.weights
    }


def stored(graph: Graph, path: str) -> dict[Key, Sequence[float]]:
    """The tensors of a safetensors file by what they are for; raises `SpecError`.

    They are called as in the exported state dict (``layer1.0.conv1_norm.weight``) or after the rows
    (``layer1.0.conv1.norm.weight``), all in one way.
    """
    known = slots(graph)
    found: dict[Key, Sequence[float]] = {}
    with safetensors.File(path) as file:
        named = naming(graph, known, file.entries)
        for name, entry in file.entries.items():
            key = named.get(name)
            if key is None:
                owner, _, last = name.rpartition(".")
                if last == COUNTER and f"{owner}.running_mean" in named:
                    continue
                raise wrong("unknown-name", f"`{path}` gives `{name}`, which no layer has", suggestion(name, named))
            if entry.shape != known[key]:
                got = dims(entry.shape) or "a single number"
                raise wrong(
                    "wrong-shape", f"`{path}` gives `{name}` as {got} where `{key[0]}` takes {dims(known[key])}"
                )
            found[key] = file.values(name)
    return found


def naming(graph: Graph, known: Mapping[Key, Shape], given: Mapping[str, object]) -> Mapping[str, Key]:
    """What is called as most of the `given` names are: the state dict's names, else the rows'."""
    from cnncalc.convert.torch_out import state_names

    by_row = {".".join(key): key for key in known}
    try:
        by_state = {name: key for key, name in state_names(graph).items()}
    except SpecError:  # a network that PyTorch cannot say has no state dict, and runs all the same
        return by_row
    return max(by_state, by_row, key=lambda names: sum(name in names for name in given))


def encoded(graph: Graph, weights: Weights) -> bytes:
    """A safetensors file for the exported module's ``load_state_dict``; raises `SpecError` for weights that do not fit,
    or that nothing takes."""
    from cnncalc.convert.torch_out import state_names

    names = state_names(graph)
    tensors = []
    for node in graph.nodes:
        for weight in node.operation.weights if node.shares is None else ():
            name = names[node.name, weight.name]
            values = array("f", weights(node, weight.name, weight.shape))
            if not isfinite(sum(values)):
                message = f"`{node.name}` {weight.name} holds a value too large for a 32-bit number"
                raise wrong("too-large", message)
            tensors.append(safetensors.Tensor(name, "F32", weight.shape, values))
            if weight.name == "running_var":
                counter = f"{name.rpartition('.')[0]}.{COUNTER}"
                tensors.append(safetensors.Tensor(counter, "I64", (), [0]))
    weights.check_used([node.name for node in graph.nodes])
    return safetensors.encode(tensors)
