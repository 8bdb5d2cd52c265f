"""The config of a Keras model: JSON -> layers, their calls, and who takes whom.

Both forms of a config (Keras 2's lists and Keras 3's tensors) become one.  It knows no layer class: what a class does
is said in `layers`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cnncalc.convert.archive import shown
from cnncalc.convert.rows import MAX_NODES, failed, origin
from cnncalc.diagnostics import Fault, SpecError
from cnncalc.records import NamedTuple

MAX_NESTING = 32
"""Levels of models within models, and of lists within a call's arguments."""

TYPES = ("float", "bfloat", "int", "uint", "bool", "complex", "string", "mixed_")
"""How the names of types, and of policies for them, begin."""

Sizes = tuple[int | None, ...]
"""A shape in Keras' order without the batch; None for a size that is left open."""


class Reference(NamedTuple):
    """A tensor that a call takes: result `tensor` of call `call` of a layer."""

    layer: str
    call: int
    tensor: int
    stated: Sizes | None = None
    """Its shape, where the config says it."""
    is_end: bool = False
    """Whether it is an input or output of the model, and no argument of a call."""


class Call(NamedTuple):
    """One use of a layer: its arguments, in which each tensor is a `Reference`."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    @property
    def tensors(self) -> list[Reference]:
        """The tensors among its arguments, in order, those of a mask left out."""
        found: list[Reference] = []
        for value in self.args:
            found.extend(references(value))
        for name, value in self.kwargs.items():
            if name != "mask":
                found.extend(references(value))
        return found


class Entry(NamedTuple):
    """A layer of a model."""

    name: str
    kind: str
    """Its class: ``Conv2D``."""
    module: str
    """Where its class is, as far as the config says; ``keras.src.ops.numpy`` for an operation."""
    config: dict[str, Any]
    built: Sizes | None
    """The shape of its first input, where the config says it."""
    model: Model | None
    """What it is made of, if it is a model itself."""
    calls: tuple[Call, ...]


class Model(NamedTuple):
    """A model: its layers, and the tensors that come in and go out."""

    name: str
    entries: dict[str, Entry]
    inputs: tuple[Reference, ...]
    """Names of its input layers; ``call`` and ``tensor`` are 0."""
    outputs: tuple[tuple[str, Reference], ...]
    trainable: bool
    is_functional: bool
    is_legacy: bool
    """Keras 2 (and 1) wrote it."""
    shapes: dict[str, Sizes | None]
    """What the config says of every input's shape."""


def references(value: Any) -> Iterator[Reference]:
    """The tensors within an argument that `Reader.value` has read, so that its depth is bounded."""
    if isinstance(value, Reference):
        yield value
    elif isinstance(value, (list, dict)):
        for entry in value.values() if isinstance(value, dict) else value:
            yield from references(entry)


# -- from JSON to layers -----------------------------------------------------------------------------------------------


def sizes(value: Any) -> Sizes | None:
    """The shape without the batch in ``[null, 224, 224, 3]``; None for anything else.

    A single number for each sample is a vector of one.
    """
    if not isinstance(value, list) or not 1 <= len(value) <= 10:
        return None
    if not all(size is None or (type(size) is int and size >= 0) for size in value):
        return None
    return tuple(value[1:]) or (1,)


