"""Rows of a graph that comes in: made by kind and arguments, named as in the source, with the node as their origin.

Every importer appends through this, so that names, places and the account are kept in one way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from cnncalc.convert.account import Account
from cnncalc.diagnostics import Fault, Origin, Source, Span, SpecError
from cnncalc.geometry import Shape, bounded
from cnncalc.graph import Graph, Node
from cnncalc.language.names import MAX_NAME
from cnncalc.layers import KINDS
from cnncalc.layers.base import Layer, make
from cnncalc.layers.types import Value

OTHER = re.compile(r"[^A-Za-z0-9_.\-/]+")
"""What a name may not hold."""

MAX_AXES = 4
"""Axes that a row's shape may have: channels and three spatial ones."""

MAX_NODES = 200_000
"""Nodes of a source that are read."""


def row_name(name: str) -> str:
    """`name` with what a row's name may not hold replaced: letters, digits, ``_ . - /`` stay.  It may be empty."""
    return OTHER.sub("_", name).strip("_")[:MAX_NAME] if OTHER.search(name) else name[:MAX_NAME]


def origin(source: str, node: str = "") -> Origin:
    """The place of a node of a source, which has no lines: ``model.onnx: node /layer1/conv1``."""
    return Origin(Span(Source(f"{source}: node {node}" if node else source, ""), 0, 0, 0), None)


def failed(fault: Fault, source: str, node: str = "") -> SpecError:
    """The error of a fault at a node, or of the source as a whole; what cannot be printed of a source is replaced."""
    fault.message = printable(fault.message)
    return SpecError([fault.at(origin(source, node))])


def printable(text: str) -> str:
    """A source's text as a message may show it: with a question mark for what would control a terminal."""
    return text if text.isprintable() else "".join(char if char.isprintable() else "?" for char in text)


class Rows:
    """Appends rows to a graph, and keeps the account of where they come from."""

    def __init__(self, name: str, source: str, inputs: Sequence[tuple[str, Shape]], account: Account) -> None:
        """`source` is the file as it is shown; raises `SpecError` for inputs that are empty or too large."""
        self.source = source
        self.account = account
        self._layers: dict[tuple[str, tuple[tuple[str, Value], ...]], Layer] = {}
        self._numbers: dict[str, int] = {}
        """The number that the next row of a name that is taken may get: looking from 1 each time would be quadratic."""
        try:
            shapes = [(name, bounded(shape)) for name, shape in inputs]
        except Fault as fault:
            raise failed(fault, source) from None
        self.graph = Graph(name, None, source, shapes)

    def append(
        self, kind: str, inputs: Sequence[int], name: str, node: str, arguments: Mapping[str, Value] | None = None
    ) -> Node:
        """The row of a layer of `kind` on the tensors `inputs`; `node` is the source's node that it comes from.

        `name` is what the row is to be called; with none, or one that is taken, it gets a number.  Raises `SpecError`
        where the layer does not fit.
        """
        graph = self.graph
        try:
            layer = self.layer(kind, arguments or {})
            row = graph.append(layer, inputs, self.free_name(row_name(name), kind), origin(self.source, node))
        except Fault as fault:
            raise failed(fault, self.source, node) from None
        self.account.names[node] = row.name
        return row

    def free_name(self, name: str, kind: str) -> str:
        """`name` if it is free, else with a number; without one, the kind and a number."""
        if name and name not in self.graph.names:
            return name
        base = name.rstrip("0123456789") or kind
        number = self._numbers.get(base, 1)
        while f"{base}{number}" in self.graph.names:
            number += 1
        self._numbers[base] = number + 1
        return f"{base}{number}"

    def layer(self, kind: str, arguments: Mapping[str, Value]) -> Layer:
        """The layer of `kind` with these arguments; equal ones are made once.  Raises `Fault`."""
        key = (kind, tuple(arguments.items()))
        layer = self._layers.get(key)
        if layer is None:
            layer = self._layers[key] = make(KINDS[kind], dict(arguments))
        return layer

    def opaque(
        self,
        operator: str,
        inputs: Sequence[int],
        output: Shape,
        name: str,
        node: str,
        weights: Mapping[str, int] | None = None,
        macs: int | None = None,
    ) -> Node:
        """A row that stands for an operator that cnncalc does not know: with its stated shape, and its weights.

        `weights` are the source's tensors that it reads, with their elements.
        """
        held = weights or {}
        arguments = {"output": output, "params": sum(held.values())}
        if macs is not None:
            arguments["macs"] = macs
        row = self.append("opaque", inputs, name, node, arguments)
        if held:
            self.account.use(row, "weight", held)
        self.account.unknown(operator, row)
        return row

    def leave(self, name: str, tensor: int) -> None:
        """A tensor leaves the network under a name, which also stands for it where no row has it."""
        clean = row_name(name) or self.graph.tensor_name(tensor)
        taken = {known for known, _ in self.graph.outputs}
        while clean in taken:
            clean += "_"
        self.graph.outputs.append((clean, tensor))
