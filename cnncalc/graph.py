"""The layer graph: nodes in topological order, the one way to add one, to find one, and to walk over all of them.

Tensors are numbered: the network's inputs first, then the result of every node in order.  Whatever comes in becomes a
graph, whatever goes out starts from one; it knows no YAML, and a node has an origin only where it came from a text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

from cnncalc.diagnostics import Diagnostic, Fault, Note, Origin, suggestion
from cnncalc.geometry import Shape
from cnncalc.layers.base import Layer, Operation
from cnncalc.records import NamedTuple

MAX_SUGGESTED = 2_000
"""Names, the latest, among which a misspelt one is looked for."""


class Node:
    """One layer at its place in the network."""

    __slots__ = ("frozen", "inputs", "name", "names", "number", "operation", "origin", "place", "shares", "written")

    def __init__(
        self,
        name: str,
        operation: Operation,
        inputs: tuple[int, ...],
        place: int,
        number: int,
        origin: Origin | None = None,
    ) -> None:
        self.name = name
        """Unique and stable: ``layer1.0.conv2``."""
        self.operation = operation
        self.inputs = inputs
        """Numbers of the tensors it takes."""
        self.place = place
        """Its position among the nodes."""
        self.number = number
        """The number of the tensor that it gives."""
        self.origin = origin
        self.frozen = False
        """Its weights are fixed, and count as state."""
        self.shares: Node | None = None
        """The node whose weights it uses, if they are not its own."""
        self.written: Callable[[], dict[str, list[Note]]] = dict
        """Where each of its arguments that the spec gives was written, and the names in it given their values."""
        self.names: tuple[str, ...] = ()
        """Further names for its result: the step's own, a block's, an output's."""

    @property
    def kind(self) -> str:
        return self.operation.layer.kind


class Part(NamedTuple):
    """A block call: a stretch of the network with a name of its own."""

    name: str
    """What the names of its rows begin with, before a dot."""
    block: str
    """The name of the block that was called."""
    inputs: tuple[int, ...]
    """The tensors that it takes."""
    result: int
    """The tensor that it gives."""
    first: int
    """Its first node, by position; `end` is behind its last."""
    end: int


Mark = tuple[int, int, int, int]
"""Nodes, parts, names and moved names that a graph held when a stretch of it was begun."""


class Stretch:
    """What a graph has got since a mark, under names that begin with one prefix, to be added again."""

    __slots__ = ("inputs", "moved", "names", "nodes", "parts", "prefix", "weighted")

    def __init__(self, graph: Graph, mark: Mark, prefix: str, inputs: Sequence[int]) -> None:
        nodes, parts, names, moved = mark
        self.prefix = prefix
        self.inputs = inputs
        """The tensors that it takes of what was there before; they differ."""
        self.nodes = graph.nodes[nodes:]
        self.weighted = [
            (node.place, node.frozen, node.shares) for node in self.nodes if node.frozen or node.shares is not None
        ]
        """Positions of the nodes that were frozen or shared their weights when it was done."""
        self.parts = graph.parts[parts:]
        self.names = graph.named(names)
        self.moved = graph.moved(moved)


class Found(NamedTuple):
    """What a name stands for."""

    tensor: int
    """The tensor that `from` would take by this name."""
    layers: Sequence[int]
    """Positions of the nodes that it covers: one row, those of a block, or none for an input."""
    node: Node | None
    """The row with exactly this name, if there is one, else the node that gives the tensor; None for an input."""


MAX_KNOWN = 50_000
"""Operations that are remembered."""


class Operations:
    """Layers applied to inputs: equal ones are made once, by all the graphs that share this."""

    def __init__(self) -> None:
        self._layers: dict[Layer, Layer] = {}
        self._made: dict[tuple[int, tuple[Shape, ...]], Operation] = {}

    def layer(self, layer: Layer) -> Layer:
        """The one layer of those that are equal to this."""
        return self._layers.setdefault(layer, layer)

    def of(self, layer: Layer, shapes: tuple[Shape, ...]) -> Operation:
        """`layer` applied to inputs of these shapes; raises `Fault` if it does not fit."""
        found = self._made.get((id(layer), shapes))
        if found is None:
            layer = self.layer(layer)  # kept alive, so that its identity stays its own
            key = (id(layer), shapes)
            found = self._made.get(key)
            if found is None:
                if len(self._made) >= MAX_KNOWN:
                    self._made.clear()
                found = self._made[key] = Operation(layer, shapes)
        return found


