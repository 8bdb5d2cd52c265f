"""Templates as classes: constructors, their attributes, and the file around them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from cnncalc.analyzers import macs as mac_counts
from cnncalc.analyzers import params as param_counts
from cnncalc.convert.pytorch.arguments import Expression, literal, solve
from cnncalc.convert.pytorch.blocks import ACTS, Argument, Place, Template, Templates
from cnncalc.convert.pytorch.bodies import Body, Item, Ref, all_bodies, dissolve, name_alike, tree
from cnncalc.convert.pytorch.forward import Forward, joins
from cnncalc.convert.pytorch.helpers import HELPERS, helper_source
from cnncalc.convert.pytorch.modules import INPLACE, NEVER, OVERWRITES, describe
from cnncalc.convert.pytorch.names import attribute, class_name, free, identifier
from cnncalc.convert.pytorch.text import MAX_LINE, fold
from cnncalc.geometry import dims
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


class Plan:
    """An export before it is text: its templates, with names, attributes and arguments settled."""

    def __init__(self, graph: Graph) -> None:
        """Raises `SpecError` for what PyTorch cannot say."""
        for node in graph.nodes:
            describe(node)
        self.graph = graph
        self.root = tree(graph)
        dissolve(all_bodies(self.root))
        name_alike(all_bodies(self.root))
        self.templates = Templates(self.root)
        helpers = {f"{name}{rank}" for name in HELPERS for rank in ("", "1d", "2d", "3d")}
        taken = {"Tensor", "F", "nn", "torch", *helpers}
        name = class_name(graph.name, taken)
        for block, bodies in self.templates.order:
            made = self.templates.unify(block, bodies)
            for template in made:
                template.name = name if bodies[0] is self.root else class_name(block, taken)
                settle_attributes(template)
                solve(template, self.templates)
                share_attributes(template)
                self.templates.add(template)

    def names(self) -> dict[tuple[str, str], str]:
        """The state dict's name of every tensor of weights, by row and tensor, in the order of the rows."""
        found: dict[tuple[str, str], str] = {}
        pending: list[tuple[str, Any]] = [("", self.root)]
        while pending:
            prefix, entry = pending.pop()
            if isinstance(entry, Body):
                template = self.templates.of[id(entry)]
                instance = template.instance[id(entry)]
                members = [(place.attribute, place.members[instance]) for place in template.places]
                inner = [(f"{prefix}{name}", member) for name, member in members if member is not None]
            elif entry.shares is not None:
                continue
            elif entry.node is not None:
                if entry.node.shares is None:
                    for weight in entry.node.operation.tensors:
                        found[entry.node.name, weight.name] = f"{prefix}.{weight.name}"
                continue
            elif entry.body is not None:
                inner = [(f"{prefix}.", entry.body)]
            else:
                inner = [(f"{prefix}.{step}", each) for step, each in enumerate(entry.chain)]
            pending += reversed(inner)
        return found

    def source(self) -> str:
        """The file."""
        classes = [
            Class(template, self.templates, template.bodies[0] is self.root, self.graph)
            for template in self.templates.ordered
        ]
        code = "\n\n\n".join("\n".join(each.write()) for each in classes)
        helpers = used_helpers(code)
        parts = [*(helper_source(name) for name in helpers), code]
        body = "\n\n\n".join(parts)
        imports = ["import torch"] if "torch." in body else []
        if "F." in body:
            imports.append("import torch.nn.functional as F")
        imports.append("from torch import Tensor, nn" if "Tensor" in body else "from torch import nn")
        return f"{self.header()}\n" + "\n".join(imports) + f"\n\n\n{body}\n"

    def header(self) -> str:
        """The docstring: what it is, and the figures that must come out."""
        graph = self.graph
        counted = param_counts.total(param_counts.params(graph))
        variant = f" ({graph.variant})" if graph.variant else ""
        source = " ".join(graph.source.split())
        inputs = [f"{name} {dims(shape)}" if len(graph.inputs) > 1 else dims(shape) for name, shape in graph.inputs]
        outputs = [
            f"{name} {dims(graph.shapes[tensor])}" if len(graph.outputs) > 1 else dims(graph.shapes[tensor])
            for name, tensor in graph.outputs
        ]
        lines = [f"{graph.name}{variant}, written by cnncalc."]
        entries = {
            "Source": source,
            "Input": ", ".join(inputs),
            "Output": ", ".join(outputs),
            "Parameters": f"{counted.params:,}",
            "MACs": f"{mac_counts.total(mac_counts.macs(graph)):,}",
        }
        width = max(map(len, entries)) + 2
        lines.append("")
        for title, text in entries.items():
            if text:
                lines += wrapped(f"{title}:".ljust(width) + text, " " * width)
        return '"""' + "\n".join(lines).replace("\\", "\\\\").replace('"""', "'''") + '\n"""\n'


