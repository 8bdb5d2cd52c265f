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
from cnncalc.convert.keras_out.attending_snippets import ATTENDING
from cnncalc.convert.keras_out.bodies import Body, Function, free
from cnncalc.convert.keras_out.calls import REQUIRED, Sketch, identifier
from cnncalc.convert.keras_out.functions import functions
from cnncalc.convert.keras_out.layers import CALLS, padded_ways, positive
from cnncalc.convert.keras_out.snippets import SNIPPETS
from cnncalc.convert.keras_out.statements import WIDTH, broken, literal, rolled, statements
from cnncalc.convert.keras_out.variables import Names, safe
from cnncalc.diagnostics import Fault
from cnncalc.geometry import Shape, dims
from cnncalc.graph import Graph, Node

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
    """Put weights, channels first, into the layers of a model that an export has built.

    Those that reach no output are none of the model's.
    """
    import numpy

    from cnncalc.convert.keras_out.weights import keras_weights

    needed = graph.needed()
    held = {(node.shares or node).name for node in graph.nodes if needed[node.number]}
    for node in graph.nodes:
        if node.name not in held or node.shares is not None or not node.operation.weights:
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
    reserved = {"float", "keras", "layers", "min", "ops", "range", builder, *sketch.needed}
    made, main = functions(sketch, reserved)
    snippets = {**SNIPPETS, **ATTENDING}
    texts = [text for name, text in snippets.items() if name in sketch.needed]
    reserved |= {each.name for each in made}
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
    needed = graph.needed()
    if not all(needed[node.number] for node in graph.nodes):
        lines.append("Layers that reach no output are counted here, and are none of the model's.")
    return "\n".join(lines).replace("\\", "\\\\").replace('"""', "'''") + "\n"


def last(shape: Shape) -> Shape:
    """A shape with the channels last."""
    return (*shape[1:], shape[0])


def function_lines(sketch: Sketch, function: Function, reserved: set[str]) -> Iterator[str]:
    """The definition of a function that builds a block."""
    inputs = ["inputs", *(f"inputs{place}" for place in range(2, len(function.body.inputs) + 1))]
    listed = [parameter.name for parameter in function.parameters if parameter.default is REQUIRED]
    listed += [f"{name}={literal(default)}" for name, default in function.parameters if default is not REQUIRED]
    yield from broken(f"def {function.name}({', '.join([*inputs, *listed, '*', 'name'])}):", 0)
    taken = reserved | {parameter.name for parameter in function.parameters} | {"name"}
    names = Names(sketch, function.body, dict(zip(function.body.inputs, inputs)), [function.body.result], taken)
    flag = ""
    for line, item in statements(function.body, names, "name"):
        if item.flag != flag or item.key in function.bypass:
            flag = item.flag
            if flag:
                left, instead = function.bypass[item.key]
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
    for line, indent in rolled(body, names):
        yield from broken(line, indent)
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
