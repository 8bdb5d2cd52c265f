"""A graph as nested bodies: the network, its block calls, the turns of its repeats, down to single layers.

Block calls come from the graph; that rows are turns of a repeat is read from their names (``down64.0``, ``down64.1``).
This station knows nothing of PyTorch but what may stand in a chain.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from cnncalc.convert.pytorch.modules import Leaf, describe, refuse, uneven
from cnncalc.geometry import Shape
from cnncalc.graph import Graph, Node

TURN = re.compile(r"(?P<base>[^.]+)\.(?P<turn>\d+)(?:\.(?P<rest>.+))?$")
FOLLOWERS = re.compile(r"(?:(?:depthwise|pointwise)(?:\.(?:norm|act))?|norm|act)?$")
"""What a row of a single layer's turn may be called, below the turn."""


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
        self.node: Node | None = None
        self.body: Body | None = None
        self.chain: list[Item] = []
        """Layers and calls, each of which takes the result of the one before."""
        self.gathers = False
        """Whether its result are the input and all results of the chain, joined."""
        self.shares: int | None = None
        """The item of the same body whose weights it uses."""

    @property
    def leaf(self) -> Leaf:
        assert self.node is not None
        return describe(self.node)

    def weighted(self) -> Iterator[Node]:
        """The nodes in it that have weights, in order."""
        pending = [self]
        while pending:
            item = pending.pop()
            if item.node is not None and item.node.operation.tensors:
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


def tree(graph: Graph) -> Body:
    """The network's own body; those inside it are found through its items.  Raises `SpecError` at shared weights that
    no module can hold."""
    return _Builder(graph).build()


