"""The `forward` of a template: its items as statements, as short as a person would write them.

A convolution, a linear layer or a call begins a line, and what follows it (norm, activation, pool) wraps around it.
A tensor is called `x` as long as nothing else is, after its row where it is taken again later, else after its role.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from cnncalc.convert.lines import split
from cnncalc.convert.torch_out.bodies import Ref
from cnncalc.convert.torch_out.helpers import LOCAL
from cnncalc.convert.torch_out.names import identifier
from cnncalc.convert.torch_out.templates import ACTS, Place, Template
from cnncalc.convert.torch_out.text import MAX_LINE, fold
from cnncalc.layers import names
from cnncalc.records import NamedTuple

NORMS = set(names("normalisation"))
MAX_NESTED = 4
MAX_INLINE = 60
"""Characters of an operand of a join that is no name."""

ROLES = {"add": "out", "multiply": "scale", "concat": "out"}


class Value(NamedTuple):
    """A tensor as an expression that is not yet given a name."""

    text: str
    depth: int = 0
    """Calls around a name."""
    started: bool = False
    """Whether it begins with what begins a line."""
    major: bool = False
    """Whether there is such a call in it."""


class Forward:
    """One `forward`, as it is written."""

    def __init__(self, template: Template, names: list[str], render: Callable[[Place, list[str]], str]) -> None:
        """`names` are those of its inputs; `render` gives the expression of an item on its operands."""
        self.template = template
        self.places = template.places
        self.render = render
        self.lines: list[str] = []
        self.uses: Counter[Ref] = Counter(ref for place in self.places for ref in place.item.inputs)
        self.uses.update(template.outputs)
        self.left = Counter(self.uses)
        self.named = {Ref(-1, place): name for place, name in enumerate(names)}
        self.waiting: dict[Ref, Value] = {}
        self.rows: set[str] = set()
        """Names that are rows'."""
        self.takers: dict[Ref, list[int]] = {}
        for number, place in enumerate(self.places):
            for ref in place.item.inputs:
                self.takers.setdefault(ref, []).append(number)

    def write(self) -> list[str]:
        """The statements, indented."""
        for number, place in enumerate(self.places):
            self.statement(number, place)
        results = [self.waiting[ref].text if ref in self.waiting else self.named[ref] for ref in self.template.outputs]
        text = ", ".join(results)
        if len(f"        return {text}") > MAX_LINE and (len(results) > 1 or len(split(text, " + ")) > 1):
            text = f"({text})"
        return [*self.lines, *fold(f"return {text}", 8)]

    def statement(self, number: int, place: Place) -> None:
        """One item: nested into the next where that reads well, else a line of its own."""
        item = place.item
        operands = [self.waiting.pop(ref) if ref in self.waiting else Value(self.named[ref]) for ref in item.inputs]
        self.left.subtract(item.inputs)
        if item.gathers:
            self.gathered(number, place, operands[0])
            return
        text = self.render(place, [operand.text for operand in operands])
        if item.inputs and item.inputs[0] in self.named and text == self.named[item.inputs[0]]:
            self.named[Ref(number)] = text  # nothing happens to it
            return
        major = is_major(place)
        depth = max((operand.depth for operand in operands), default=0) + 1
        started = operands[0].started if operands and operands[0].depth else major or not is_norm(place)
        made = Value(text, depth, started, major or any(operand.major for operand in operands))
        if len(item.results) > 1:
            names = [self.choose(Ref(number, output), number) for output in range(len(item.results))]
            self.lines += fold(f"{', '.join(names)} = {text}", 8)
        elif self.nests(number, made):
            self.waiting[Ref(number)] = made
        else:
            ref = Ref(number)
            self.lines += fold(f"{self.choose(ref, number)} = {bracketed(text)}", 8)

    def gathered(self, number: int, place: Place, operand: Value) -> None:
        """The input and every result of a row of calls, joined."""
        rows = self.spare("outs")
        self.lines += fold(f"{rows} = [{operand.text}]", 8)
        self.lines += [
            f"        for module in self.{place.attribute}:",
            f"            {rows}.append(module({rows}[-1]))",
        ]
        made = Value(f"torch.cat({rows}, dim=1)", 1, True, True)
        if self.nests(number, made):
            self.waiting[Ref(number)] = made
        else:
            self.lines.append(f"        {self.choose(Ref(number), number)} = {made.text}")

    # -- nesting

    def nests(self, number: int, made: Value) -> bool:
        """Whether a value stands in the next statement in place of a name."""
        ref = Ref(number)
        if self.uses[ref] != 1:
            return False
        if ref in self.template.outputs:
            return number == len(self.places) - 1 and len(self.template.outputs) == 1
        if self.beside(number):
            return made.depth == 1 and len(made.text) <= MAX_INLINE
        if self.takers[ref] != [number + 1]:
            return False
        taker = self.places[number + 1]
        item = taker.item
        if spread_over_batch(taker) and item.inputs.index(ref) not in item.constants:
            return False
        if item.node is not None and taker.leaf().call.count("{0}") != 1 and not joins(taker):
            return False
        if joins(taker) or len(item.inputs) > 1:
            simple = made.depth == 1 and len(made.text) <= MAX_INLINE
            return simple and not taker.optional and not joins(self.places[number])
        if item.gathers or len(made.text) > MAX_LINE - 40:
            return False
        if is_call(self.places[number]) and not is_act(taker):
            return False
        if is_major(taker):
            return not made.major and made.depth < MAX_NESTED - 1 and not is_call(taker)
        return made.depth < MAX_NESTED and (made.started or not made.major)

    def beside(self, number: int) -> bool:
        """Whether an item and the next are the two operands of the join behind them, each a single call."""
        pair = [Ref(number), Ref(number + 1)]
        if number + 2 >= len(self.places) or self.places[number + 2].item.inputs != pair:
            return False
        simple = all(not joins(place) and len(place.item.inputs) == 1 for place in self.places[number : number + 2])
        named = simple and self.places[number + 1].item.inputs[0] in self.named
        alone = all(self.takers[ref] == [number + 2] and ref not in self.template.outputs for ref in pair)
        join = self.places[number + 2]
        return named and alone and joins(join) and not join.optional and not spread_over_batch(join)

    # -- names

    def choose(self, ref: Ref, number: int) -> str:
        """The name of a value that is given one."""
        live = self.live()
        takers = self.takers.get(ref, [])
        lasting = self.uses[ref] > 1 or takers != [number + 1]
        row = own_name(self.places[number]) if lasting else ""
        inputs = self.places[number].item.inputs
        taken = [self.named[each] for each in inputs if each in self.named]
        role = self.role(ref) if self.uses[ref] == 1 else "out"
        old = [name for name in taken if name not in self.rows]
        branch = role.startswith("branch") and self.uses[ref] == 1
        candidates = [row, role, *old, "x"] if branch else [row, *old, "x", role]
        name = next((name for name in candidates if name and name not in live), "") or self.spare(role)
        if name == row:
            self.rows.add(name)
        self.named[ref] = name
        return name

    def live(self) -> set[str]:
        """The names that stand for something else."""
        return LOCAL | {name for ref, name in self.named.items() if self.left[ref] > 0}

    def spare(self, name: str) -> str:
        """`name`, with a number where something live has it."""
        live = self.live()
        number, found = 2, name
        while found in live:
            found, number = f"{name}{number}", number + 1
        return found

    def role(self, ref: Ref) -> str:
        """What a value is for: a branch of a join, a gate, what is added."""
        while True:
            takers = self.takers.get(ref, [])
            if not takers:
                return "out"
            place = self.places[takers[0]]
            if joins(place):
                if len(place.item.inputs) > 2:
                    return f"branch{place.item.inputs.index(ref) + 1}"
                node = place.item.node
                return ROLES[node.kind] if node is not None else "out"
            ref = Ref(takers[0])


