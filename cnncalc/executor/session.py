"""One execution, from files to tensors: what `cnncalc run` does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from math import isfinite
from typing import Any

from cnncalc.diagnostics import Fault, SpecError
from cnncalc.executor.algebras import Floats
from cnncalc.executor.data import Weights, inputs_of, parse_json, read_bytes, read_inputs, wrong
from cnncalc.executor.machine import Machine, run
from cnncalc.executor.tensors import Tensor
from cnncalc.graph import Graph, Node


def outputs(graph: Graph, data: Any, weights: Any = None, seed: int = 0, layer: str | None = None) -> dict[str, Tensor]:
    """The tensors that leave the network, or that of one layer, by name.

    `data` and `weights` are paths (`-` is standard input), or what such files hold: nested lists, and mappings of
    layers to mappings of tensors; weights may have been read already.  Those that are not given are drawn from `seed`.
    Raises `SpecError` for data that does not fit, and at the layer for what cannot be computed.
    """
    if data == weights == "-":
        raise wrong("unreadable", "standard input can be the data or the weights, not both")
    wanted = {layer: graph.find(layer).tensor} if layer is not None else dict(graph.outputs)
    inputs = read_inputs(os.fspath(data), graph) if _is_path(data) else inputs_of(data, graph)
    values = weights_of(graph, weights, seed)
    found = dict(enumerate(inputs))
    reached = []
    for node, tensor in _located(graph, Machine(Floats(), values), inputs):
        reached.append(node.name)
        check_finite(node, tensor)
        if node.number in wanted.values():
            found[node.number] = tensor
        if node.number >= max(wanted.values()):
            break
    values.check_used(reached)
    return {name: found[tensor] for name, tensor in wanted.items()}


def weights_of(graph: Graph, weights: Any, seed: int) -> Weights:
    """The weights of a JSON file, or a mapping, and the rest drawn; raises `SpecError` for what no layer could use."""
    if isinstance(weights, Weights):
        return weights
    if _is_path(weights):
        path = os.fspath(weights)
        return Weights(graph, parse_json(read_bytes(path), path), path, seed)
    return Weights(graph, weights or {}, "weights", seed)


def _is_path(given: Any) -> bool:
    return isinstance(given, (str, os.PathLike))


def _located(graph: Graph, machine: Machine, inputs: list[Tensor]) -> Iterator[tuple[Node, Tensor]]:
    """As `run`, with the place of the layer in what it raises: `SpecError`."""
    try:
        yield from run(graph, machine, inputs)
    except Fault as fault:
        raise SpecError([fault.at(machine.node.origin if machine.node else None)]) from None


def check_finite(node: Node, tensor: Tensor) -> None:
    """Raise `SpecError` at the first layer whose result is not made of finite numbers."""
    if isfinite(sum(tensor.data)) or all(map(isfinite, tensor.data)):
        return
    reason = "a value is too large for a floating-point number, or a window reads nothing but padding"
    raise SpecError([Fault("not-finite", f"the result of `{node.name}` is not finite: {reason}").at(node.origin)])
