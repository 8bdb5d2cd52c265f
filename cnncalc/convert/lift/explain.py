"""Slots -> one list of steps whose values are constants, expressions or arguments: what differs becomes a column, and
every column is explained by what is known, or becomes an argument (of a block) or a variable (of a loop)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from cnncalc.convert.lift.formulas import Column, agree, agree_all, fitted, rename
from cnncalc.convert.lift.tree import Branch, Formula, Item, Turned, defaults_of
from cnncalc.convert.lift.unify import Slot, Twig, every_slot
from cnncalc.convert.lift.wires import Unlike, Wiring
from cnncalc.language.names import RESERVED
from cnncalc.layers import KINDS
from cnncalc.records import NamedTuple

SIZES_OF = frozenset({"channels", "features", "groups"})
"""Fields whose values are numbers of channels, and so multiples and parts of each other."""

MAX_CONDITIONS = 2
"""Steps and branches of a block that may be left out, unless they are less than a third: more are another block."""

MANY = 3
"""Arguments of a family from which on they get short names."""


class Argument(NamedTuple):
    """An argument of a block, or a variable of a loop, with its value in every member."""

    name: str
    column: Column


class Explained(NamedTuple):
    """The steps that stand for all members, with the arguments that make them each."""

    items: list[Item]
    arguments: list[Argument]


class Wires(NamedTuple):
    """What a step names: as `Item.sources` and `Item.references`."""

    sources: tuple[int, ...]
    references: dict[str, tuple[int, ...]]


class Unexplained(Exception):
    """A column that cannot be explained."""


class Explainer:
    """Explains the columns of one block or loop.

    `channels` are those of each member's input, which a block's steps can ask for as `input.channels`; None for a
    loop, whose variables explain, and a step's own `x.channels`.
    """

    def __init__(self, members: int, channels: Sequence[int] | None, taken: frozenset[str], limit: int) -> None:
        self.members = members
        self.channels = channels
        self.taken = taken
        self.limit = limit
        self.sizes: list[tuple[str, Column]] = []
        """Expressions for numbers of channels, and their values in every member, beside `input.channels`."""
        self.arguments: list[Argument] = []
        self.families: dict[str, str] = {}
        self.explained: dict[tuple[int, str], Any] = {}
        self.formulas: list[tuple[str, Column]] = []
        """The channels that steps are known to have, for conditions."""
        self.conditions: dict[int, str] = {}
        self.wires: dict[int, Wires] = {}
        self.results: dict[int, int] = {}
        """The numbers of results that are named, by the identity of their slots."""

    def explain(self, slots: list[Slot], wiring: Wiring | None = None) -> Explained:
        """The steps for all members; raises `Unexplained`.

        They name tensors by their numbers in `wiring`; without one there are none that do.
        """
        if wiring is not None:
            try:
                self.wire(slots, wiring)
            except Unlike:
                raise Unexplained from None
        columns = [column for slot in every_slot(slots) for column in self.columns(slot)]
        columns.sort(key=lambda column: None in column[2])
        for slot, name, column in columns:
            self.explained[id(slot), name] = self.value(slot, name, column)
        for slot in every_slot(slots):
            if None in slot.cells:
                there = self.around(slots, slot)
                condition = self.presence([cell is not None for cell in slot.cells], there, slot.first.kind)
                if condition:
                    self.conditions[id(slot)] = condition
            for twig in slot.twigs or ():
                there = [cell is not None for cell in slot.cells]
                if any(not present for present, here in zip(twig.present, there) if here):
                    name = twig.slots[0].first.kind if twig.slots else "skip"
                    self.conditions[id(twig)] = self.presence(twig.present, there, name)
        if len(self.conditions) > max(MAX_CONDITIONS, len(every_slot(slots)) // 3):
            raise Unexplained
        self.put_main_first()
        items = [self.item(slot) for slot in slots]
        self.shorten(items)
        return Explained(items, self.arguments)

    def wire(self, slots: list[Slot], wiring: Wiring) -> None:
        """Find what every slot names; raises `Unlike`."""
        for slot in every_slot(slots):
            cells = [(cell is not None, cell or slot.first) for cell in slot.cells]
            if any(cell.references.keys() != slot.first.references.keys() for _, cell in cells):
                raise Unlike
            sources = wiring.agreed([cell.sources if there else None for there, cell in cells])
            references = {
                name: wiring.agreed([cell.references[name] if there else None for there, cell in cells])
                for name in slot.first.references
            }
            self.wires[id(slot)] = Wires(sources, references)
            for twig in slot.twigs or ():
                named = [None if tensor is None else (tensor,) for tensor in twig.tensors]
                if any(tensors is not None for tensors in named):
                    self.wires[id(twig)] = Wires(wiring.agreed(named), {})
        self.results = wiring.local

    def around(self, slots: list[Slot], wanted: Slot) -> list[bool]:
        """In which members the list is, that a slot is in."""
        pending: list[tuple[list[Slot], list[bool]]] = [(slots, [True] * self.members)]
        while pending:
            here, present = pending.pop()
            for slot in here:
                if slot is wanted:
                    return present
                pending += [(twig.slots, twig.present) for twig in slot.twigs or ()]
        raise AssertionError("a slot is one of the slots")

    # -- columns

    def columns(self, slot: Slot) -> list[tuple[Slot, str, Column]]:
        """Every argument that a cell of the slot gives, and its value in each."""
        first = slot.first
        kind = KINDS.get(first.kind)
        names = list(kind.fields) if kind is not None else list(first.values)
        defaults = defaults_of(first.kind) if kind is not None else {}
        found = []
        for name in names:
            if any(cell is not None and name in cell.values for cell in slot.cells):
                cells = [None if cell is None else cell.values.get(name, defaults.get(name)) for cell in slot.cells]
                if any(value is None and cell is not None for value, cell in zip(cells, slot.cells)):
                    cells = explicit(slot, name, cells)
                found.append((slot, name, cells))
        return [*found, (slot, "repeat", [None if cell is None else cell.repeat for cell in slot.cells])]

    def value(self, slot: Slot, name: str, column: Column) -> Any:
        """The value of an argument for all members."""
        present = [value for value in column if value is not None]
        first = present[0]
        if all(type(value) is type(first) and value == first for value in present):
            if name in SIZES_OF and type(first) is int and None not in column:
                self.formulas.append((str(first), column))
            return first
        if any(isinstance(value, Turned) for value in present):
            return self.turned(slot, name, column)
        if any(isinstance(value, Formula) for value in present):
            raise Unexplained
        family = name.rstrip("0123456789")
        if all(type(value) is int for value in present) and family in SIZES_OF:
            text = self.expanding(slot, column) or self.size(slot, column) or self.ratio(column)
            text = text or self.argument(family, column, name)
            if None not in column:
                self.formulas.append((text, column))
            return Formula(text)
        if all(isinstance(value, tuple) and len(value) == len(first) for value in present):
            text = self.parts(slot, column, len(first)) if family in SIZES_OF else ""
            if text:
                return Formula(text)
        return Formula(self.argument(*("n", column) if name == "repeat" else (family, column, name)))

    def turned(self, slot: Slot, name: str, column: Column) -> Any:
        """A value that is another in the first turn, in some members."""
        firsts = [value.first if isinstance(value, Turned) else value for value in column]
        rests = [
            value.rest if isinstance(value, Turned) else None if cell is None or cell.repeat == 1 else value
            for value, cell in zip(column, slot.cells)
        ]
        rest = self.value(slot, name, rests)
        first = self.value(slot, name, firsts)
        return first if first == rest else Turned(first, rest)

    def size(self, slot: Slot, column: Column) -> str:
        """A number of channels by what is known: the same, a multiple, a part; empty where nothing fits."""
        known = list(self.sizes)
        if self.channels is not None:
            known.append(("input.channels", list(self.channels)))
        if self.channels is None or slot.first.kind == "slice":
            known.append(("x.channels", [None if cell is None else cell.channels for cell in slot.cells]))
        for form in ("{}", "{}*{}", "{}//{}", "divisible({}//{})"):
            for text, values in known:
                found = fitted(form, text, values, column)
                if found:
                    return found
        return ""

    def ratio(self, column: Column) -> str:
        """A number of channels by an argument that says how often the input's they are."""
        if self.channels is None:
            return ""
        pairs = list(zip(column, self.channels))
        if any(value is not None and value % channels for value, channels in pairs):
            return ""
        ratios = [None if value is None else value // channels for value, channels in pairs]
        given = {value for value in ratios if value is not None}
        if len(given) > 3 or len(given) * 2 > len(set(column)):
            return ""
        text = f"{self.argument('expand', ratios)}*input.channels"
        self.sizes.append((text, column))
        return text

    def expanding(self, slot: Slot, column: Column) -> str:
        """The channels of a step that multiplies them, by an argument that is 1 where it is left out.

        Only where nothing else but one number of channels would tell when that is: ``channels != 16`` is no reason.
        """
        there = [cell is not None for cell in slot.cells]
        if self.channels is None or all(there):
            return ""
        ratios = {value / channels for value, channels in zip(column, self.channels) if value is not None}
        ratio = ratios.pop()
        if ratios or ratio < 2 or ratio != int(ratio):
            return ""
        if any(agree_all(values, there) for _, values in self.tests(numbers=False)):
            return ""
        text = f"{self.argument('expand', [int(ratio) if here else 1 for here in there])}*input.channels"
        whole = [int(ratio) * channels if here else channels for here, channels in zip(there, self.channels)]
        self.sizes.append((text, whole))
        return text

    def parts(self, slot: Slot, column: Column, length: int) -> str:
        """A list of numbers of channels; empty where one of them is not explained."""
        texts = []
        for place in range(length):
            entries = [None if value is None else value[place] for value in column]
            present = {value[place] for value in column if value is not None}
            if present == {None}:  # an open end
                texts.append("none")
                continue
            if any(type(value) is not int for value in present):
                return ""
            text = str(present.pop()) if len(present) == 1 else self.size(slot, entries)
            if not text:
                return ""
            texts.append(text)
        return f"[{', '.join(texts)}]"

    def argument(self, family: str, column: Column, name: str = "") -> str:
        """The name of the argument that has these values: an earlier one, or a new one, called `name` if it can be."""
        for argument in self.arguments:
            if self.families[argument.name] == family and agree(argument.column, column):
                for member, value in enumerate(column):
                    if value is not None:
                        argument.column[member] = value
                return argument.name
        if len(self.arguments) == self.limit:
            raise Unexplained
        name, number = name or family, 2
        while name in self.families or name in self.taken or name in RESERVED:
            name = f"{family}{number}"
            number += 1
        self.families[name] = family
        self.arguments.append(Argument(name, list(column)))
        if family in SIZES_OF and all(type(value) is int for value in column):
            self.sizes.append((name, list(column)))
        return name

    # -- presence

    def presence(self, present: list[bool], around: list[bool], kind: str) -> str:
        """The condition under which a step or branch is there, in the members that have the list that it is in."""
        wanted = [here if there else None for here, there in zip(present, around)]
        if False not in wanted:
            return ""
        tests = list(self.tests())
        for text, values in tests:
            if agree_all(values, wanted):
                return text
        for text, values in tests[: 2 * len(self.arguments)]:
            for more, others in tests:
                both = [value and other for value, other in zip(values, others)]
                if agree_all(both, wanted):
                    return f"{text} and {more}"
        if self.channels is None:
            raise Unexplained
        return self.argument(f"with_{kind}", wanted)

    def tests(self, numbers: bool = True) -> list[tuple[str, list[bool]]]:
        """Conditions over what is known, the plainest first; without `numbers` none that compares channels with one."""
        found = []
        if self.channels is not None:
            for text, column in self.formulas:
                if "input.channels" not in text:
                    equal = [value == channels for value, channels in zip(column, self.channels)]
                    found.append((f"input.channels == {text}", equal))
                    found.append((f"input.channels != {text}", [not value for value in equal]))
        for plain in (True, False):
            for argument in self.arguments:
                family = self.families[argument.name]
                if (family in SIZES_OF) is plain or None in argument.column or not (plain or numbers):
                    continue
                for value in dict.fromkeys(argument.column):
                    if type(value) is int:
                        equal = [entry == value for entry in argument.column]
                        found.append((f"{argument.name} == {value}", equal))
                        found.append((f"{argument.name} != {value}", [not entry for entry in equal]))
        return found

    # -- the steps for all

    def put_main_first(self) -> None:
        """Let the first argument, which calls give without its name, be a number of channels if there is one."""
        main = next((argument for argument in self.arguments if argument.name in ("channels", "features")), None)
        if main is not None:
            self.arguments.remove(main)
            self.arguments.insert(0, main)

    def shorten(self, items: list[Item]) -> None:
        """Call arguments `c1`, `c2`, … where there are many of a family."""
        if self.channels is None:
            return
        counts = Counter(self.families[argument.name] for argument in self.arguments)
        new: dict[str, str] = {}
        for place, argument in enumerate(self.arguments):
            family = self.families[argument.name]
            if counts[family] >= MANY:
                number = 1 + sum(1 for name in new.values() if name.startswith(family[0]))
                new[argument.name] = f"{family[0]}{number}"
                self.arguments[place] = argument._replace(name=new[argument.name])
        if new:
            rename(items, new)

    def item(self, slot: Slot) -> Item:
        """The step that stands for a slot."""
        made = slot.first.copy()
        made.result = self.results.get(id(slot), -1)
        if id(slot) in self.wires:
            made.sources, made.references = self.wires[id(slot)]
        for name in KINDS[made.kind].fields if made.kind in KINDS else tuple(made.values):
            if (id(slot), name) in self.explained:
                made.values[name] = self.explained[id(slot), name]
        made.repeat = self.explained[id(slot), "repeat"]
        if id(slot) in self.conditions:
            made.condition = self.conditions[id(slot)]
        if slot.twigs is not None:
            made.branches = [self.branch(twig) for twig in slot.twigs]
        return made

    def branch(self, twig: Twig) -> Branch:
        tensor = self.wires[id(twig)].sources[0] if id(twig) in self.wires else None
        return Branch([self.item(slot) for slot in twig.slots], tensor, self.conditions.get(id(twig), ""))


def explicit(slot: Slot, name: str, column: Column) -> Column:
    """What is left out, spelt out: a pool's stride is its kernel, and some fields have a word for it.

    Other values that a kind leaves open cannot be.
    """
    has_word = "none" in KINDS[slot.first.kind].fields[name].type.words
    if name != "stride" and not has_word:
        raise Unexplained
    found = []
    for value, cell in zip(column, slot.cells):
        spelt = "none" if has_word else None if cell is None else cell.values.get("kernel")
        found.append(spelt if value is None and cell is not None else value)
    return found
