"""What a graph is in Keras, as calls: each makes a value from others, with arguments that are still numbers.

No text yet, and no functions: `functions` finds what calls have in common, `layers` says which calls a
layer kind is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from cnncalc.convert.keras_out.attending_snippets import USES
from cnncalc.diagnostics import Fault, SpecError
from cnncalc.graph import Graph, Node, Part
from cnncalc.records import NamedTuple

REQUIRED: Any = object()
"""The default of an argument that must be written."""


class Expression(str):
    """An argument that is Python as it stands."""


class Argument(NamedTuple):
    """One argument of a call."""

    value: Any
    keyword: str = ""
    """Empty where it is given by position."""
    default: Any = REQUIRED
    """The value that need not be written."""
    role: str = ""
    """What a parameter would be called that takes its place."""


class Call(NamedTuple):
    """A layer applied (`name` is the layer's), or, without a name, a function or an index."""

    callee: str
    arguments: tuple[Argument, ...]
    inputs: tuple[int, ...]
    output: int
    name: str = ""
    node: int = -1
    """The position of the node that it belongs to."""
    shared: bool = False
    """It uses a layer that was made before."""

    @property
    def makes_layer(self) -> bool:
        """Whether it makes a layer, of Keras or of a class in the source; a block's function may be called anything."""
        return self.callee.startswith("layers.") or (self.node >= 0 and self.callee[0].isupper())


def identifier(name: str) -> str:
    """A row's name as Keras and Python can have it: ``layer1_0_conv1``."""
    return re.sub(r"\W", "_", name)


class Sketch:
    """A graph's calls in the making."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.calls: list[Call] = []
        self.values: list[int] = list(range(len(graph.inputs)))
        """The value of every tensor so far; values that are no tensor's have numbers behind the tensors'."""
        self.layers: dict[str, Node] = {}
        """The node that every layer belongs to."""
        self.needed: set[str] = set()
        """What is called."""
        self._numbers = count(len(graph.shapes))
        self._node: Node | None = None
        self.takers = graph.takers()
        self.leaving = {tensor for _, tensor in graph.outputs}
        self.scopes = scopes(graph)
        """For every node the part that it stands in, by position: of a block call, or None."""
        self.owners = {node.shares.place for node in graph.nodes if node.shares is not None}
        self.applied: set[int] = set()
        """Positions of the activations that the layer before applies itself."""
        self.positive: list[bool] = []
        """For every tensor whether it holds nothing below 0."""
        self._chosen: dict[Any, str] = {}

    def add(self, node: Node, make: Callable[..., int] | None) -> None:
        """The calls of the next node, made as its kind is; raises `SpecError` at a layer that Keras cannot say."""
        self._node = node
        inputs = [self.values[tensor] for tensor in node.inputs]
        try:
            if make is None:
                raise Fault("cannot-export", f"`{node.name}` is `{node.kind}`, which Keras cannot say")
            self.values.append(make(self, node, *inputs))
        except Fault as fault:
            raise SpecError([fault.at(node.origin)]) from None

    def layer(self, callee: str, inputs: Sequence[int], *arguments: Argument, part: str = "") -> int:
        """Apply a layer of the current row, or a further one called after it and `part`; gives the value's number."""
        node = self._node
        assert node is not None
        name = f"{identifier(node.name)}{part}"
        owner = node.shares if not part else None
        if owner is not None:
            return self._call(callee, inputs, arguments, identifier(owner.name), True)
        other = self.layers.setdefault(name, node)
        if other is not node:
            raise Fault("duplicate-name", f"`{node.name}` and `{other.name}` would both be called `{name}` in Keras")
        if node.frozen and not part:
            arguments = (*arguments, Argument(False, "trainable", True))
        return self._call(callee, inputs, arguments, name)

    def function(self, callee: str, inputs: Sequence[int], *arguments: Argument) -> int:
        """Call a function, or a snippet, on values."""
        return self._call(callee, inputs, arguments, "")

    def _call(
        self, callee: str, inputs: Sequence[int], arguments: tuple[Argument, ...], name: str, shared: bool = False
    ) -> int:
        assert self._node is not None
        number = next(self._numbers)
        self.needed |= {callee, *USES.get(callee, ())}
        self.calls.append(Call(callee, arguments, tuple(inputs), number, name, self._node.place, shared))
        return number

    def channels(self) -> dict[int, int]:
        """The channels of every value that is a tensor."""
        return {value: shape[0] for value, shape in zip(self.values, self.graph.shapes)}

    def choose(self, node: Node, feasible: Sequence[str]) -> str:
        """The first way of padding that is feasible here, and wherever else the same code stands (see `agree`)."""
        chosen = self._chosen.get(self.place(node), feasible[0])
        assert chosen in feasible
        return chosen

    def agree(self, feasible: dict[int, list[str]]) -> None:
        """Let layers at the same place of the same block, or with the same weights, pad in the same way."""
        found: dict[Any, list[str]] = {}
        for place, ways in feasible.items():
            key = self.place(self.graph.nodes[place])
            found[key] = [way for way in found.get(key, ways) if way in ways]
        self._chosen = {key: ways[0] for key, ways in found.items()}

    def place(self, node: Node) -> Any:
        """What tells the same line of the same block: the block's name, and the row's within it."""
        node = node.shares or node
        part = self.scopes[node.place]
        if part is None:
            return "", node.name
        found: Part = self.graph.parts[part]
        return found.block, node.name.removeprefix(f"{found.name}.")


def scopes(graph: Graph) -> list[int | None]:
    """For every node the innermost block call around it, by its position among the parts; None for none."""
    found: list[int | None] = [None] * len(graph.nodes)
    for number in range(len(graph.parts) - 1, -1, -1):  # outer parts come after those inside them
        part = graph.parts[number]
        if part.block:
            found[part.first : part.end] = [number] * (part.end - part.first)
    return found
