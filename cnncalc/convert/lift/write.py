"""The tree of items -> the text of a spec: one line a step, frequent arguments as `defaults`, bounded lines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from cnncalc.convert.lift.tree import CURRENT, Block, Branch, Formula, Item, Turned, defaults_of, every, taken_by_name
from cnncalc.convert.spec_text import outputs, quoted, show_whole
from cnncalc.layers import KINDS
from cnncalc.layers.types import LAYER_NAME, SIZES, TENSORS
from cnncalc.records import NamedTuple

WIDTH = 120

Values = dict[str, dict[str, Any]]
"""Arguments by kind and name."""


class Spec(NamedTuple):
    """A spec before it is text."""

    name: str
    source: str
    inputs: dict[str, tuple[int, ...]]
    blocks: list[Block]
    items: list[Item]
    outputs: list[tuple[str, int]]
    """Names and tensors of what leaves; empty where it is just the last step's."""
    labels: frozenset[int]
    """Results of calls that have names although no step asks for them."""
    names: dict[int, str]
    """What tensors are called where a step, a join or an output names them."""
    fixed: Values
    """Defaults that are settled already, of kinds whose others may not change."""


def write(spec: Spec) -> str:
    """The text of a spec."""
    return "\n".join(_Writer(spec).lines()) + "\n"


def chosen_defaults(items: Iterable[Item], fixed: Values) -> Values:
    """For each kind the arguments that make the text shorter as defaults, beside those that are settled."""
    counts: dict[tuple[str, str], Counter[Any]] = {}
    for item in items:
        kind = KINDS.get(item.kind)
        if kind is None or item.kind in fixed:
            continue
        for place, (name, field) in enumerate(kind.fields.items()):
            if field.type in (LAYER_NAME, TENSORS) or name in item.references or (place == 0 and kind.following):
                continue
            value = item.values.get(name, defaults_of(item.kind).get(name))
            counts.setdefault((item.kind, name), Counter())[value] += 1
    found: Values = {kind: dict(values) for kind, values in fixed.items() if values}
    for (kind_name, name), counter in counts.items():
        usual = defaults_of(kind_name).get(name)
        lengths = {value: len(f", {name}: {show(value)}") for value in (*counter, usual)}
        literal = [value for value in counter if not isinstance(value, (Formula, Turned)) and value is not None]
        if not literal or (None in counter and name != "stride"):
            continue
        value = max(literal, key=lambda value: counter[value])
        share = 0.8 if name == "kernel" and KINDS[kind_name].following else 0.5
        if value == usual or counter[value] < 3 or counter[value] <= share * counter.total():
            continue
        if (counter[value] - 1) * lengths[value] > counter[usual] * lengths[usual]:
            found.setdefault(kind_name, {})[name] = value
    order = list(KINDS)
    return {
        kind: {name: found[kind][name] for name in KINDS[kind].fields if name in found[kind]}
        for kind in sorted(found, key=order.index)
    }


