"""The ends of a network: the shapes that go in, the tensors that leave, and the layers that reach none of them."""

from __future__ import annotations

from cnncalc.diagnostics import Diagnostic, Fault
from cnncalc.expansion.registry import Registry
from cnncalc.expansion.scope import Where
from cnncalc.geometry import Shape, bounded
from cnncalc.graph import Graph
from cnncalc.language.model import File
from cnncalc.language.operators import Wire
from cnncalc.layers.types import SHAPE


def input_shapes(file: File, where: Where, given: dict[str, Shape], channels_last: bool) -> list[tuple[str, Shape]]:
    """The network's inputs: declared, or given instead; raises `SpecError` for a shape that no input has."""
    for name in given:
        if name not in file.inputs:
            known = ", ".join(f"`{known}`" for known in file.inputs)
            raise Fault("unknown-input", f"there is no input `{name}`", None, f"inputs are {known}")
    shapes = []
    for name, value in file.inputs.items():
        try:
            shape: Shape = bounded(SHAPE.read(where.evaluate(value)))
            if name in given:
                shape = bounded(instead(shape, given[name], channels_last))
        except Fault as fault:
            found = fault if fault.code in ("too-large", "wrong-rank") else fault.of("the input")
            found.help = fault.help or "for example `input: [3, 224, 224]`"
            raise where.at_value(value, found) from None
        shapes.append((name, shape))
    return shapes


def instead(declared: Shape, given: Shape, channels_last: bool) -> Shape:
    """The shape that `given` means in place of `declared`: spatial sizes alone keep the channels.

    Raises `Fault` for another number of axes than the spec has: it would be another kind of network.
    """
    axes = len(declared)
    if len(given) == axes:
        return (given[-1], *given[:-1]) if channels_last else given
    if 1 < axes == len(given) + 1:
        return (declared[0], *given)
    written, own = ("x".join(map(str, shape)) for shape in (given, declared))
    help = f"give {axes} sizes, or {axes - 1} to keep the channels" if axes > 1 else "give the number of features"
    if len(given) == axes + 1 and given[0] == 1:
        help = f"the batch stays out: write `{'x'.join(map(str, given[1:]))}`"
    raise Fault(
        "wrong-rank",
        f"the input {written} has {len(given)} ax{'is' if len(given) == 1 else 'es'}, the spec's {own} has {axes}",
        None,
        help,
    )


OF_SIZES = ("wrong-rank", "window-too-large", "empty-output", "padding-too-large")
"""Codes of what goes wrong where a shape has its sizes in another order, or one too many."""


def misread(graph: Graph) -> str:
    """What to do about an input that is legal, but probably meant as another: with its batch, or channels last."""
    for name, shape in graph.inputs:
        meant: Shape = ()
        if len(shape) == 4 and shape[0] == 1:
            why, meant = "the batch stays out", shape[1:]
        elif len(shape) == 3 and shape[2] in (1, 3, 4) and shape[0] > 4:
            why, meant = "channels come first", (shape[2], *shape[:2])
        if meant:
            key = "input" if len(graph.inputs) == 1 else name
            return f"{why}: write `{key}: [{', '.join(map(str, meant))}]`"
    return ""


def hinted(diagnostic: Diagnostic, hint: str) -> Diagnostic:
    """A problem that an input that is misread explains, with what to do about that."""
    return diagnostic._replace(help=hint) if hint and diagnostic.code in OF_SIZES else diagnostic


def resolve_outputs(file: File, graph: Graph, registry: Registry, x: Wire, where: Where) -> None:
    """Find the tensors that leave the network: those in `outputs`, or the last."""
    for output in file.outputs:
        if output.condition is None or where.truth(output.condition):
            text = where.fill(output.name)
            graph.outputs.append((output.title or text, registry.find(text, output.name, x, where).number))
    if not graph.outputs:
        node = graph.node(x.number)
        names = node.names if node is not None else ()
        graph.outputs.append((names[0] if names else graph.tensor_name(x.number), x.number))


UNUSED = "unused-layer"
"""The code of a layer that reaches no output."""


def warn_unused(graph: Graph) -> None:
    """Warn of every layer that reaches no output: the trace of a wiring mistake."""
    needed = graph.needed()
    help = f"name it in `outputs`, in a `from` or in a join, or leave it out; `lint: {{allow: [{UNUSED}]}}` allows it"
    for node in graph.nodes:
        if not needed[node.number]:
            fault = Fault(UNUSED, f"`{node.name}` reaches no output", None, help)
            graph.warnings.append(fault.at(node.origin)._replace(severity="warning"))
