"""Graph -> the flat spec that its blocks expand to: one step a layer, itself a valid spec."""

from __future__ import annotations

import re
from typing import Any

from cnncalc.diagnostics import Fault
from cnncalc.graph import Graph, Node
from cnncalc.layers.base import Layer
from cnncalc.layers.types import TENSORS, show


def flat(graph: Graph) -> str:
    """The text of the spec; layers have their row's name, and say `from` where they do not follow the previous one."""
    lines = [f"name: {quoted(graph.name)}"]
    if graph.source:
        lines.append(f"source: {quoted(graph.source)}")
    shapes = {name: f"[{', '.join(map(str, shape))}]" for name, shape in graph.inputs}
    if list(shapes) == ["input"]:
        lines.append(f"input: {shapes['input']}")
    else:
        lines += ["input:", *(f"  {name}: {shape}" for name, shape in shapes.items())]
    lines.append("layers:")
    wires = Wires(graph)
    for node in graph.nodes:
        lines.append(f"  - {step(wires, node)}")
    if not graph.nodes:  # a list of steps is never empty
        lines.append("  - {identity, repeat: 0}")
    lines.append(f"outputs: {outputs([(name, graph.tensor_name(tensor)) for name, tensor in graph.outputs])}")
    return "\n".join(lines) + "\n"


def outputs(named: list[tuple[str, str]]) -> str:
    """The tensors that leave, as a value: a list, or a mapping where one is called otherwise than its row."""
    if all(name == tensor for name, tensor in named):
        return f"[{', '.join(name for name, _ in named)}]"
    return "{" + ", ".join(f"{name}: {tensor}" for name, tensor in named) + "}"


class Wires:
    """How a text says what a layer takes: by `from`, or by a field that names a tensor."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._takers: list[list[Node]] | None = None

    def sources(self, node: Node) -> tuple[int, ...]:
        """The tensors of `from`, or of a join's branches."""
        further = sum(len(names) for _, names in node.operation.layer.named())
        return node.inputs[: len(node.inputs) - further]

    def named(self, node: Node) -> dict[str, tuple[int, ...]]:
        """The tensors that stand in a field, by its name.  Of an inverse it is the result of what it undoes."""
        found = {}
        layer = node.operation.layer
        start = len(self.sources(node))
        for name, texts in layer.named():
            found[name] = node.inputs[start : start + len(texts)]
            start += len(texts)
        if layer.inverts:
            found = {name: (self.undone(node),) for name in found}
        return found

    def undone(self, node: Node) -> int:
        """The result of the layer that an inverse undoes: the graph has what that one took."""
        if self._takers is None:
            self._takers = self.graph.takers()
        layer = node.operation.layer
        return next(
            taker.number
            for taker in self._takers[node.inputs[-1]]
            if not taker.operation.layer.inverts and is_inverse(layer, taker.operation.layer)
        )


def is_inverse(layer: Layer, other: Layer) -> bool:
    """Whether a layer is what undoes the other."""
    try:
        return layer.inverse(other) == layer
    except Fault:
        return False


def step(wires: Wires, node: Node) -> str:
    """One layer as a step."""
    graph, layer = wires.graph, node.operation.layer
    sources = [graph.tensor_name(tensor) for tensor in wires.sources(node)]
    entries = _arguments(wires, node)
    if layer.joins:
        entries[0] = f"{layer.kind}: [{', '.join(sources)}]"
    elif len(sources) > 1:
        entries.append(f"from: [{', '.join(sources)}]")
    elif sources and node.inputs[0] != graph.before(node):
        entries.append(f"from: {sources[0]}")
    entries.append(f"name: {node.name}")
    if node.shares is not None:
        entries.append(f"share: {node.shares.name}")
    if node.frozen:
        entries.append("learned: false")
    return "{" + ", ".join(entries) + "}"


def _arguments(wires: Wires, node: Node) -> list[str]:
    """The kind, with its main argument if that is given, and every further field that is not at its default.

    What follows the layer has rows of its own.
    """
    layer = node.operation.layer
    named = wires.named(node)
    first = "" if layer.joins else next(iter(layer.fields), "")
    written = {}
    for name, field in layer.fields.items():
        value = getattr(layer, name)
        if name in named:
            names = tuple([wires.graph.tensor_name(tensor) for tensor in named[name]])
            value = names if field.type is TENSORS else names[0]
        elif name in layer.following or layer.inverts or (name in layer.defaults and value == layer.defaults[name]):
            continue
        written[name] = show_whole(value)
    head = f"{layer.kind}: {written.pop(first)}" if first in written else layer.kind
    return [head, *(f"{name}: {value}" for name, value in written.items())]


def show_whole(value: Any) -> str:
    """A value in the spec language, however long."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(show_whole, value))}]"
    if value is None:
        return "none"
    return show(value) if isinstance(value, (bool, str)) else repr(value)


def quoted(text: str) -> str:
    """Text for a YAML value: plain where that is safe, in double quotes else."""
    if re.fullmatch(r"[A-Za-z][\w .,()/+-]*", text) and not text.endswith(" "):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
