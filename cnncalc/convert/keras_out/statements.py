"""Calls as statements, in lines that are not too long."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cnncalc.convert.keras_out.bodies import Body, Item
from cnncalc.convert.keras_out.calls import REQUIRED, Call, Expression
from cnncalc.convert.keras_out.variables import Names
from cnncalc.convert.lines import longest_bracket, split

WIDTH = 120


def statements(body: Body, names: Names, prefix: str) -> Iterator[tuple[str, Item]]:
    """Every item as a statement; `prefix` is the variable that holds the block's name, empty for the network."""
    for item in body.items:
        yield statement(item.call, names, named(item.call.name, prefix)), item


def named(name: str, prefix: str) -> str:
    """A layer's name, after that of its block."""
    if not prefix:
        return literal(name)
    return f'f"{{{prefix}}}_{name}"' if name else prefix


def statement(call: Call, names: Names, name: str) -> str:
    """``x = layers.Conv2D(64, 3, name="conv1")(x)``."""
    target = names.of[call.output]
    inputs = [names.of[value] for value in call.inputs]
    if call.callee == "[]":
        text = call.arguments[0].value
        return f"{target} = {text.format(x=inputs[0])}" if "{x}" in text else f"{target} = {inputs[0]}[{text}]"
    if call.callee == "[:]":
        start, stop = ("" if each.value is None else literal(each.value) for each in call.arguments)
        between = ":" if f"{start}{stop}".isalnum() else f"{start and ' '}:{stop and ' '}"
        return f"{target} = {inputs[0]}[..., {start}{between}{stop}]"
    if call.makes_layer:
        return f"{target} = {layer(call, name)}({listed(call, names)})"
    label = [f"name={name}"] if call.name else []
    return f"{target} = {call.callee}({', '.join([*inputs, *given(call), *label])})"


def layer(call: Call, name: str) -> str:
    """A layer with its arguments: ``layers.Conv2D(64, 3, name="conv1")``."""
    return f"{call.callee}({', '.join([*given(call), f'name={name}'])})"


def listed(call: Call, names: Names) -> str:
    """What a layer is applied to."""
    inputs = [names.of[value] for value in call.inputs]
    return f"[{', '.join(inputs)}]" if len(inputs) > 1 else inputs[0]


def given(call: Call) -> list[str]:
    """The arguments that are not the default."""
    return [
        f"{argument.keyword}={literal(argument.value)}" if argument.keyword else literal(argument.value)
        for argument in call.arguments
        if argument.default is REQUIRED
        or isinstance(argument.value, Expression)
        or argument.value != argument.default
        or isinstance(argument.value, bool) != isinstance(argument.default, bool)
    ]


def rolled(body: Body, names: Names) -> Iterator[tuple[str, int]]:
    """The statements of the network, and how far each is indented; equal calls one after the other are a loop over the
    number in their names."""
    items, place = body.items, 0
    while place < len(items):
        end = place + 1
        while end < len(items) and continues(items[end - 1].call, items[end].call, names):
            end += 1
        call = items[place].call
        if end - place > 1:
            stem, digits = numbered(call.name)
            called = statement(call, names, f'f"{stem}{{i}}"')
            first = int(digits)
            bounds = f"{first}, {first + end - place}" if first else f"{end - place}"
            yield f"for i in range({bounds}):", 4
            yield called, 8
        elif call.name in names.shared:
            variable = names.shared[call.name]
            if not call.shared:
                yield f"{variable} = {layer(call, literal(call.name))}", 4
            yield f"{names.of[call.output]} = {variable}({listed(call, names)})", 4
        else:
            yield statement(call, names, literal(call.name)), 4
        place = end


def continues(before: Call, call: Call, names: Names) -> bool:
    """Whether a block's call is the one before again, on its result and with the next number."""
    if call.callee.startswith("layers.") or (call.callee, call.arguments) != (before.callee, before.arguments):
        return False
    stem, digits = numbered(before.name)
    if not digits or call.name != f"{stem}{int(digits) + 1}":
        return False
    chained = call.inputs == (before.output,) and len(before.inputs) == 1
    variables = {names.of[value] for value in (call.output, before.output, *before.inputs)}
    return chained and len(variables) == 1


def numbered(name: str) -> tuple[str, str]:
    """A name without the number at its end, and that number; nothing where there is none, or one that begins with 0."""
    stem = name.rstrip("0123456789")
    digits = name[len(stem) :]
    return (stem, digits) if digits and str(int(digits)) == digits else (name, "")


def literal(value: Any) -> str:
    """A value as Python writes it, with double quotes."""
    if isinstance(value, Expression):
        return str(value)
    if isinstance(value, str):
        import json

        return json.dumps(value)
    if isinstance(value, tuple):
        return f"({', '.join(map(literal, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    return repr(value).replace("e-0", "e-")


def broken(line: str, indent: int) -> Iterator[str]:
    """A statement, on several lines where it is too long for one: broken within the brackets that hold most."""
    space = " " * indent
    if len(space) + len(line) <= WIDTH:
        yield space + line
        return
    found = longest_bracket(line)
    if found is None:
        yield space + line
        return
    start, end = found
    inner = line[start + 1 : end]
    yield f"{space}{line[: start + 1]}"
    if len(space) + 4 + len(inner) <= WIDTH:
        yield f"{space}    {inner}"
    else:
        for part in split(inner, ","):
            yield from broken(f"{part.strip()},", indent + 4)
    yield f"{space}{line[end:]}"