class _Builder:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.takers = [[node.place for node in nodes] for nodes in graph.takers()]
        for _, tensor in graph.outputs:
            self.takers[tensor].append(len(graph.nodes))

    def build(self) -> Body:
        root = Body("", "", 0, len(self.graph.nodes), self.graph.shapes)
        done: list[Body] = []
        parts = [(part.name, part.block, part.first, part.end, part) for part in self.graph.parts]
        for name, block, first, end, part in parts:
            if first == end:
                continue
            body = Body(name, block, first, end, self.graph.shapes)
            body.inputs, body.results = list(part.inputs), [part.result]
            self.adopt(body, done)
            done.append(body)
        self.adopt(root, done)
        root.inputs = list(range(len(self.graph.inputs)))
        root.results = list(dict.fromkeys(tensor for _, tensor in self.graph.outputs))
        pending = [root]
        while pending:  # from the outside in
            body = pending.pop()
            self.fill(body)
            pending += [inner for item in body.items for inner in bodies_of(item)]
        self.share(root)
        return root

    def adopt(self, body: Body, done: list[Body]) -> None:
        """Give a body what lies in its stretch of nodes: the bodies before it on the stack, and the nodes between."""
        inner: list[Body] = []
        while done and done[-1].first >= body.first and done[-1].end <= body.end:
            inner.append(done.pop())
        place = body.first
        for child in reversed(inner):
            body.children += self.graph.nodes[place : child.first]
            body.children.append(child)
            place = child.end
        body.children += self.graph.nodes[place : body.end]

    def settle(self, body: Body) -> None:
        """Find the tensors that a body takes and gives."""
        nodes = self.graph.nodes[body.first : body.end]
        low, high = nodes[0].number, nodes[-1].number
        taken = dict.fromkeys(tensor for node in nodes for tensor in node.inputs if not low <= tensor <= high)
        body.inputs = [*(tensor for tensor in dict.fromkeys(body.inputs) if tensor in taken)]
        body.inputs += [tensor for tensor in taken if tensor not in body.inputs]
        given = [node.number for node in nodes if any(not body.first <= p < body.end for p in self.takers[node.number])]
        first = [tensor for tensor in body.results if low <= tensor <= high and (tensor in given or not given)]
        body.results = [*first, *(tensor for tensor in given if tensor not in first)] or [nodes[-1].number]

    # -- items

    def fill(self, body: Body) -> None:
        """Turn a body's children into items, and wire them."""
        for base, children in groupby(body.children, lambda child: turn_of(body, child)[0]):
            if base is None:
                for child in children:
                    self.add(body, self.item(body, child, body.relative(child.name)))
                continue
            turns = [list(turn) for _, turn in groupby(children, lambda child: turn_of(body, child)[1])]
            self.add_turns(body, base, [self.turn(body, base, turn) for turn in turns])
        self.gather(body)
        self.wire(body)

    def add(self, body: Body, *items: Item) -> None:
        body.items += items

    def item(self, body: Body, child: Body | Node, name: str) -> Item:
        if isinstance(child, Node):
            made = Item(name, list(child.inputs), [child.number])
            made.node = child
        else:
            self.settle(child)
            made = Item(name, list(child.inputs), list(child.results))
            made.body = child
        return made

    def turn(self, body: Body, base: str, children: list[Body | Node]) -> list[Item]:
        """The items of one turn: a call, the rows of a single layer, or a body of their own."""
        relative = [TURN.match(body.relative(child.name)) for child in children]
        rests = [match["rest"] or "" for match in relative if match is not None]
        number = relative[0]["turn"] if relative[0] is not None else ""
        single = all(isinstance(child, Node) and FOLLOWERS.match(rest) for child, rest in zip(children, rests))
        if single or (len(children) == 1 and not rests[0]):
            return [self.item(body, child, body.relative(child.name)) for child in children]
        first, last = children[0], children[-1]
        start = first.place if isinstance(first, Node) else first.first
        end = last.place + 1 if isinstance(last, Node) else last.end
        name = f"{body.name}.{base}.{number}" if body.name else f"{base}.{number}"
        inner = Body(name, base, start, end, self.graph.shapes)
        inner.children = children
        return [self.item(body, inner, f"{base}.{number}")]

    def add_turns(self, body: Body, base: str, turns: list[list[Item]]) -> None:
        """A chain, where only its last result is taken elsewhere; else the turns one by one."""
        items = [item for turn in turns for item in turn]
        linked = all(after.tensors == before.results for before, after in pairwise(items))
        if not linked or not all(map(chains, items)):
            self.add(body, *items)
            return
        end = self.graph.node(items[-1].results[0])
        assert end is not None
        inner = [item.results[0] for item in items[:-1]]
        owners = [node.shares.name for item in items for node in item.weighted() if node.shares is not None]
        if len(set(owners)) < len(owners) or any(place > end.place for each in inner for place in self.takers[each]):
            self.add(body, *items)
            return
        run = Item(base, items[0].tensors, items[-1].results)
        run.chain = items
        self.add(body, run)

    def gather(self, body: Body) -> None:
        """Calls in a row whose input and results one concat takes become one item."""
        items, place = body.items, 0
        while place < len(items):
            join = items[place].node
            count = len(items[place].tensors) - 1
            if join is not None and join.kind == "concat" and 1 <= count <= place:
                calls = [each.chain[0] if len(each.chain) == 1 else each for each in items[place - count : place]]
                if self.gathered(calls, items[place]):
                    made = Item(calls[0].name.rpartition(".")[0], calls[0].tensors, items[place].results)
                    made.chain, made.gathers = calls, True
                    items[place - count : place + 1] = [made]
                    place -= count
            place += 1

    def gathered(self, calls: Sequence[Item], join: Item) -> bool:
        """Whether `join` takes what the first of these calls takes, and the one result of each, which nothing else
        does but the next."""
        if any(call.body is None or len(call.tensors) != 1 or len(call.results) != 1 for call in calls):
            return False
        if len({call.body.block for call in calls if call.body is not None}) > 1 or not TURN.match(calls[0].name):
            return False
        chain = [calls[0].tensors[0], *(call.results[0] for call in calls)]
        linked = all(after.tensors == before.results for before, after in pairwise(calls))
        assert join.node is not None
        elsewhere = any(place > join.node.place for tensor in chain[1:] for place in self.takers[tensor])
        return linked and join.tensors == chain and not elsewhere

    def wire(self, body: Body) -> None:
        refs = {tensor: Ref(-1, place) for place, tensor in enumerate(body.inputs)}
        for place, item in enumerate(body.items):
            item.inputs = [refs[tensor] for tensor in item.tensors]
            refs |= {tensor: Ref(place, output) for output, tensor in enumerate(item.results)}
        body.outputs = [refs[tensor] for tensor in body.results]

    # -- shared weights

    def share(self, root: Body) -> None:
        """Let items use an earlier item's weights, from the outside in; raises `SpecError` where none has just them."""
        pending = [root]
        while pending:
            body = pending.pop()
            owners: dict[str, int] = {}
            for place, item in enumerate(body.items):
                nodes = list(item.weighted())
                named = [node.shares.name for node in nodes if node.shares is not None]
                owner = owners.get(named[0]) if named else None
                if owner is not None and [node.name for node in body.items[owner].weighted()] == named:
                    self.check_alike(item, body.items[owner])
                    item.shares = owner
                    continue
                owners |= {node.name: place for node in nodes}
                pending += bodies_of(item)
                for single in [item, *item.chain]:
                    if single.node is not None and single.node.shares is not None:
                        message = f"it shares the weights of `{single.node.shares.name}`, which is in another block"
                        help = "share a whole block call, or a layer of the same block"
                        raise refuse(single.node, message, help)

    def check_alike(self, item: Item, owner: Item) -> None:
        """Raise `SpecError` unless the module of `owner` does what `item` does."""
        mine, theirs = self.covered(item), self.covered(owner)
        for node, other in zip(mine, theirs):
            apart = uneven(node) or uneven(other)
            wired = [node.number - tensor for tensor in node.inputs if tensor > mine[0].number]
            expected = [other.number - tensor for tensor in other.inputs if tensor > theirs[0].number]
            if describe(node, apart) != describe(other, apart) or wired != expected or len(mine) != len(theirs):
                raise refuse(node, f"it shares the weights of `{other.name}`, but is not the same layer")

    def covered(self, item: Item) -> list[Node]:
        """The nodes of an item, in order."""
        first, last = item, item
        while first.chain:
            first, last = first.chain[0], last.chain[-1]
        if first.node is not None and last.node is not None:
            return self.graph.nodes[first.node.place : last.node.place + 1]
        return [node for body in bodies_of(item) for node in self.graph.nodes[body.first : body.end]]


