"""The ends of a network: the shapes that go in, the tensors that leave, and the layers that reach none of them."""

from __future__ import annotations

from cnncalc.diagnostics import Diagnostic, Fault, SpecError
from cnncalc.expansion.registry import Registry
from cnncalc.expansion.scope import Where
from cnncalc.geometry import Shape, bounded
from cnncalc.graph import Graph
from cnncalc.language.model import File
from cnncalc.language.operators import Tensor
from cnncalc.layers.types import SHAPE


def input_shapes(file: File, where: Where, given: dict[str, Shape]) -> list[tuple[str, Shape]]:
    """The network's inputs: declared, or given instead."""
    for name in given:
        if name not in file.inputs:
            known = ", ".join(f"`{known}`" for known in file.inputs)
            raise SpecError([Diagnostic("unknown-input", f"there is no input `{name}`", help=f"inputs are {known}")])
    found = []
    for name, value in file.inputs.items():
        try:
            shape = bounded(SHAPE.read(given[name] if name in given else where.evaluate(value)))
        except Fault as fault:
            help = fault.help or "for example `input: [3, 224, 224]`"
            message = fault.message if fault.code == "too-large" else f"the input {fault.message}"
            raise where.fail_at(value, fault.code, message, help) from None
        found.append((name, shape))
    return found


def resolve_outputs(file: File, graph: Graph, registry: Registry, x: Tensor, where: Where) -> None:
    """Find the tensors that leave the network: those in `outputs`, or the last."""
    for output in file.outputs:
        if output.condition is None or where.truth(output.condition):
            text = where.fill(output.name)
            graph.outputs.append((text, registry.find(text, output.name, x, where).number))
    if not graph.outputs:
        name = graph.tensor_name(x.number)
        count = len(graph.inputs)
        names = graph.nodes[x.number - count].names if x.number >= count else ()
        graph.outputs.append((names[0] if names else name, x.number))


def warn_unused(graph: Graph) -> None:
    """Warn of every layer that reaches no output: the trace of a wiring mistake."""
    count = len(graph.inputs)
    live = bytearray(count + len(graph.nodes))
    for _, number in graph.outputs:
        live[number] = 1
    for index in range(len(graph.nodes) - 1, -1, -1):
        if live[count + index]:
            for tensor in graph.nodes[index].inputs:
                live[tensor] = 1
    help = "name it in `outputs`, in a `from` or in a join, or leave it out"
    for index, node in enumerate(graph.nodes):
        if not live[count + index]:
            span, notes = node.origin.span, node.origin.notes()
            message = f"`{node.name}` reaches no output"
            graph.warnings.append(Diagnostic("unused-layer", message, span, "", notes, help, "warning"))
