"""Templates as classes: constructors with their attributes, and `forward`."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from cnncalc.convert.torch_out.arguments import Expression, literal
from cnncalc.convert.torch_out.bodies import Item, Ref
from cnncalc.convert.torch_out.forward import Forward, joins, spread_over_batch
from cnncalc.convert.torch_out.helpers import LOCAL
from cnncalc.convert.torch_out.kinds import describe
from cnncalc.convert.torch_out.leaf import FLAGS, NEVER
from cnncalc.convert.torch_out.names import attribute, free, identifier
from cnncalc.convert.torch_out.plan import is_module
from cnncalc.convert.torch_out.pointwise import INPLACE, OVERWRITES
from cnncalc.convert.torch_out.rolling import compressed
from cnncalc.convert.torch_out.templates import ACTS, Argument, Place, Template, Templates
from cnncalc.convert.torch_out.text import MAX_LINE, fold
from cnncalc.graph import Graph

FRESH = ("conv", "depthwise_conv", "conv_transpose", "linear", "batch_norm", "max_pool", "add", "concat")
"""Layers whose result an activation may overwrite, where nothing else takes it."""

TYPES = {
    "flag": "bool",
    "number": "float",
    "rate": "float",
    "module": "type[nn.Module]",
    "word": "str",
    "pads": "tuple[int, ...]",
}


class Class:
    """One template as text."""

    def __init__(self, template: Template, templates: Templates, outermost: bool, graph: Graph) -> None:
        self.template = template
        self.templates = templates
        self.outermost = outermost
        self.graph = graph
        self.kept: dict[str, str] = {}
        """Attributes that `forward` reads, and what they are set to."""
        self.taken = {place.attribute for place in template.places}
        self.uses = Counter(ref for place in template.places for ref in place.item.inputs)
        self.uses.update(template.outputs)
        self.overwrites = self.safe_attributes()

    def write(self) -> list[str]:
        """The lines of the class."""
        template = self.template
        parameters = ["self", *map(declared, template.arguments)]
        head = fold(f"def __init__({', '.join(parameters)}) -> None:", 4)
        if template.sequential:
            elements = [self.module(number, place) for number, place in enumerate(template.places)]
            body = exploded("super().__init__(", elements, ")", 8)
            return [f"class {template.name}(nn.Sequential):", *head, *body]
        forward = Forward(template, self.input_names(), self.called)
        statements = forward.write()
        result = "Tensor" if len(template.outputs) == 1 else f"tuple[{', '.join(['Tensor'] * len(template.outputs))}]"
        if len(template.outputs) > 4:
            result = "tuple[Tensor, ...]"
        takes = ", ".join(["self", *(f"{name}: Tensor" for name in self.input_names())])
        return [
            f"class {template.name}(nn.Module):",
            *head,
            "        super().__init__()",
            *(f"        self.{name} = {text}" for name, text in self.kept.items()),
            *self.attributes(),
            "",
            *fold(f"def forward({takes}) -> {result}:", 4),
            *statements,
        ]

    def input_names(self) -> list[str]:
        count = len(self.template.bodies[0].inputs)
        if self.outermost and count > 1:
            taken = set(LOCAL)
            return [free(identifier(name), taken) for name, _ in self.graph.inputs]
        return ["x"] if count == 1 else [f"x{number + 1}" for number in range(count)]

    # -- constructor

    def attributes(self) -> list[str]:
        """The statements that define the attributes, in the order of the rows."""
        lines: list[str] = []
        done: set[str] = set()
        for number, place in enumerate(self.template.places):
            if not is_module(place) or place.attribute in done:
                continue
            done.add(place.attribute)
            lines += self.definition(number, place)
        return lines

    def definition(self, number: int, place: Place) -> list[str]:
        target, made = f"self.{place.attribute}", self.module(number, place, bare=True)
        after = [] if place.item.node is None else [text.format(self=target) for text in place.leaf().after]
        if not place.optional:
            return [*fold(f"{target} = {made}", 8), *(line for text in after for line in fold(text, 8))]
        condition = self.bare(self.template.expressions[number, "present"])
        whole = f"        {target} = {made} if {condition} else nn.Identity()"
        if len(whole) <= MAX_LINE and not after:
            return [whole]
        return [
            f"        {target}: nn.Module = nn.Identity()",
            f"        if {condition}:",
            *fold(f"{target} = {made}", 12),
            *(line for text in after for line in fold(text, 12)),
        ]

    def module(self, number: int, place: Place, bare: bool = False) -> str:
        """The expression that makes an item's module; with its condition, unless `bare`."""
        made = self.made((number,), place.item, place, place.attribute in self.overwrites)
        if place.optional and not bare:
            return f"{made} if {self.bare(self.template.expressions[number, 'present'])} else nn.Identity()"
        return made

    def made(self, key: tuple[Any, ...], item: Item, place: Place | None, overwrites: bool) -> str:
        if item.node is not None:
            leaf = describe(item.node, place is not None and place.apart)
            module = leaf.module
            if (*key, "module") in self.template.expressions:
                module = self.bare(self.template.expressions[*key, "module"])
            hidden = re.findall(r"{([a-z]\w*)}", leaf.call.replace("{self}", ""))
            arguments = self.arguments(key, [name for name in leaf.params if name not in hidden and name != INPLACE])
            if INPLACE in leaf.params and overwrites:
                arguments.append("inplace=True")
            frozen = ".requires_grad_(False)" if leaf.frozen else ""
            return f"{module}({', '.join(arguments)}){frozen}"
        if item.body is not None:
            template = self.templates.of[id(item.body)]
            return f"{template.name}({', '.join(self.arguments(key, [each.name for each in template.arguments]))})"
        container = "nn.ModuleList" if item.gathers else "nn.Sequential"
        elements = self.elements(key, item)
        text = ", ".join(elements)
        if item.gathers and len(elements) == 1 and text.startswith("*"):
            return f"{container}({text[2:-1]})"
        return f"{container}([{text}])" if item.gathers else f"{container}({text})"

    def elements(self, key: tuple[Any, ...], item: Item) -> list[str]:
        """The modules of a chain, equal ones as a comprehension."""
        if self.templates.runs_alike(item) and (*key, "count") in self.template.expressions:
            return self.alike(key, item)
        made, fresh = [], False
        for step, each in enumerate(item.chain):
            made.append(self.made((*key, step), each, None, fresh))
            fresh = each.node is not None and (each.node.kind in FRESH or (fresh and each.node.kind in ACTS))
        return compressed(made)

    def alike(self, key: tuple[Any, ...], item: Item) -> list[str]:
        """Calls of one class, of which all but the first are equal."""
        expressions = self.template.expressions
        body = item.chain[0].body
        template = self.templates.of[id(body)]
        names = [each.name for each in template.arguments]
        first = f"{template.name}({', '.join(self.arguments((*key, 'first'), names))})"
        count = expressions[*key, "count"]
        if (*key, "rest", names[0] if names else "") not in expressions and names:
            return [first]
        rest = f"{template.name}({', '.join(self.arguments((*key, 'rest'), names))})"
        number = self.bare(count)
        if "{" not in count.text and first == rest:
            return compressed([first] * int(number))
        if "{" not in count.text:
            return [first, *compressed([rest] * (int(number) - 1))]
        if first == rest:
            return [f"*[{rest} for _ in range({number})]"]
        return [first, f"*[{rest} for _ in range({number} - 1)]"]

    def arguments(self, key: tuple[Any, ...], names: list[str]) -> list[str]:
        """The arguments of a call, those left out that it has by default."""
        found, named = [], False
        slots = self.template.slots
        for name in names:
            slot = slots.get((*key, name))
            if slot is None or slot.usual:
                named = True
                continue
            text = self.bare(self.template.expressions[slot.key])
            named = named or slot.keyword
            found.append(f"{name}={text}" if named else text)
        return found

    def bare(self, expression: Expression) -> str:
        """An expression in the constructor, where arguments are names."""
        return re.sub(r"{(\w+)}", r"\1", expression.text)

    # -- forward

    def called(self, place: Place, operands: list[str]) -> str:
        """An item's expression in `forward`."""
        number = self.template.places.index(place)
        owner = place
        while owner.item.shares is not None:
            owner = self.template.places[owner.item.shares]
        target = f"self.{owner.attribute}"
        if place.item.parts:
            count = self.read(self.template.expressions[number, "parts"], place)
            whole = f"({operands[0]})" if composite(operands[0]) else operands[0]
            return f"torch.cat([{target}(part) for part in {whole}.chunk({count}, dim=1)], dim=1)"
        if place.item.node is None:
            return f"{target}({', '.join(operands)})"
        if joins(place):
            return self.joined(number, place, operands)
        leaf = place.leaf()
        operands = self.expanded(place, operands)
        texts = {
            name: self.read(self.template.expressions[number, name], place)
            for name in re.findall(r"{([a-z]\w*)}", leaf.call.replace("{self}", ""))
        }
        wrapped = [
            f"({text})" if composite(text) and f"{{{place}}}" in BOUND.findall(leaf.call) else text
            for place, text in enumerate(operands)
        ]
        made = leaf.call.format(*wrapped, self=target, **texts)
        return SLICE.sub(spaced, made) if "{0}[:, " in leaf.call and texts else made

    def joined(self, number: int, place: Place, operands: list[str]) -> str:
        leaf = place.leaf()
        operands = self.expanded(place, operands)
        if leaf.joins == "cat":
            made = f"torch.cat([{', '.join(operands)}], dim={leaf.axis})"
        else:
            made = f" {leaf.joins} ".join(operands)
        if not place.optional:
            return made
        condition = self.template.expressions[number, "present"]
        return f"{made} if {self.kept_as(condition, FLAGS[leaf.joins])} else {operands[place.bypass]}"

    def expanded(self, place: Place, operands: list[str]) -> list[str]:
        """The operands, those that have a batch of one with the batch of the others, where they have to have it."""
        if not spread_over_batch(place):
            return operands
        node, alone = place.item.node, place.item.constants
        assert node is not None
        other = next(text for number, text in enumerate(operands) if number not in alone)
        found = list(operands)
        for number in alone:
            axes = ", ".join(["-1"] * len(node.operation.inputs[number]))
            found[number] = f"{operands[number]}.expand({other}.shape[0], {axes})"
        return found

    def read(self, expression: Expression, place: Place) -> str:
        """An expression in `forward`, where arguments are attributes."""
        names = re.findall(r"{(\w+)}", expression.text)
        if len(names) == 1 and expression.text == f"{{{names[0]}}}":
            return self.kept_as(expression, names[0])
        return re.sub(r"{(\w+)}", lambda match: self.kept_as(Expression(match[0]), match[1]), expression.text)

    def kept_as(self, expression: Expression, name: str) -> str:
        """The attribute that keeps what the constructor knows."""
        text = self.bare(expression)
        for known, kept in self.kept.items():
            if kept == text:
                return f"self.{known}"
        if text.isidentifier():
            name = text
        self.kept[attribute(name, self.taken)] = text
        return f"self.{list(self.kept)[-1]}"

    # -- in place

    def safe_attributes(self) -> set[str]:
        """The activations that may overwrite what they take: nothing else takes it, and its maker does not need it."""
        safe: dict[str, bool] = {}
        for place in self.template.places:
            if place.item.node is not None and place.item.node.kind in ACTS:
                modules = {
                    describe(member.node).module for member in place.members if member is not None and member.node
                }
                fits = modules.issubset(OVERWRITES) and self.fresh(place.item.inputs[0])
                safe[place.attribute] = safe.get(place.attribute, True) and fits
        return {name for name, fits in safe.items() if fits}

    def fresh(self, ref: Ref) -> bool:
        """Whether a tensor may be overwritten by the one item that takes it."""
        while ref.item >= 0 and self.uses[ref] == 1:
            place = self.template.places[ref.item]
            node = place.item.node
            if node is None or node.kind not in FRESH:
                return False
            if not place.optional:
                return True
            if joins(place):
                return False
            ref = place.item.inputs[0]
        return False


