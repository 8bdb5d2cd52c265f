"""Appending nodes: the layers of a call or of a join, with the tensors that they take."""

from __future__ import annotations

from cnncalc.diagnostics import Fault, Note, Origin
from cnncalc.expansion.making import Made, Maker, Piece, at_field
from cnncalc.expansion.registry import Registry
from cnncalc.expansion.scope import Where
from cnncalc.geometry import dims
from cnncalc.graph import Graph
from cnncalc.language.model import AnyStep, Call, Template, Value
from cnncalc.language.operators import Wire
from cnncalc.language.source import Mapping, Scalar, Sequence
from cnncalc.layers.base import Layer

Inputs = tuple[Wire, ...]
JOIN_FIRST = "join them first with `concat`, `add` or `multiply`"


class Appender:
    """Appends to a graph, by the names of a registry."""

    def __init__(self, graph: Graph, registry: Registry, maker: Maker) -> None:
        self.graph = graph
        self.registry = registry
        self.maker = maker

    def append(self, made: Made, step: Call, inputs: Inputs, row: str, where: Where) -> Wire:
        """The nodes of a call: the layer, then what follows it."""
        tensors, layers = self.taken(made, step, inputs, where), made.layers
        if made.kind.inverts:
            layers, tensors = self.inverted(made, tensors, step, where)
        try:
            pieces = layers[0].layer.pieces(tuple([tensor.shape for tensor in tensors]))
        except Fault as fault:
            raise at_field(fault, made.sources, step, where) from None
        if pieces:
            self.beside(pieces, made, tensors[0], step, where)
            return tensors[0]
        row = self.registry.free_row(row, step, where)
        origin = Origin(step.span, where.call)
        append, taken = self.graph.append, tuple([tensor.number for tensor in tensors])
        for piece in layers:
            try:
                node = append(piece.layer, taken, row + piece.suffix, origin)
            except Fault as fault:
                raise at_field(fault, piece.sources, step, where, piece.named) from None
            node.written = piece.written(where)
            taken = (node.number,)
        if len(layers) > 1:
            self.graph.call(row, node.number)
        return Wire(node.number, node.operation.output)

    def taken(self, made: Made, step: Call, inputs: Inputs, where: Where) -> Inputs:
        """The tensors that a layer takes: those of `from`, then those that its arguments name."""
        least, most = made.kind.takes
        if not step.sources and not most:
            inputs = ()
        if not least <= len(inputs) <= most:
            amount = {0: "no tensor", 1: "one tensor"}.get(most, f"{least} to {most} tensors")
            message = f"`{made.kind.kind}` takes {amount}, `from` names {len(inputs)}"
            help = JOIN_FIRST if most else "leave `from` out"
            raise where.fail(step.span, "from", message, help)
        try:
            named = made.layers[0].layer.named()
        except Fault as fault:
            raise at_field(fault, made.sources, step, where) from None
        if not named:
            return inputs
        found, x = list(inputs), where.scope.env["x"]
        for name, texts in named:
            node = made.sources[name].node
            for place, text in enumerate(texts):
                written = node.items[place] if isinstance(node, Sequence) else node
                template = Template(written, [text])  # type: ignore[arg-type]  # a scalar
                words = made.kind.fields[name].type.words
                found.append(self.registry.find(text, template, x, where, words))
        return tuple(found)

    def inverted(self, made: Made, tensors: Inputs, step: Call, where: Where) -> tuple[list[Piece], Inputs]:
        """A layer as the inverse of the one that gives its last tensor, which is exchanged for what that one took."""
        *own, named = tensors
        node = self.graph.node(named.number)
        try:
            if node is None:
                raise Fault("max-unpool", "an input is no result of a layer", next(iter(made.sources), None))
            first = made.layers[0]
            inverse = self.maker.intern(first.layer.inverse(node.operation.layer))
            layers = [Piece(first.suffix, inverse, first.sources), *made.layers[1:]]
        except Fault as fault:
            raise at_field(fault, made.sources, step, where) from None
        number = node.inputs[0]
        return layers, (*own, Wire(number, self.graph.shapes[number]))

    def beside(self, pieces: tuple[tuple[str, Layer], ...], made: Made, x: Wire, step: Call, where: Where) -> None:
        """Layers beside each other, each under its own name."""
        keys = {key: scalar for source in made.sources.values() for key, scalar in _keys(source)}
        for text, layer in pieces:
            name = Template(keys.get(text, step), [text])  # type: ignore[arg-type]  # both have a span
            row, first = where.place.prefix + text, len(self.graph.nodes)
            if not self.registry.free(row):
                raise self.registry.taken(text, where.scope.prefix + text, name, where)
            self.graph.move(where.scope.prefix + text, row)
            node = self.graph.append(layer, (x.number,), row, Origin(step.span, where.call))
            node.written = made.layers[0].written(where)
            self.registry.give(text, Wire(node.number, node.operation.output), name, first, where)

    def join(self, layer: Layer, tensors: list[Wire], row: str, step: AnyStep, where: Where) -> Wire:
        """The node of a join; of a single branch, that branch."""
        if len(tensors) == 1:
            return tensors[0]
        row = self.registry.free_row(row, step, where)
        try:
            node = self.graph.append(layer, [tensor.number for tensor in tensors], row, Origin(step.span, where.call))
        except Fault as fault:
            gives = [f"`{self.graph.tensor_name(tensor.number)}` gives {dims(tensor.shape)}" for tensor in tensors[:6]]
            raise where.at(step.span, fault, facts=tuple(map(Note, gives))) from None
        return Wire(node.number, node.operation.output)


def _keys(source: Value) -> list[tuple[str, Scalar]]:
    """The keys of an argument that is a mapping."""
    node = source.node
    return [(text, key) for text, (key, _) in node.entries.items()] if isinstance(node, Mapping) else []