class Reader:
    """Reads the config of one source."""

    def __init__(self, source: str, config: dict[str, Any]) -> None:
        self.source = source
        for key in ("modelTopology", "model_config"):  # as TensorFlow.js wraps it
            config = config[key] if isinstance(config.get(key), dict) else config
        self.config = config
        self.is_legacy = "module" not in config
        """Keras 2 (and 1) wrote it."""
        self.layers = 0

    def read(self) -> Model:
        """The model of the source; raises `SpecError` naming the layer at fault."""
        return self.model(self.config)

    def model(self, value: dict[str, Any], node: str = "", depth: int = 0) -> Model:
        """The model in ``{"class_name": ..., "config": ...}``; raises `SpecError` naming the layer at fault.

        `node` is the place of a model within models, as messages call it.
        """
        if depth > MAX_NESTING:
            raise self.fail("nesting", f"models are nested deeper than {MAX_NESTING} levels", node)
        config = value.get("config")
        if isinstance(config, list):  # Keras 1 wrote a Sequential so
            config = {"layers": config}
        if not isinstance(config, dict) or not isinstance(config.get("layers"), list):
            if "class_name" not in value:
                raise self.fail("wrong-format", "it is JSON, and no config of Keras", node)
            message = f"`{shown(value['class_name'])}` has no list of layers"
            help = (
                "a model that is a class of its own has no config: write it as ONNX, `model.export('net.onnx', 'onnx')`"
            )
            raise self.fail("wrong-format", message, node, help)
        name = config["name"] if isinstance(config.get("name"), str) else ""
        trainable = config.get("trainable", value.get("trainable")) is not False
        entries = {}
        for position, layer in enumerate(config["layers"]):
            entry = self.entry(layer, position, node, depth)
            if entry.name in entries:
                raise self.fail("duplicate-name", "two layers have this name", f"{node}{entry.name}")
            entries[entry.name] = entry
        if "input_layers" in config or "output_layers" in config:
            return self.functional(name, config, entries, trainable, node)
        return self.sequential(name, config, value, entries, trainable, node)

    def entry(self, value: Any, position: int, node: str, depth: int) -> Entry:
        """One layer, with what it is called on."""
        if not isinstance(value, dict) or not isinstance(value.get("config"), (dict, list)):
            raise self.fail("wrong-format", f"entry {position} of `layers` is no layer with a `config`", node)
        config = value["config"] if isinstance(value["config"], dict) else {"layers": value["config"]}
        kind, name = value.get("class_name"), value.get("name", config.get("name"))
        if not isinstance(kind, str) or not kind:
            raise self.fail("wrong-format", f"entry {position} of `layers` has no `class_name`", node)
        if not isinstance(name, str) or not name:
            name = f"{kind.lower()}_{position}"
        self.layers += 1
        if self.layers > MAX_NODES:
            raise self.fail("too-large", f"it has more than {MAX_NODES:,} layers", "")
        place = f"{node}{name}"
        self.check_type(config.get("dtype"), place)
        inner = None
        if isinstance(config.get("layers"), list):
            inner = self.model({**value, "config": config}, f"{place}.", depth + 1)
        inbound = value.get("inbound_nodes", [])
        if not isinstance(inbound, list):
            raise self.fail("wrong-format", "`inbound_nodes` is no list", place)
        module = value.get("module")
        return Entry(
            name,
            kind.rpartition(">")[2],
            module if isinstance(module, str) else "",
            config,
            _built(value, config),
            inner,
            tuple([self.call(made, place) for made in inbound]),
        )

    def check_type(self, value: Any, place: str) -> None:
        """Raise `SpecError` for a type of numbers that nobody knows: a name, or a policy's."""
        while isinstance(value, dict):
            value = value.get("name", value.get("config"))
        if isinstance(value, str) and not value.startswith(TYPES):
            raise self.fail("unknown-dtype", f"`{shown(value)}` is no type of numbers", place)

    def call(self, value: Any, place: str) -> Call:
        """One entry of ``inbound_nodes``."""
        try:
            if isinstance(value, dict) and "args" in value:
                args, kwargs = value["args"], value.get("kwargs") or {}
                if not isinstance(args, list) or not isinstance(kwargs, dict):
                    raise Fault("wrong-format", "`args` is no list, or `kwargs` no mapping")
                read = {name: self.value(entry) for name, entry in kwargs.items()}
                return Call(tuple([self.value(entry) for entry in args]), read)
            return self.legacy(value)
        except Fault as fault:
            raise failed(fault, self.source, place) from None

    def legacy(self, value: Any) -> Call:
        """A call as Keras 2 wrote it: ``[[layer, call, tensor, kwargs], ...]``, or one such list for an operation.

        Where tensors are given by name, it is a mapping of them.
        """
        if _is_triple(value) or _is_constant(value):
            value = [value]
        if not isinstance(value, (list, dict)):
            raise Fault("wrong-format", "an entry of `inbound_nodes` is no list")
        kwargs: dict[str, Any] = {}
        taken = []
        for entry in value.values() if isinstance(value, dict) else value:
            if not _is_triple(entry) and not _is_constant(entry):
                raise Fault("wrong-format", "an entry of `inbound_nodes` names no layer, call and tensor")
            if len(entry) > 3 and isinstance(entry[3], dict):
                kwargs |= {name: self.value(argument) for name, argument in entry[3].items()}
            taken.append(self.value(entry))
        if isinstance(value, dict):
            return Call((dict(zip(value, taken)),), kwargs)
        return Call((taken[0] if len(taken) == 1 else taken,), kwargs)

    def value(self, value: Any, depth: int = 0) -> Any:
        """An argument: its tensors become `Reference`, slices and constants what they are in Python."""
        if depth > MAX_NESTING:
            raise Fault("nesting", f"the arguments are nested deeper than {MAX_NESTING} levels")
        depth += 1
        if isinstance(value, dict):
            kind, config = value.get("class_name"), value.get("config")
            if kind == "__keras_tensor__" and isinstance(config, dict):
                history: Any = config.get("keras_history")
                if not _is_triple(history):
                    raise Fault("wrong-format", "a tensor's `keras_history` is no layer, call and tensor")
                return _reference(history, sizes(config.get("shape")))
            if kind == "__slice__" and isinstance(config, dict):
                return slice(config.get("start"), config.get("stop"), config.get("step"))
            if kind == "__ellipsis__":
                return Ellipsis
            if kind in ("__tensor__", "__numpy__") and isinstance(config, dict):
                return self.value(config.get("value"), depth)
            return {name: self.value(entry, depth) for name, entry in value.items()}
        if isinstance(value, list):
            if self.is_legacy and _is_constant(value):
                return self.value(value[2], depth)
            if self.is_legacy and _is_triple(value):
                return _reference(value)
            return [self.value(entry, depth) for entry in value]
        return value

    # -- the two forms of a model

    def functional(
        self, name: str, config: dict[str, Any], entries: dict[str, Entry], trainable: bool, node: str
    ) -> Model:
        """A model whose layers say what they take."""
        inputs = tuple([reference for _, reference in self.ends(config.get("input_layers"), node)])
        outputs = tuple(self.ends(config.get("output_layers"), node))
        for reference in inputs:
            if reference.layer not in entries:
                message = f"`input_layers` names `{shown(reference.layer)}`, which is no layer"
                raise self.fail("unknown-layer", message, node)
        if not inputs or not outputs:
            missing = "output" if inputs else "input"
            raise self.fail("wrong-format", f"`{missing}_layers` names no layer", node)
        shapes = {reference.layer: _input_shape(entries[reference.layer].config) for reference in inputs}
        return Model(name, entries, inputs, outputs, trainable, True, self.is_legacy, shapes)

    def ends(self, value: Any, node: str, name: str = "", depth: int = 0) -> list[tuple[str, Reference]]:
        """The tensors in ``input_layers`` or ``output_layers``, with the key that each has there."""
        if _is_triple(value):
            return [(name or value[0], _reference(value)._replace(is_end=True))]
        if isinstance(value, (list, dict)) and depth < MAX_NESTING:
            named = value.items() if isinstance(value, dict) else (("", entry) for entry in value)
            return [end for key, entry in named for end in self.ends(entry, node, key or name, depth + 1)]
        raise self.fail("wrong-format", "an end of the model names no layer, call and tensor", node)

    def sequential(
        self,
        name: str,
        config: dict[str, Any],
        value: dict[str, Any],
        entries: dict[str, Entry],
        trainable: bool,
        node: str,
    ) -> Model:
        """A chain of layers: each is given its one call."""
        if not entries:
            raise self.fail("wrong-format", "it has no layers", node, "add some: a model begins with `keras.Input`")
        chain = list(entries.values())
        first = chain[0]
        shape = _input_shape(first.config) or sizes(config.get("build_input_shape")) or _built(value, {}) or first.built
        if first.kind == "InputLayer":
            before = first.name
        else:
            before = "input" if "input" not in entries else f"{first.name}_input"
            entries = {before: Entry(before, "InputLayer", "", {}, None, None, ()), **entries}
        last = Reference(before, 0, 0, None)
        inputs = (last,)
        for entry in chain:
            if entry.name != before:
                entries[entry.name] = entry._replace(calls=(Call((last._replace(stated=entry.built),), {}),))
                last = Reference(entry.name, 0, 0, None)
        return Model(name, entries, inputs, ((last.layer, last),), trainable, False, self.is_legacy, {before: shape})

    def fail(self, code: str, message: str, node: str, help: str = "") -> SpecError:
        place = origin(self.source, shown(node.removesuffix("."))) if node else origin(self.source)
        return SpecError([Fault(code, message, None, help).at(place)])


def _is_triple(value: Any) -> bool:
    """Whether this is a layer's name, the number of its call and that of the tensor."""
    if not isinstance(value, list) or len(value) < 3 or not isinstance(value[0], str):
        return False
    return type(value[1]) is int and type(value[2]) is int


def _is_constant(value: Any) -> bool:
    """Whether this is a constant as Keras 2 wrote one that stands where a tensor might: with a layer's number of -1."""
    return isinstance(value, list) and value[:2] == ["_CONSTANT_VALUE", -1] and len(value) > 2


def _reference(triple: list[Any], stated: Sizes | None = None) -> Reference:
    layer, call, tensor = triple[:3]
    return Reference(layer, call, tensor, stated)


def _built(value: dict[str, Any], config: dict[str, Any]) -> Sizes | None:
    """The input's shape that a layer was built with."""
    build = value.get("build_config")
    return sizes(build.get("input_shape")) if isinstance(build, dict) else _input_shape(config)


def _input_shape(config: dict[str, Any]) -> Sizes | None:
    """The shape that an input layer, or a first layer, declares."""
    for key in ("batch_shape", "batch_input_shape"):
        if (found := sizes(config.get(key))) is not None:
            return found
    return None
