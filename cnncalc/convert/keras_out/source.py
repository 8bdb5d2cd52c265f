"""Graph -> Keras: source with the functional API, channels last, and the model that it builds.

Which calls the layers are says `layers`, which of them become functions `functions`; here they are
written.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from keyword import iskeyword
from textwrap import wrap
from typing import Any

from cnncalc.analyzers.measurement import Measurement
from cnncalc.convert.keras_out.calls import REQUIRED, Call, Expression, Sketch, identifier
from cnncalc.convert.keras_out.functions import Body, Function, Item, free, functions
from cnncalc.convert.keras_out.layers import CALLS, padded_ways, positive
from cnncalc.convert.keras_out.snippets import SNIPPETS
from cnncalc.diagnostics import Fault
from cnncalc.geometry import Shape, dims
from cnncalc.graph import Graph, Node

WIDTH = 120

DEEP = 4
"""Calls that Keras nests for each layer of a chain, when it makes a model of its end."""

WeightSource = Callable[[Node, str, Shape], Sequence[float]]
"""Gives the values of a tensor of weights, flat and row-major, for the node that owns it: the executor's `Weights`."""


def to_keras_source(graph: Graph, name: str | None = None) -> str:
    """A module with a function that builds the network as a `keras.Model`; `name` is that function's.

    Raises `SpecError` at a layer that Keras cannot say, and `Fault` for a name that is no identifier.
    """
    return written(graph, function_name(graph, name))


def to_keras(graph: Graph, weights: WeightSource | None = None, name: str | None = None) -> Any:
    """The `keras.Model` that the source builds; with Keras' own initial weights unless some are given."""
    try:
        import keras  # noqa: F401
    except ImportError:
        message = "the export to a Keras model needs the library `keras` and one of its backends"
        raise Fault("missing-library", message, None, "pip install 'cnncalc[keras]'") from None
    builder = function_name(graph, name)
    source = written(graph, builder)
    module: dict[str, Any] = {"__name__": f"cnncalc.exported.{builder}"}
    exec(compile(source, f"<{builder}>", "exec"), module)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, DEEP * len(graph.nodes) + 1_000))
    try:
        model = module[builder]()
    finally:
        sys.setrecursionlimit(limit)
    if weights is not None:
        set_weights(graph, model, weights)
    return model


def set_weights(graph: Graph, model: Any, weights: WeightSource) -> None:
    """Put weights, channels first, into the layers of a model that an export has built."""
    import numpy

    from cnncalc.convert.keras_out.weights import keras_weights

    for node in graph.nodes:
        if node.shares is not None or not node.operation.weights:
            continue
        layer = model.get_layer(identifier(node.name))
        given = []
        for weight in node.operation.weights:
            values = weights(node, weight.name, weight.shape)
            moved, shape = keras_weights(node, weight.name, values, weight.shape, layer)
            given.append(numpy.array(moved, dtype="float32").reshape(shape))
        layer.set_weights(given)


def function_name(graph: Graph, name: str | None) -> str:
    """The name of the function that builds the network: `name`, or one from the network's own."""
    if name is not None:
        if not name.isidentifier() or iskeyword(name):
            raise Fault("wrong-name", f"`{name}` is no name for a Python function", None, "letters, digits and `_`")
        return name
    made = identifier(graph.variant or graph.name).lower().strip("_") or "network"
    return made if made.isidentifier() and not iskeyword(made) else f"network_{made}"


def sketched(graph: Graph) -> Sketch:
    """The calls of a graph."""
    sketch = Sketch(graph)
    sketch.agree(padded_ways(sketch))
    sketch.positive = positive(sketch)
    for node in graph.nodes:
        sketch.add(node, CALLS.get(node.kind))
    return sketch


# -- the module --------------------------------------------------------------------------------------------------------


def written(graph: Graph, builder: str) -> str:
    """The whole source."""
    sketch = sketched(graph)
    made, main = functions(sketch)
    texts = [text for name, text in SNIPPETS.items() if name in sketch.needed]
    reserved = {"keras", "layers", "ops", builder, *sketch.needed, *(each.name for each in made)}
    texts += ["\n".join(function_lines(sketch, each, reserved)) + "\n" for each in made]
    texts.append("\n".join(main_lines(sketch, main, builder, reserved)) + "\n")
    code = "\n\n".join(text.strip("\n") + "\n" for text in texts)
    used = [name for name in ("layers", "ops") if f"{name}." in code]
    imports = "import keras\n" + (f"from keras import {', '.join(used)}\n" if used else "")
    return f'"""{heading(graph)}"""\n\n{imports}\n\n{code}'