def bracketed(text: str) -> str:
    """A sum that is too long for a line, in brackets."""
    return f"({text})" if len(text) > MAX_LINE - 20 and len(split(text, " + ")) > 1 else text


def joins(place: Place) -> bool:
    return place.item.node is not None and bool(place.leaf().joins)


def spread_over_batch(place: Place) -> bool:
    """Whether an item takes tensors with a batch of one beside others, and its layer does not broadcast them."""
    node = place.item.node
    return bool(place.item.constants) and node is not None and node.kind in ("concat", "attention")


def is_major(place: Place) -> bool:
    """Whether an item begins a line."""
    return place.item.node is None or place.leaf().major


def is_norm(place: Place) -> bool:
    return place.item.node is not None and place.item.node.kind in NORMS


def is_act(place: Place) -> bool:
    return place.item.node is not None and place.item.node.kind in ACTS


def is_call(place: Place) -> bool:
    """Whether an item is more than a layer."""
    return place.item.node is None


def own_name(place: Place) -> str:
    """The name that a spec's author gave a row; empty for one that is called by its kind and a number."""
    node, body = place.item.node, place.item.body
    name = re.sub(r"\.(norm|act)$", "", place.item.name)
    kind = node.kind if node is not None else body.block if body is not None else ""
    if name != place.item.name:
        kind = r"[a-z_]+"
    return "" if kind and re.fullmatch(rf"{kind}\d+(\.\d+)?", name) else identifier(name)