BOUND = re.compile(r"(?<!\()(?<!, ){\d}|{\d}(?![,)])")
"""An operand of an expression that stands beside an operator, or before a dot or a bracket: no argument of a call."""


SLICE = re.compile(r"\[((?::, )+)([^\[\]]*):([^\[\]]*)\]$")
"""The end of an expression that takes some of the channels, or of the positions."""


def composite(text: str) -> bool:
    """Whether an expression is a sum or a product, and needs brackets."""
    return " " in re.sub(r"\([^()]*\)|\[[^\[\]]*\]", "", re.sub(r"\([^()]*\)", "", text))


def spaced(bounds: re.Match[str]) -> str:
    """A slice, its colon set apart where a bound is a formula."""
    start, stop = bounds[2], bounds[3]
    apart = " " if " " in start + stop else ""
    return f"[{bounds[1]}{start}{apart if start else ''}:{apart if stop else ''}{stop}]"


def declared(argument: Argument) -> str:
    """An argument in the head of a constructor."""
    kind = TYPES.get(argument.unit)
    if kind is None:
        axes = sorted({len(value) for value in argument.values if isinstance(value, tuple)})
        kinds = ["int"] if any(isinstance(value, int) for value in argument.values) else []
        kind = " | ".join([*kinds, *(f"tuple[{', '.join(['int'] * count)}]" for count in axes)])
        if any(isinstance(value, float) for value in argument.values):
            kind = "float"
    default = (
        ""
        if argument.default is NEVER
        else argument.default
        if argument.unit == "module"
        else literal(argument.default)
    )
    return f"{argument.name}: {kind}" + (f" = {default}" if default else "")


def exploded(head: str, entries: list[str], tail: str, indent: int) -> list[str]:
    """A call with one entry a line."""
    lines = [" " * indent + head]
    for entry in entries:
        folded = fold(entry, indent + 4)
        folded[-1] += ","
        lines += folded
    return [*lines, " " * indent + tail]
