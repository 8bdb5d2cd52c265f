"""Graph -> nested bodies.

Block calls come from the graph; that rows are turns of a repeat is read from their names (``down64.0``, ``down64.1``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby, pairwise

from cnncalc.convert.torch_out.bodies import Body, Item, Ref, bodies_of, chains
from cnncalc.convert.torch_out.kinds import describe
from cnncalc.convert.torch_out.leaf import refuse
from cnncalc.convert.torch_out.sliding import uneven
from cnncalc.graph import Graph, Node

TURN = re.compile(r"(?P<base>[^.]+)\.(?P<turn>\d+)(?:\.(?P<rest>.+))?$")
FOLLOWERS = re.compile(r"(?:(?:depthwise|pointwise)(?:\.(?:norm|act))?|norm|act)?$")
"""What a row of a single layer's turn may be called, below the turn."""


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
        self.constants: set[int] = set()
        """The tensors that no input of the network reaches."""
        for node in graph.nodes:
            if all(tensor in self.constants for tensor in node.inputs):
                self.constants.add(node.number)

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
        low = nodes[0].number
        taken = dict.fromkeys(tensor for node in nodes for tensor in node.inputs if tensor < low)
        body.inputs = [*(tensor for tensor in dict.fromkeys(body.inputs) if tensor in taken)]
        body.inputs += [tensor for tensor in taken if tensor not in body.inputs]
        given = [node.number for node in nodes if any(place >= body.end for place in self.takers[node.number])]
        first = [tensor for tensor in body.results if tensor in given]
        body.results = [*first, *(tensor for tensor in given if tensor not in first)] or [nodes[-1].number]

    # -- items

    def fill(self, body: Body) -> None:
        """Turn a body's children into items, and wire them."""
        groups = [(base, list(each)) for base, each in groupby(body.children, lambda child: turn_of(body, child)[0])]
        for place, (base, children) in enumerate(groups):
            if base is None:
                for child in children:
                    self.add(body, self.item(body, child, body.relative(child.name)))
                continue
            turns = [list(turn) for _, turn in groupby(children, lambda child: turn_of(body, child)[1])]
            after = groups[place + 1][1] if place + 1 < len(groups) else []
            if after and self.cuts(base, turns, after[0]):
                self.add(body, self.parted(body, base, turns, after.pop(0)))
            else:
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
        if single or len(children) == 1:
            return [self.item(body, child, body.relative(child.name)) for child in children]
        first, last = children[0], children[-1]
        start = first.place if isinstance(first, Node) else first.first
        end = last.place + 1 if isinstance(last, Node) else last.end
        name = f"{body.name}.{base}.{number}" if body.name else f"{base}.{number}"
        inner = Body(name, base, start, end, self.graph.shapes)
        inner.children = children
        return [self.item(body, inner, f"{base}.{number}")]

    def cuts(self, base: str, turns: list[list[Body | Node]], join: Body | Node) -> bool:
        """Whether turns are a step on equal parts of a tensor's channels, with the same weights, that are joined."""
        firsts = [turn[0] for turn in turns]
        if not isinstance(join, Node) or join.kind != "concat" or not join.name.endswith(f"{base}.concat"):
            return False
        for number, (first, turn) in enumerate(zip(firsts, turns)):
            if not isinstance(first, Node) or first.kind != "slice" or not first.name.endswith(f"{base}.{number}.part"):
                return False
            weighted = [node for node in self.nodes_of(turn) if node.operation.weights]
            if number and any(node.shares is None for node in weighted):
                return False
        return len(join.inputs) == len(turns)

    def nodes_of(self, children: list[Body | Node]) -> list[Node]:
        """The nodes of some children of a body, in order."""
        first, last = children[0], children[-1]
        start = first.place if isinstance(first, Node) else first.first
        return self.graph.nodes[start : last.place + 1 if isinstance(last, Node) else last.end]

    def parted(self, body: Body, base: str, turns: list[list[Body | Node]], join: Body | Node) -> Item:
        """One item for what every part goes through."""
        cut, *rest = turns[0]
        assert isinstance(cut, Node)
        assert isinstance(join, Node)
        if len(rest) == 1:
            made = self.item(body, rest[0], base)
        else:
            nodes = self.nodes_of(rest)
            inner = Body(cut.name.removesuffix(".part"), base, nodes[0].place, nodes[-1].place + 1, self.graph.shapes)
            inner.children = rest
            made = self.item(body, inner, base)
        made.tensors, made.results, made.parts = list(cut.inputs), [join.number], len(turns)
        return made

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
        items, place = body.items, 1  # before a join stands what it joins
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
            alone = tuple(place for place, tensor in enumerate(item.tensors) if tensor in self.constants)
            item.constants = alone if len(alone) < len(item.tensors) else ()
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
        mine, theirs = list(item.nodes()), list(owner.nodes())
        for node, other in zip(mine, theirs):
            apart = uneven(node) or uneven(other)
            wired = [node.number - tensor for tensor in node.inputs if tensor > mine[0].number]
            expected = [other.number - tensor for tensor in other.inputs if tensor > theirs[0].number]
            if describe(node, apart) != describe(other, apart) or wired != expected or len(mine) != len(theirs):
                raise refuse(node, f"it shares the weights of `{other.name}`, but is not the same layer")


def turn_of(body: Body, child: Body | Node) -> tuple[str | None, str]:
    """The repeat that a child is a turn of, and the turn; None for what is not repeated."""
    match = TURN.match(body.relative(child.name))
    return (match["base"], match["turn"]) if match else (None, "")