def heading(graph: Graph) -> str:
    """What the docstring says: the network, where it comes from, and the figures that must come out."""
    totals = Measurement(graph).total
    title = f"{graph.name}{f' ({graph.variant})' if graph.variant and graph.variant != graph.name else ''}"
    first = f"{title}, as Keras builds it: channels last, the layers named after the rows of the report."
    lines = [*wrap(first, WIDTH - 3, break_long_words=False), ""]
    if graph.source:
        lines += wrap(f"Source: {graph.source}", WIDTH, break_long_words=False)
    for name, shape in graph.inputs:
        lines.append(f"Input: {dims(last(shape))}{f' ({name})' if len(graph.inputs) > 1 else ''}")
    for name, tensor in graph.outputs:
        shape = graph.shapes[tensor]
        lines.append(f"Output: {dims(last(shape))}{f' ({name})' if len(graph.outputs) > 1 else ''}")
    lines.append(f"Parameters: {totals('params') or 0:,} trainable, {totals('state') or 0:,} non-trainable")
    lines.append(f"Multiply-accumulates: {totals('macs') or 0:,}")
    return "\n".join(lines).replace("\\", "\\\\").replace('"""', "'''") + "\n"


def last(shape: Shape) -> Shape:
    """A shape with the channels last."""
    return (*shape[1:], shape[0])


def function_lines(sketch: Sketch, function: Function, reserved: set[str]) -> Iterator[str]:
    """The definition of a function that builds a block."""
    inputs = ["inputs", *(f"inputs{place}" for place in range(2, len(function.body.inputs) + 1))]
    listed = [parameter.name for parameter in function.parameters if parameter.default is REQUIRED]
    listed += [f"{name}={literal(default)}" for name, default in function.parameters if default is not REQUIRED]
    yield f"def {function.name}({', '.join([*inputs[: len(function.body.inputs)], *listed, '*', 'name'])}):"
    taken = reserved | {parameter.name for parameter in function.parameters} | {"name"}
    names = Names(sketch, function.body, dict(zip(function.body.inputs, inputs)), [function.body.result], taken)
    flag = ""
    for line, item in statements(function.body, names, "name"):
        if item.flag != flag:
            flag = item.flag
            if flag:
                left, instead = function.bypass[flag]
                if names.of[left] != names.of[instead]:
                    yield f"    {names.of[left]} = {names.of[instead]}"
                yield f"    if {flag}:"
        yield from broken(line, 8 if flag else 4)
    yield f"    return {names.of[function.body.result]}"


def main_lines(sketch: Sketch, body: Body, builder: str, reserved: set[str]) -> Iterator[str]:
    """The function that builds the network."""
    graph = sketch.graph
    yield f"def {builder}():"
    yield '    """The network as a `keras.Model`."""'
    taken = set(reserved)
    only = len(graph.inputs) == 1
    inputs = ["inputs"] if only else [free(safe(identifier(name), taken), taken) for name, _ in graph.inputs]
    for variable, (name, shape) in zip(inputs, graph.inputs):
        yield f"    {variable} = keras.Input({literal(last(shape))}, name={literal(identifier(name))})"
    leaving = [sketch.values[tensor] for _, tensor in graph.outputs]
    names = Names(sketch, body, dict(enumerate(inputs)), leaving, taken | {"outputs"})
    for line, _ in rolled(body, names):
        yield from broken(line, 4)
    outputs = []
    for (name, _), value in zip(graph.outputs, leaving):
        direct = value >= len(graph.inputs) and leaving.count(value) == 1
        variable = names.of[value]
        outputs.append(variable if direct else f"layers.Identity(name={literal(free_layer(sketch, name))})({variable})")
    named = [f"{literal(name)}: {output}" for (name, _), output in zip(graph.outputs, outputs)]
    ends = "inputs" if only else f"[{', '.join(inputs)}]"
    result = outputs[0] if len(outputs) == 1 else f"{{{', '.join(named)}}}"
    yield from broken(f"return keras.Model({ends}, {result}, name={literal(builder)})", 4)


