"""Graph -> the flat spec that its blocks expand to: one step a layer, itself a valid spec."""

from __future__ import annotations

import re
from typing import Any

from cnncalc.graph import Graph, Node
from cnncalc.layers.types import LAYER_NAME, show


def render(graph: Graph) -> str:
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
    for node in graph.nodes:
        lines.append(f"  - {step(graph, node)}")
    if not graph.nodes:  # a list of steps is never empty
        lines.append("  - {identity, repeat: 0}")
    lines.append(f"outputs: {outputs(graph)}")
    return "\n".join(lines) + "\n"


def outputs(graph: Graph) -> str:
    """The tensors that leave, as a value: a list, or a mapping where one is called otherwise than its row."""
    named = [(name, graph.tensor_name(tensor)) for name, tensor in graph.outputs]
    if all(name == tensor for name, tensor in named):
        return f"[{', '.join(name for name, _ in named)}]"
    return "{" + ", ".join(f"{name}: {tensor}" for name, tensor in named) + "}"


def step(graph: Graph, node: Node) -> str:
    """One layer as a step."""
    layer = node.operation.layer
    names = [graph.tensor_name(tensor) for tensor in node.inputs]
    if layer.joins:
        entries = [f"{layer.kind}: [{', '.join(names)}]"]
    else:
        entries = [*_arguments(node, names)]
        if node.inputs[0] != graph.before(node):
            entries.append(f"from: {names[0]}")
    entries.append(f"name: {node.name}")
    if node.shares is not None:
        entries.append(f"share: {node.shares.name}")
    if node.frozen:
        entries.append("learned: false")
    return "{" + ", ".join(entries) + "}"


def _arguments(node: Node, names: list[str]) -> list[str]:
    """The kind with its main argument, and every further field that is not at its default.

    What follows the layer has rows of its own.
    """
    layer = node.operation.layer
    written = []
    for position, (name, field) in enumerate(layer.fields.items()):
        value = getattr(layer, name)
        if field.type is LAYER_NAME:
            value = names[1]
        elif name in layer.following or (name in layer.defaults and value == layer.defaults[name]):
            continue
        written.append(f"{layer.kind if position == 0 else name}: {show_whole(value)}")
    if not written or not written[0].startswith(f"{layer.kind}:"):
        written.insert(0, layer.kind)
    return written


def show_whole(value: Any) -> str:
    """A value in the spec language, however long."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(show_whole, value))}]"
    return show(value) if isinstance(value, (bool, str)) else repr(value)


def quoted(text: str) -> str:
    """Text for a YAML value: plain where that is safe, in double quotes else."""
    if re.fullmatch(r"[A-Za-z][\w .,()/+-]*", text) and not text.endswith(" "):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