def wrapped(text: str, indent: str) -> list[str]:
    """Lines of at most 120 characters."""
    import textwrap

    return textwrap.wrap(text, MAX_LINE, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def used_helpers(code: str) -> list[str]:
    """The helpers that code uses, in the order of their table."""
    words = set(re.findall(r"\w+", code))
    names = [f"{name}{rank}" for name in HELPERS for rank in ("", "1d", "2d", "3d")]
    return [name for name in names if name in words]


# -- attributes --------------------------------------------------------------------------------------------------------


def is_module(place: Place) -> bool:
    """Whether an item is an attribute of its own."""
    return place.item.shares is None and (place.item.node is None or bool(describe(place.item.node).module))


def settle_attributes(template: Template) -> None:
    """Attributes called after the rows; of a chain, numbers."""
    taken: set[str] = set()
    for number, place in enumerate(template.places):
        if template.sequential:
            place.attribute = str(number)
        elif is_module(place):
            place.attribute = attribute(place.item.name, taken)


def share_attributes(template: Template) -> None:
    """Equal modules without weights, named by nobody, become one attribute that is called by its kind."""
    if template.sequential:
        return
    groups: dict[str, list[tuple[Any, Place]]] = {}
    for number, place in enumerate(template.places):
        node = place.item.node
        if node is None or node.operation.tensors or not is_module(place) or place.optional or not unnamed(place):
            continue
        made = tuple((key[1:], expression.text) for key, expression in template.expressions.items() if key[0] == number)
        varies = node.kind in ACTS and any(key == ("module",) and "{" in text for key, text in made)
        groups.setdefault("activation" if varies else node.kind, []).append(((describe(node).module, made), place))
    taken = {place.attribute for place in template.places}
    for kind, members in groups.items():
        first = members[0][0]
        alike = [place for made, place in members if made == first]
        name = attribute(kind, taken - {place.attribute for place in alike})
        for place in alike:
            place.attribute = name
        taken.add(name)


def unnamed(place: Place) -> bool:
    """Whether a row is called by its kind and a number, or after the layer that it follows."""
    assert place.item.node is not None
    name = place.item.name
    kind = place.item.node.kind
    return kind in ACTS or name.endswith(".act") or re.fullmatch(rf"{kind}\d+(\.\d+)?", name) is not None


# -- classes -----------------------------------------------------------------------------------------------------------


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
        takes = ", ".join(f"{name}: Tensor" for name in self.input_names())
        return [
            f"class {template.name}(nn.Module):",
            *head,
            "        super().__init__()",
            *(f"        self.{name} = {text}" for name, text in self.kept.items()),
            *self.attributes(),
            "",
            *fold(f"def forward(self, {takes}) -> {result}:", 4),
            *statements,
        ]

    def input_names(self) -> list[str]:
        count = len(self.template.bodies[0].inputs)
        if self.outermost and count > 1:
            taken = {"self"}
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
        if place.item.node is None:
            return f"{target}({', '.join(operands)})"
        if joins(place):
            return self.joined(number, place, operands)
        leaf = place.leaf()
        texts = {
            name: self.read(self.template.expressions[number, name], place)
            for name in re.findall(r"{([a-z]\w*)}", leaf.call.replace("{self}", ""))
        }
        wrapped = [
            f"({text})" if composite(text) and not leaf.call.startswith(("{self}", "F.", "torch.")) else text
            for text in operands
        ]
        made = leaf.call.format(*wrapped, self=target, **texts)
        return re.sub(r"\[:, ([^\[\]]*):([^\[\]]*)\]$", spaced, made) if "{0}[:, " in leaf.call and texts else made

    def joined(self, number: int, place: Place, operands: list[str]) -> str:
        assert place.item.node is not None
        kind = place.item.node.kind
        if kind == "concat":
            made = f"torch.cat([{', '.join(operands)}], dim=1)"
        else:
            made = (" + " if kind == "add" else " * ").join(operands)
        if not place.optional:
            return made
        name = {"add": "residual", "multiply": "gated", "concat": "joined"}[kind]
        condition = self.template.expressions[number, "present"]
        return f"{made} if {self.kept_as(condition, name)} else {operands[place.bypass]}"

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
        self.kept[free(name, self.taken)] = text
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
                fits = modules <= set(OVERWRITES) and self.fresh(place.item.inputs[0])
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


def composite(text: str) -> bool:
    """Whether an expression is a sum or a product, and needs brackets."""
    return " " in re.sub(r"\([^()]*\)|\[[^\[\]]*\]", "", re.sub(r"\([^()]*\)", "", text))


def spaced(bounds: re.Match[str]) -> str:
    """A slice of channels, its colon set apart where a bound is a formula."""
    start, stop = bounds[1], bounds[2]
    apart = " " if " " in start + stop else ""
    return f"[:, {start}{apart if start else ''}:{apart if stop else ''}{stop}]".replace("[:, :", "[:, :", 1)


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


NUMBER = re.compile(r"(?<![\w.])\d+(?![\w.])")


def compressed(made: list[str]) -> list[str]:
    """A list of expressions with three or more that are equal, or that count in equal steps, as comprehensions."""
    found: list[str] = []
    place = 0
    while place < len(made):
        end = place + 1
        while end < len(made) and made[end] == made[place]:
            end += 1
        if end - place > 2:
            found.append(f"*[{made[place]} for _ in range({end - place})]")
            place = end
            continue
        counted, count = counting(made, place)
        if count > 2:
            found.append(counted)
            place += count
            continue
        found.append(made[place])
        place += 1
    return found


def counting(made: list[str], place: int) -> tuple[str, int]:
    """The longest run of expressions from `place` whose numbers grow in equal steps, as a comprehension."""
    shape = NUMBER.sub("#", made[place])
    rows: list[list[int]] = []
    for text in made[place:]:
        row = [int(number) for number in NUMBER.findall(text)]
        if NUMBER.sub("#", text) != shape:
            break
        if len(rows) > 1 and any(
            new - old != rows[1][k] - rows[0][k] for k, (old, new) in enumerate(zip(rows[-1], row))
        ):
            break
        rows.append(row)
    if len(rows) < 3 or rows[0] == rows[1]:
        return "", 0
    parts = NUMBER.split(made[place])
    text = parts[0]
    for start, after, rest in zip(rows[0], rows[1], parts[1:]):
        step = after - start
        term = f"{step} * i" if step > 1 else "i"
        text += (f"{start} + {term}" if step > 0 else str(start) if step == 0 else f"{start} - {-step} * i") + rest
    return f"*[{text} for i in range({len(rows)})]", len(rows)


Names = Mapping[tuple[str, str], str]
