"""A graph as nested bodies: the network, its block calls, the turns of its repeats, down to single layers.

This station knows nothing of PyTorch but what may stand in a chain; `building` makes bodies of a graph.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnncalc.convert.torch_out.kinds import describe
from cnncalc.convert.torch_out.sliding import uneven
from cnncalc.geometry import Shape
from cnncalc.graph import Node
from cnncalc.records import NamedTuple


class Ref(NamedTuple):
    """A tensor within a body: an output of one of its items, or (item -1) one of its inputs."""

    item: int
    output: int = 0


class Item:
    """One thing that a body does: a layer, a call of another body, or a chain of several."""

    def __init__(self, name: str, inputs: list[int], results: list[int]) -> None:
        self.name = name
        """Its row's name within the body."""
        self.tensors = inputs
        self.results = results
        self.inputs: list[Ref] = []
        self.constants: tuple[int, ...] = ()
        """Which of them no input of the network reaches, if others do: they have a batch of one."""
        self.node: Node | None = None
        self.body: Body | None = None
        self.chain: list[Item] = []
        """Layers and calls, each of which takes the result of the one before."""
        self.gathers = False
        """Whether its result are the input and all results of the chain, joined."""
        self.parts = 0
        """Into how many equal parts of the channels its input is cut, each of which it takes; they are joined again."""
        self.shares: int | None = None
        """The item of the same body whose weights it uses."""

    def weighted(self) -> Iterator[Node]:
        """The nodes in it that have weights, in order."""
        return (node for node in self.nodes() if node.operation.weights)

    def nodes(self) -> Iterator[Node]:
        """The nodes in it, in order."""
        pending = [self]
        while pending:
            item = pending.pop()
            if item.node is not None:
                yield item.node
            pending += reversed(item.chain)
            if item.body is not None:
                pending += reversed(item.body.items)


class Body:
    """The network, or a stretch of it that becomes a module of its own."""

    def __init__(self, name: str, block: str, first: int, end: int, shapes: Sequence[Shape]) -> None:
        self.name = name
        self.shapes = shapes
        """Those of the graph's tensors."""
        self.block = block
        self.first, self.end = first, end
        self.children: list[Body | Node] = []
        self.inputs: list[int] = []
        self.results: list[int] = []
        self.items: list[Item] = []
        self.outputs: list[Ref] = []

    def relative(self, name: str) -> str:
        """A row's name within this body."""
        prefix = f"{self.name}."
        return name[len(prefix) :] if self.name and name.startswith(prefix) else name


def bodies_of(item: Item) -> list[Body]:
    """The bodies that an item calls, in order."""
    found, pending = [], [item]
    while pending:
        each = pending.pop()
        if each.body is not None:
            found.append(each.body)
        pending += reversed(each.chain)
    return found


def chains(item: Item) -> bool:
    """Whether an item can stand in an `nn.Sequential`: one tensor in, one out, a module."""
    if len(item.tensors) != 1 or len(item.results) != 1 or item.parts or item.gathers:
        return False
    return item.node is None or describe(item.node, uneven(item.node)).chains


def all_bodies(root: Body) -> list[Body]:
    """Every body, the network's own first, those inside one after it."""
    found, pending = [], [root]
    while pending:
        body = pending.pop()
        found.append(body)
        inner = [each for item in body.items if item.shares is None for each in bodies_of(item)]
        pending += reversed(inner)
    return found


def copied(item: Item) -> Item:
    """The same item, to be wired anew."""
    made = Item(item.name, item.tensors, item.results)
    made.__dict__.update(item.__dict__)
    return made