class _Writer:
    """Writes one spec."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.blocks = {block.name: block for block in spec.blocks}
        lists = [spec.items, *(block.items for block in spec.blocks)]
        self.defaults = chosen_defaults([item for items in lists for item in every(items)], spec.fixed)
        self.named = {tensor for items in lists for tensor in taken_by_name(items)}
        self.named.update(tensor for _, tensor in spec.outputs)
        self.named |= spec.labels

    def lines(self) -> list[str]:
        spec = self.spec
        found = [f"name: {quoted(spec.name)}"]
        if spec.source:
            found += folded("source", spec.source)
        shapes = {name: f"[{', '.join(map(str, shape))}]" for name, shape in spec.inputs.items()}
        if len(shapes) == 1:
            found.append(f"input: {next(iter(shapes.values()))}")
        else:
            found += ["input:", *(f"  {name}: {shape}" for name, shape in shapes.items())]
        if self.defaults:
            found.append("defaults:")
            for kind, values in self.defaults.items():
                found.append(
                    f"  {kind}: {{{', '.join(f'{name}: {show(v, kind, name)}' for name, v in values.items())}}}"
                )
        if spec.blocks:
            found.append("blocks:")
            for block in spec.blocks:
                found += self.block(block)
        found += ["layers:", *self.steps(spec.items, "  ")]
        if spec.outputs:
            named = [(name, spec.names[tensor]) for name, tensor in spec.outputs]
            found += wrapped(f"outputs: {outputs(named)}", "")
        return found

    def block(self, block: Block) -> list[str]:
        found = [f"  {block.name}:"]
        if block.arguments:
            given = [f"{name}: {'required' if v is None else show(v)}" for name, v in block.arguments.items()]
            found += wrapped(f"    args: {{{', '.join(given)}}}", "    ")
        return [*found, "    layers:", *self.steps(block.items, "      ")]

    # -- steps

    def steps(self, items: list[Item], indent: str) -> list[str]:
        return [line for item in items for line in self.item(item, indent)]

    def item(self, item: Item, indent: str) -> list[str]:
        """The lines of one step; the first begins with a dash."""
        if item.branches is not None:
            inner = [line for branch in item.branches for line in self.branch(branch, indent + "    ")]
            return [f"{indent}- {item.kind}:", *inner, *(f"{indent}  {entry}" for entry in self.entries(item)[1:])]
        if item.items is not None:
            return self.nested(item, indent)
        entries = self.entries(item)
        line = f"{indent}- {flow(entries)}"
        if len(line) <= WIDTH:
            return [line]
        first, *rest = [entry if ":" in entry else f"{entry}:" for entry in entries]
        lines = [f"{indent}- {first}", *(f"{indent}  {entry}" for entry in rest)]
        return [line for whole in lines for line in wrapped(whole, indent + "  ")]

    def nested(self, item: Item, indent: str) -> list[str]:
        """A group, or a loop with its table."""
        if not item.names:
            inner = self.one_line(item.items or [], indent + "  layers: ")
            if inner is not None:
                return [f"{indent}- {inner.strip()}", *self.below(item, indent)]
            return [f"{indent}- layers:", *self.steps(item.items or [], indent + "    "), *self.below(item, indent)]
        if len(item.names) == 1:
            found = [f"{indent}- for: {item.names[0]}"]
            found += wrapped(f"{indent}  in: [{', '.join(show(row[0]) for row in item.rows)}]", indent + "  ")
        else:
            found = [*wrapped(f"{indent}- for: [{', '.join(item.names)}]", indent + "  "), f"{indent}  in:"]
            for row in item.rows:
                found += wrapped(f"{indent}    - [{', '.join(map(show, row))}]", indent + "    ")
        return [*found, f"{indent}  layers:", *self.steps(item.items or [], indent + "    "), *self.below(item, indent)]

    def below(self, item: Item, indent: str) -> list[str]:
        return [f"{indent}  {entry}" for entry in self.modifiers(item)]

    def branch(self, branch: Branch, indent: str) -> list[str]:
        condition = f"if: {branch.condition}" if branch.condition else ""
        if branch.tensor is not None or not branch.items:
            name = "x" if branch.tensor is None else self.spec.names[branch.tensor]
            return [f"{indent}- {{{name}, {condition}}}" if condition else f"{indent}- {name}"]
        if condition:
            return [f"{indent}- layers:", *self.steps(branch.items, indent + "    "), f"{indent}  {condition}"]
        line = self.one_line(branch.items, f"{indent}- ")
        if line is not None:
            return [line]
        inner = self.steps(branch.items, indent + "  ")
        return [f"{indent}- {inner[0].lstrip()}", *inner[1:]]

    def one_line(self, items: list[Item], begin: str) -> str | None:
        """The steps as a list behind `begin`; None where they do not fit a line, or are no plain steps."""
        if any(item.branches is not None or item.items is not None for item in items):
            return None
        line = f"{begin}[{', '.join(flow(self.entries(item)) for item in items)}]"
        return line if len(line) <= WIDTH else None

    def called(self, tensor: int) -> str:
        """What a step names a tensor."""
        return "x" if tensor == CURRENT else self.spec.names[tensor]

    def entries(self, item: Item) -> list[str]:
        """What stands in the mapping of a step: its kind first, with the main argument."""
        kind = KINDS.get(item.kind) if item.kind not in self.blocks else None
        if kind is None:
            block = self.blocks[item.kind]
            values = {name: value for name, value in item.values.items() if value != block.arguments[name]}
            names = list(block.arguments)
        else:
            defaults = {**defaults_of(item.kind), **self.defaults.get(item.kind, {})}
            values = {}
            for name, field in kind.fields.items():
                value = item.values.get(name, defaults_of(item.kind).get(name))
                if name in item.references:
                    tensors = [self.called(tensor) for tensor in item.references[name]]
                    value = Named(f"[{', '.join(tensors)}]" if field.type is TENSORS else tensors[0])
                elif name in defaults and defaults[name] == value and type(defaults[name]) is type(value):
                    continue
                elif value is None:  # a pool's stride, where the file's default is another than the kernel
                    value = item.values.get("kernel", defaults.get("kernel"))
                values[name] = value
            names = list(kind.fields)
        first = names[0] if names and item.branches is None else ""
        first = "" if isinstance(values.get(first), bool) else first  # `{batch_norm, scale: false}` says what is off
        found = [f"{item.kind}: {show(values[first], item.kind, first)}" if first in values else item.kind]
        found += [f"{name}: {show(value, item.kind, name)}" for name, value in values.items() if name != first]
        return found + self.modifiers(item)

    def modifiers(self, item: Item) -> list[str]:
        """`from`, `repeat`, `if`, `name`, `share` and `learned`, where they are given."""
        names = self.spec.names
        sources = [self.called(tensor) for tensor in item.sources]
        found = [f"from: {one_or_list(sources)}"] if sources else []
        found += [] if item.repeat == 1 else [f"repeat: {show(item.repeat)}"]
        found += [f"if: {item.condition}"] if item.condition else []
        found += [f"name: {names[item.result]}"] if item.result in self.named else []
        found += [] if item.owner is None else [f"share: {names[item.owner]}"]
        return found + (["learned: false"] if item.frozen else [])


def one_or_list(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"[{', '.join(names)}]"


class Named(str):
    """Names of tensors, which are written as they are."""


# -- values and lines --------------------------------------------------------------------------------------------------


def show(value: Any, kind: str = "", name: str = "") -> str:
    """A value as it stands in a mapping; with its kind and field sizes are ``1x7``."""
    if isinstance(value, Turned):
        text = f"{operand(value.first)} if i == 0 else {operand(value.rest)}"
        return f'"{text}"' if set(text) & set(",[]{}") else text
    if isinstance(value, Named):
        return value
    if isinstance(value, Formula):
        return f'"{value.text}"' if set(value.text) & set(",[]{}") else value.text
    field = KINDS[kind].fields.get(name) if kind in KINDS else None
    if isinstance(value, tuple) and (field is None or field.type is SIZES) and is_size(value):
        return "x".join(map(str, value))
    return show_whole(value)


def is_size(value: tuple[Any, ...]) -> bool:
    return 2 <= len(value) <= 3 and all(type(entry) is int and entry > 0 for entry in value)


def operand(value: Any) -> str:
    return value.text if isinstance(value, Formula) else show(value)


def flow(entries: list[str]) -> str:
    """A step on one line: a word alone, or a mapping."""
    if len(entries) == 1 and ":" not in entries[0]:
        return entries[0]
    return "{" + ", ".join(entries) + "}"


def wrapped(line: str, indent: str) -> list[str]:
    """A line, broken behind commas where it is too long."""
    found = []
    while len(line) > WIDTH:
        row, comma, _ = line[:WIDTH].rpartition(", ")
        if not comma:
            break
        found.append(f"{row},")
        line = f"{indent}  {line.removeprefix(row + comma)}"
    return [*found, line]


def folded(key: str, text: str) -> list[str]:
    """A text behind its key; a long one over several lines, which YAML joins again."""
    line = f"{key}: {quoted(text)}"
    words = re.split(r"(?<! ) (?! )", text)  # where a line may end: two spaces stay two
    if len(line) <= WIDTH or text != text.strip() or not re.fullmatch(r"[^\n\r\t]+", text):
        return [line]
    found = [f"{key}: >-"]
    row = " "
    for word in words:
        if len(row) + len(word) >= WIDTH and row.strip():
            found.append(row)
            row = " "
        row += f" {word}"
    return [*found, row]