def turn_of(body: Body, child: Body | Node) -> tuple[str | None, str]:
    """The repeat that a child is a turn of, and the turn; None for what is not repeated."""
    match = TURN.match(body.relative(child.name))
    return (match["base"], match["turn"]) if match else (None, "")


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
    if len(item.tensors) != 1 or len(item.results) != 1:
        return False
    return item.node is None or describe(item.node, uneven(item.node)).chains


# -- chains ------------------------------------------------------------------------------------------------------------

MAX_INLINE = 3
"""Layers of a chain that is written where it is used, and not as a class."""


def is_chain(body: Body) -> bool:
    """Whether a body is an `nn.Sequential`: one tensor through one module after the other."""
    before = Ref(-1)
    for place, item in enumerate(body.items):
        if item.inputs != [before] or item.shares is not None or not chains(item):
            return False
        before = Ref(place)
    return len(body.inputs) == 1 and body.outputs == [before]


def dissolve(bodies: list[Body]) -> None:
    """Let calls of short chains, and of chains that are called once, be chains in place of classes; chains of layers
    within a chain are part of it."""
    calls: dict[str, int] = {}
    for body in bodies:
        calls[body.block] = calls.get(body.block, 0) + 1
    mixed = {body.block for body in bodies if not body.name or not is_chain(body)}
    for body in bodies:
        if body.block not in mixed:
            body.items = flat(body.items)
            body.outputs = [Ref(len(body.items) - 1)]
    for body in bodies:
        for item in [each for outer in body.items for each in [outer, *outer.chain]]:
            inner = item.body
            if inner is None or not is_chain(inner):
                continue
            short = len(inner.items) <= MAX_INLINE and all(each.node is not None for each in inner.items)
            rare = len(inner.items) < MAX_INLINE or calls[inner.block] <= MAX_INLINE
            if calls[inner.block] == 1 or (short and rare):
                item.body, item.chain = None, inner.items


def flat(items: list[Item]) -> list[Item]:
    """A chain's items with the layers of chains of layers among them."""
    found: list[Item] = []
    for item in items:
        inner = item.chain if item.chain and all(each.node is not None for each in item.chain) else [item]
        for each in inner:
            each.inputs = [Ref(len(found) - 1)]
            found.append(each)
    return found


MIN_ALIKE = 3
"""Chains of the same layers from which on they are calls of a class."""

COUNTED = ("", "", "double", "triple")


def name_alike(bodies: list[Body]) -> None:
    """Make a class of chains of layers that are equal but for numbers, and stand in several places."""
    groups: dict[tuple[str, ...], list[Item]] = {}
    for body in bodies:
        for item in body.items:
            layers = [each.node for each in item.chain if each.node is not None]
            convolutions = [node for node in layers if node.kind in ("conv", "depthwise_conv", "linear")]
            if len(layers) == len(item.chain) and 1 < len(convolutions) < len(COUNTED) and item.shares is None:
                kinds = tuple(f"{node.kind} {describe(node).module}" for node in layers)
                groups.setdefault(kinds, []).append(item)
    for items in groups.values():
        if len(items) < MIN_ALIKE or any(node.shares is not None for item in items for node in item.weighted()):
            continue
        for item in items:
            first, last = item.chain[0].node, item.chain[-1].node
            assert first is not None
            assert last is not None
            count = sum(
                each.node is not None and each.node.kind in ("conv", "depthwise_conv", "linear") for each in item.chain
            )
            made = Body(first.name, f"{COUNTED[count]}_{first.kind}", first.place, last.place + 1, bodies[0].shapes)
            made.inputs, made.results = list(first.inputs), [last.number]
            made.items = flat(item.chain)
            made.outputs = [Ref(len(made.items) - 1)]
            item.body, item.chain = made, []


def all_bodies(root: Body) -> list[Body]:
    """Every body, the network's own first, those inside one after it."""
    found, pending = [], [root]
    while pending:
        body = pending.pop()
        found.append(body)
        inner = [each for item in body.items if item.shares is None for each in bodies_of(item)]
        pending += reversed(inner)
    return found