def free_layer(sketch: Sketch, name: str) -> str:
    """A layer's name after an output's."""
    return free(identifier(name), {*sketch.layers, *(identifier(name) for name, _ in sketch.graph.inputs)})


# -- variables ---------------------------------------------------------------------------------------------------------


class Names:
    """The variable of every value of a body: `x` along a chain, branches by the join that they end in, and a value
    that is kept for later by the name of its step."""

    def __init__(
        self, sketch: Sketch, body: Body, inputs: dict[int, str], leaving: Sequence[int], reserved: set[str]
    ) -> None:
        self.of = dict(inputs)
        self.reserved = reserved | {"i"}
        self.shared: dict[str, str] = {}
        """The variable of every layer that is used more than once, by the layer's name."""
        for place in sorted(sketch.owners):
            name = identifier(sketch.graph.nodes[place].name)
            self.shared[name] = free(f"{name}_layer" if name[0].isalpha() else f"layer_{name}", self.reserved)
        self.labels = labels(sketch, body)
        self.takers: dict[int, list[Item]] = {}
        for item in body.items:
            for value in dict.fromkeys(item.call.inputs):
                self.takers.setdefault(value, []).append(item)
        last = {value: place for place, item in enumerate(body.items) for value in item.call.inputs}
        last |= dict.fromkeys(leaving, len(body.items))
        wanted = self._wanted(body)
        live: dict[int, str] = {value: name for value, name in inputs.items() if value in last}
        for place, item in enumerate(body.items):
            live = {value: name for value, name in live.items() if last[value] > place}
            value = item.call.output
            self.of[value] = self._allocate(wanted[value], value, set(live.values()) | set(inputs.values()))
            if last.get(value, -1) > place:
                live[value] = self.of[value]

    def _wanted(self, body: Body) -> dict[int, str]:
        """What each value would be called if nothing else had the name."""
        found: dict[int, str] = {}
        depth: dict[int, int] = {}
        for item in body.items:
            chained = [depth.get(value, 0) for value in item.call.inputs if len(self.takers[value]) == 1]
            depth[item.call.output] = 1 + max(chained, default=0)
        for item in reversed(body.items):
            value = item.call.output
            takers = self.takers.get(value, [])
            if len(takers) != 1:
                found[value] = "x" if not takers else self.labels.get(value, "x")
                continue
            taker = takers[0].call
            if len(taker.inputs) > 1 and taker.callee.startswith("layers."):
                lengths = [depth.get(each, 0) if len(self.takers[each]) == 1 else 0 for each in taker.inputs]
                place = taker.inputs.index(value)
                found[value] = branch(taker, place, place == lengths.index(max(lengths)))
            elif len(self.takers.get(taker.output, [])) == 1:
                found[value] = found[taker.output]
            else:
                found[value] = "x"
        return found

    def _allocate(self, wanted: str, value: int, live: set[str]) -> str:
        for name in (wanted, *([self.labels.get(value, "x")] if wanted == "x" else [])):
            if name not in live and name not in self.reserved:
                return name
        return free(wanted, live | self.reserved)


def branch(join: Call, place: int, longest: bool) -> str:
    """The variable of a branch: its number where a join has many, else what it is to the longest."""
    if len(join.inputs) > 2:
        return f"branch{place + 1}"
    if longest:
        return "x"
    return {"layers.Add": "shortcut", "layers.Multiply": "gate"}.get(join.callee, "branch")


def labels(sketch: Sketch, body: Body) -> dict[int, str]:
    """Names for values after the shortest name of their step, within the block."""
    graph = sketch.graph
    made = {item.call.output for item in body.items}
    found: dict[int, str] = {}
    for tensor in range(len(graph.inputs), len(graph.shapes)):
        value, node = sketch.values[tensor], graph.nodes[tensor - len(graph.inputs)]
        if value in made:
            for name in (node.name, *node.names):
                text = identifier(name).removeprefix(f"{body.name}_" if body.name else "")
                if text.isidentifier() and not iskeyword(text) and len(text) < len(found.get(value, text + "_")):
                    found[value] = text
    return found


def safe(name: str, reserved: set[str]) -> str:
    """A variable's name made of an input's."""
    return name if name.isidentifier() and not iskeyword(name) and name not in reserved else f"input_{name}"


# -- statements --------------------------------------------------------------------------------------------------------


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