class Graph:
    """A network whose shapes are known."""

    def __init__(
        self,
        name: str,
        variant: str | None,
        source: str,
        inputs: Sequence[tuple[str, Shape]],
        operations: Operations | None = None,
    ) -> None:
        self.name = name
        self.variant = variant
        self.source = source
        """The paper, table or code that the numbers come from."""
        self.inputs = tuple(inputs)
        self.nodes: list[Node] = []
        self.shapes: list[Shape] = [shape for _, shape in self.inputs]
        """The shape of every tensor, by its number."""
        self.outputs: list[tuple[str, int]] = []
        """Names and tensor numbers of what leaves the network."""
        self.warnings: list[Diagnostic] = []
        self.like: str | None = None
        """The variant of its file that the arguments make, where none was asked for."""
        self.variants: tuple[str, ...] = ()
        """The variants that its file has, where none was asked for."""
        self.parts: list[Part] = []
        """Block calls, each after those inside it."""
        self.names: dict[str, int] = {name: number for number, (name, _) in enumerate(self.inputs)}
        """Every name that stands for a tensor: an input's, a row's, and those that `call` has given."""
        self._named: list[str] = []
        """The keys of `names` in the order in which they were set, some of them more than once."""
        self._covered: dict[str, range] = {}
        self._moved: dict[str, str] = {}
        self.operations = Operations() if operations is None else operations

    # -- building

    def append(self, layer: Layer, inputs: Sequence[int], name: str = "", origin: Origin | None = None) -> Node:
        """The node of `layer` on the tensors `inputs`, at the end of the graph, with its output's shape inferred.

        Without a name it is called by its kind and a number.  Raises `Fault` where the layer does not fit its inputs,
        or the name is taken.
        """
        shapes = tuple([self.shapes[tensor] for tensor in inputs])
        return self.place(
            self.operations.of(layer, shapes), tuple(inputs), name or self.free_name(layer.kind, first=1), origin
        )

    def place(self, operation: Operation, inputs: tuple[int, ...], name: str, origin: Origin | None = None) -> Node:
        """The node of an operation whose shapes fit `inputs`; raises `Fault` where the name is taken."""
        if name in self.names:
            raise Fault("duplicate-name", f"the name `{name}` is given twice")
        number = len(self.shapes)
        node = Node(name, operation, inputs, len(self.nodes), number, origin)
        self.nodes.append(node)
        self.shapes.append(operation.output)
        self.names[name] = number
        self._named.append(name)
        return node

    def free_name(self, name: str, first: int = 0) -> str:
        """`name` if it is free (and no number is asked for), else with the first number that makes it so."""
        if not first and name not in self.names:
            return name
        base = name if first else name.rstrip("0123456789")
        number = first or int(name[len(base) :] or 1)
        while f"{base}{number}" in self.names:
            number += 1
        return f"{base}{number}"

    def call(self, name: str, tensor: int, covered: range | None = None) -> None:
        """Let a further name stand for a tensor, in place of what it stood for; `covered` are the nodes it means."""
        self.forget(name)
        self.names[name] = tensor
        self._named.append(name)
        if covered is not None:
            self._covered[name] = covered
        node = self.node(tensor)
        if node is not None and node.name != name and name not in node.names:
            node.names = (*node.names, name)

    def forget(self, name: str) -> None:
        """Let a name stand for nothing again."""
        tensor = self.names.pop(name, None)
        if tensor is not None and (node := self.node(tensor)) is not None and name in node.names:
            node.names = tuple([other for other in node.names if other != name])

    def move(self, name: str, prefix: str) -> None:
        """Remember that the rows of the call `name` are named after `prefix`."""
        if name != prefix:
            self._moved[name] = prefix

    # -- building again

    def mark(self) -> Mark:
        """Where a stretch begins."""
        return len(self.nodes), len(self.parts), len(self._named), len(self._moved)

    def named(self, first: int) -> list[tuple[str, int, range | None]]:
        """The names that have been set since there were `first`, with their tensors, and the nodes that they cover."""
        names = dict.fromkeys(self._named[first:])
        return [(name, self.names[name], self._covered.get(name)) for name in names if name in self.names]

    def moved(self, first: int) -> list[tuple[str, str]]:
        """The calls whose rows are named after something else, since there were `first` of them."""
        return list(islice(reversed(self._moved.items()), len(self._moved) - first))

    def again(
        self,
        stretch: Stretch,
        prefix: str,
        inputs: Sequence[int],
        origin: Callable[[Origin | None], Origin | None],
    ) -> Callable[[int], int] | None:
        """Add a stretch once more, named after `prefix`, on other `inputs` of the same shapes, with other origins.

        Returns what finds the new tensor by the old one's number; None, and nothing is added, where a name is taken.
        """
        cut = len(stretch.prefix)
        names = [(prefix + name[cut:], tensor, covered) for name, tensor, covered in stretch.names]
        if any(name in self.names for name, _, _ in names) or not stretch.nodes:
            return None
        first = stretch.nodes[0].place
        shift, given = len(self.nodes) - first, dict(zip(stretch.inputs, inputs))

        def tensor_of(number: int) -> int:
            return given[number] if number in given else number + shift

        before: Origin | None = None
        moved: Origin | None = None
        for node in stretch.nodes:
            taken = tuple([given[tensor] if tensor in given else tensor + shift for tensor in node.inputs])
            if node.origin is not before:  # the layers of one call have the same
                before, moved = node.origin, origin(node.origin)
            new = Node(prefix + node.name[cut:], node.operation, taken, node.place + shift, node.number + shift, moved)
            new.written = node.written
            if node.names:
                new.names = tuple([prefix + other[cut:] for other in node.names if other.startswith(stretch.prefix)])
            self.nodes.append(new)
        self.shapes += [node.operation.output for node in stretch.nodes]
        for place, frozen, owner in stretch.weighted:
            new = self.nodes[place + shift]
            new.frozen, new.shares = frozen, None if owner is None else self.nodes[owner.place + shift]
        for name, tensor, covered in names:
            self.names[name] = tensor_of(tensor)
            if covered is not None:
                self._covered[name] = range(covered.start + shift, covered.stop + shift)
            giver = self.node(given[tensor]) if tensor in given else None
            if giver is not None:  # the name of a step that was skipped
                giver.names = (*giver.names, name)
        self._named += [name for name, _, _ in names]
        self._moved.update((prefix + name[cut:], prefix + other[cut:]) for name, other in stretch.moved)
        for part in stretch.parts:
            taken = tuple([tensor_of(tensor) for tensor in part.inputs])
            name, result = prefix + part.name[cut:], tensor_of(part.result)
            self.parts.append(Part(name, part.block, taken, result, part.first + shift, part.end + shift))
        return tensor_of

    # -- asking

    @property
    def title(self) -> str:
        """``ResNet (resnet50)``; ``ResNet, as resnet50`` where no variant was asked for."""
        if self.variant:
            return f"{self.name} ({self.variant})"
        return f"{self.name}, as {self.like}" if self.like else self.name

    def node(self, tensor: int) -> Node | None:
        """The node that gives a tensor; None for an input."""
        place = tensor - len(self.inputs)
        return self.nodes[place] if place >= 0 else None

    def input_number(self, name: str | None) -> int:
        """The number of the input called `name`, the first if absent; raises `Fault` for an unknown one."""
        names = [known for known, _ in self.inputs]
        if name is None:
            return 0
        if name not in names:
            listed = ", ".join(f"`{known}`" for known in names)
            help = suggestion(name, names) or f"inputs are {listed}"
            raise Fault("unknown-input", f"there is no input `{name}`", None, help)
        return names.index(name)

    def tensor_name(self, tensor: int) -> str:
        """The name of an input, or of the node that gives a tensor."""
        node = self.node(tensor)
        return self.inputs[tensor][0] if node is None else node.name

    def follows(self, node: Node) -> bool:
        """Whether a node takes just the result of the one before it, or is the first and takes the first input."""
        return node.inputs == (self.before(node),)

    def before(self, node: Node) -> int:
        """The tensor that a step takes which names none: that of the node before it, or the first input."""
        return node.number - 1 if node.place else 0

    def resolved(self, name: str) -> str:
        """The name that a tensor has, through calls whose rows are named after something else."""
        call = "" if name in self.names else name
        while call := call.rpartition(".")[0]:
            moved = self._moved.get(call, call) + name[len(call) :]
            if moved in self.names:
                return moved
        return name

    def rows_of(self, name: str) -> str:
        """What the names of a call's rows begin with, before a dot."""
        full = self.resolved(name)
        return self._moved.get(full, full)

    def find(self, name: str) -> Found:
        """What a row, a block call, a step, an input or an output of this name is; raises `Fault` for an unknown one.

        This is the one look-up: `from`, `share`, `expect`, ``explain`` and ``run --layer`` mean the same by a name.
        """
        full = self.resolved(name)
        tensor = self.names.get(full)
        if tensor is None:
            within = [node.number for node in self.nodes if node.name.startswith(f"{full}.")]
            tensor = dict(self.outputs).get(name, within[-1] if within else None)
            if tensor is None:
                raise self.unknown(name)
        covered: Sequence[int] | None = self._covered.get(full)
        if covered is None:
            prefix = self._moved.get(full, full) + "."
            covered = [node.place for node in self.nodes if f"{node.name}.".startswith(prefix)]
        node = self.node(tensor)
        if covered and self.nodes[covered[0]].name == full:
            node = self.nodes[covered[0]]
        elif not covered and node is not None and name in dict(self.outputs):
            covered = [node.place]
        return Found(tensor, covered, node)

    def unknown(self, name: str) -> Fault:
        """The fault of a name that nothing has."""
        known = list(self.names)
        first = ", ".join(f"`{row.name}`" for row in self.nodes[:8])
        more = ", …" if len(self.nodes) > 8 else ""
        help = suggestion(name, known[-MAX_SUGGESTED:]) or (f"layers are {first}{more}" if first else "")
        return Fault("unknown-layer", f"there is no layer `{name}`", None, help)

    def needed(self) -> list[bool]:
        """For every tensor, whether an output of the network depends on it."""
        found = [False] * len(self.shapes)
        for _, tensor in self.outputs:
            found[tensor] = True
        for node in reversed(self.nodes):
            if found[node.number]:
                for tensor in node.inputs:
                    found[tensor] = True
        return found

    def last_use(self) -> dict[int, int]:
        """For every tensor that a node takes, the position of the last one that does."""
        return {tensor: node.place for node in self.nodes for tensor in node.inputs}

    def takers(self) -> list[list[Node]]:
        """For every tensor, the nodes that take it."""
        found: list[list[Node]] = [[] for _ in self.shapes]
        for node in self.nodes:
            for tensor in dict.fromkeys(node.inputs):
                found[tensor].append(node)
        return found
