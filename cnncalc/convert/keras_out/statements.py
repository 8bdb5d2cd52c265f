"""Calls as statements, in lines that are not too long."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cnncalc.convert.keras_out.bodies import Body, Item
from cnncalc.convert.keras_out.calls import REQUIRED, Call, Expression
from cnncalc.convert.keras_out.variables import Names

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
    if call.callee.startswith("layers.") or call.callee[0].isupper():
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


def rolled(body: Body, names: Names) -> Iterator[tuple[str, Item]]:
    """The statements of the network; equal calls one after the other are a loop over the number in their names."""
    items, place = body.items, 0
    while place < len(items):
        end = place + 1
        while end < len(items) and continues(items[end - 1].call, items[end].call, names):
            end += 1
        call = items[place].call
        if end - place > 1:
            stem, first = numbered(call.name)
            called = statement(call, names, f'f"{stem}{{i}}"')
            bounds = f"{first}, {first + end - place}" if first else f"{end - place}"
            yield f"for i in range({bounds}):", items[place]
            yield f"    {called}", items[place]
        elif call.name in names.shared:
            variable = names.shared[call.name]
            if not call.shared:
                yield f"{variable} = {layer(call, literal(call.name))}", items[place]
            yield f"{names.of[call.output]} = {variable}({listed(call, names)})", items[place]
        else:
            yield statement(call, names, literal(call.name)), items[place]
        place = end


def continues(before: Call, call: Call, names: Names) -> bool:
    """Whether a block's call is the one before again, on its result and with the next number."""
    if call.callee.startswith("layers.") or (call.callee, call.arguments) != (before.callee, before.arguments):
        return False
    stem, number = numbered(call.name)
    chained = call.inputs == (before.output,) and len(before.inputs) == 1
    variables = {names.of[value] for value in (call.output, before.output, *before.inputs)}
    return chained and len(variables) == 1 and number >= 0 and numbered(before.name) == (stem, number - 1)


def numbered(name: str) -> tuple[str, int]:
    """A name without the number at its end, and that number; -1 where there is none."""
    stem = name.rstrip("0123456789")
    digits = name[len(stem) :]
    return (stem, int(digits)) if digits and str(int(digits)) == digits else (name, -1)


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
    start, end = widest(line)
    inner = line[start + 1 : end]
    yield f"{space}{line[: start + 1]}"
    if len(space) + 4 + len(inner) <= WIDTH:
        yield f"{space}    {inner}"
    else:
        for part in separate(inner):
            yield from broken(f"{part},", indent + 4)
    yield f"{space}{line[end:]}"


def widest(line: str) -> tuple[int, int]:
    """The outermost pair of brackets that holds the most text."""
    found, depth, start = (0, 0), 0, 0
    quoted = False
    for place, letter in enumerate(line):
        quoted ^= letter == '"'
        if quoted:
            continue
        if letter in "([{":
            start = place if depth == 0 else start
            depth += 1
        elif letter in ")]}":
            depth -= 1
            if depth == 0 and place - start > found[1] - found[0]:
                found = (start, place)
    return found


def separate(text: str) -> list[str]:
    """The parts between the outermost commas."""
    found, depth, start, quoted = [], 0, 0, False
    for place, letter in enumerate(text):
        quoted ^= letter == '"'
        if not quoted:
            depth += (letter in "([{") - (letter in ")]}")
            if letter == "," and depth == 0:
                found.append(text[start:place].strip())
                start = place + 1
    return [*found, text[start:].strip()]
