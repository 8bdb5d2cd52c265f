"""Keras' config -> Graph: models within models are walked, each call of a layer becomes rows.

It needs no Keras: ``model.to_json()`` and ``.keras`` files are JSON.  What a class becomes is said in `layers`
and `operations`, how the JSON is read in `config`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cnncalc.convert import Imported, Inputs
from cnncalc.convert.account import Account
from cnncalc.convert.archive import load, parse, shown
from cnncalc.convert.keras.config import Call, Entry, Model, Reader, Reference, Sizes
from cnncalc.convert.keras.layers import make
from cnncalc.convert.keras.operations import is_operation, operate
from cnncalc.convert.keras.site import Site
from cnncalc.convert.keras.wiring import Key, Wiring
from cnncalc.convert.rows import MAX_NODES, Rows, failed, row_name
from cnncalc.convert.unreadable import KERAS, Advice, advised
from cnncalc.diagnostics import Fault, SpecError, suggestion
from cnncalc.geometry import Shape, dims
from cnncalc.graph import Node, Part
from cnncalc.records import NamedTuple

JSON_HELP = "write the config with `model.to_json()`, or `model.save('model.keras')`"


@advised(Advice(KERAS, JSON_HELP, f"the config is not as Keras writes it: {JSON_HELP}"))
def read(source: str, inputs: Inputs = None) -> Imported:
    """The network of a ``.json`` or ``.keras`` file; raises `SpecError`."""
    return from_config(load(source, ("config.json",), JSON_HELP), source, inputs)


def from_keras(model: Any, inputs: Inputs = None) -> Imported:
    """The network of a Keras model, of its config (as text, or as a mapping), or of the path of a file with it.

    A model is asked for its own config; nothing of Keras is loaded here.  Raises `SpecError`.
    """
    if isinstance(model, Mapping):
        return from_config(dict(model), "config", inputs)
    if isinstance(model, str) and model.lstrip().startswith("{"):
        return from_config(parse(model.encode(), "config"), "config", inputs)
    if hasattr(model, "to_json"):
        name = row_name(str(getattr(model, "name", ""))) or "model"
        try:
            text = model.to_json()
        except (NotImplementedError, TypeError, ValueError) as error:
            message = f"it has no config: {shown(str(error))}"
            raise failed(Fault("wrong-format", message), name) from None
        return from_config(parse(text.encode(), name), name, inputs)
    return read(str(model), inputs)


def from_config(config: dict[str, Any], source: str, inputs: Inputs = None) -> Imported:
    """The network of a config that is read; `source` is what messages call it.  Raises `SpecError`."""
    reader = Reader(source, config)
    model = reader.read()
    shapes, is_stated = input_shapes(model, source, inputs, _is_channels_last(model))
    account = Account(source)
    rows = Rows(row_name(model.name) or "network", source, shapes, account)
    builder = _Builder(rows, reader.is_legacy, _is_channels_last(model))
    results = builder.model(model, range(len(shapes)), Frame("", "", model.trainable, is_stated))
    for (name, _), tensor in zip(model.outputs, results):
        rows.leave(name, tensor)
    account.close(rows.graph)
    return Imported(rows.graph, account)


# -- inputs ------------------------------------------------------------------------------------------------------------


def input_shapes(model: Model, source: str, given: Inputs, channels_last: bool) -> tuple[list[tuple[str, Shape]], bool]:
    """Names and shapes, channels first, of what the network takes, and whether the config states the same."""
    names = [reference.layer for reference in model.inputs]
    if given is not None and not isinstance(given, Mapping):
        given = {names[0]: given}
    chosen = dict(given or {})
    for name in chosen:
        if name not in names:
            message = f"there is no input `{shown(name)}`"
            help = suggestion(name, names) or f"inputs are {', '.join(f'`{shown(known)}`' for known in names)}"
            raise failed(Fault("unknown-input", message, None, help), source)
    found, is_stated = [], True
    for name in names:
        stated = model.shapes[name]
        first = None if stated is None else (*stated[-1:], *stated[:-1]) if channels_last else stated
        shape = chosen.get(name)
        if shape is None:
            if first is None or None in first or not first:
                flag = "--input " if len(names) == 1 else f"--input {shown(name)}="
                raise failed(_open(name, first, flag), source, shown(name))
            shape = tuple([size for size in first if size is not None])
        elif first is not None and any(size not in (None, own) for size, own in zip(first, shape)):
            is_stated = False
        if first is not None and len(first) != len(shape):
            message = f"the input has {len(first)} axes, `{dims(shape)}` has {len(shape)}"
            raise failed(Fault("wrong-rank", message), source, shown(name))
        found.append((row_name(name) or "input", tuple(shape)))
    return found, is_stated


AXES = {1: ("features",), 2: ("channels", "length"), 3: ("channels", "height", "width")}


def _open(name: str, shape: Sizes | None, flag: str) -> Fault:
    """The fault of an input whose sizes are left open; `flag` gives them."""
    if not shape:
        message = f"the config does not say the shape of the input `{shown(name)}`"
        return Fault("dynamic-size", message, None, f"give it: `{flag}3x224x224`")
    axes = AXES.get(len(shape), ("channels", "depth", "height", "width"))
    left = [axis for axis, size in zip(axes, shape) if size is None]
    text = "x".join("?" if size is None else str(size) for size in shape)
    example = "x".join(str(size or 224) for size in shape)
    message = f"the input `{shown(name)}` leaves {' and '.join(left)} open: {text}, channels first"
    return Fault("dynamic-size", message, None, f"give it: `{flag}{example}`")


def _is_channels_last(model: Model) -> bool:
    """The layout of a model's tensors: that of its first layer which says one."""
    pending = [model]
    while pending:
        for entry in pending.pop().entries.values():
            if "data_format" in entry.config:
                return bool(entry.config["data_format"] != "channels_first")
            if entry.model is not None:
                pending.append(entry.model)
    return True


# -- models and calls --------------------------------------------------------------------------------------------------


class Frame(NamedTuple):
    """Where a model stands: within others, or at the top."""

    prefix: str
    """What the names of its rows begin with: ``encoder.``, with a number for a further call."""
    place: str
    """What its layers are called in messages, and told apart by: the same for every call."""
    trainable: bool
    is_stated: bool
    """Whether the shapes that the config states hold here."""


class _Builder:
    """Appends the rows of a model."""

    def __init__(self, rows: Rows, is_legacy: bool, channels_last: bool) -> None:
        self.rows = rows
        self.is_legacy = is_legacy
        self.channels_last = channels_last
        self.owners: dict[str, list[Node]] = {}
        """The rows with weights of every layer that has been called, by its place."""
        self.uses: dict[str, int] = {}
        """How often each name has been asked for."""
        self.calls = 0

    def model(self, model: Model, tensors: Sequence[int], frame: Frame) -> list[int]:
        """The results of a model on `tensors`; raises `SpecError`."""
        if len(tensors) != len(model.inputs):
            raise self.fault(frame.place, "wrong-count", f"it takes {len(model.inputs)} tensors, not {len(tensors)}")
        results: dict[Key, list[int]] = {
            (reference.layer, 0): [tensor] for reference, tensor in zip(model.inputs, tensors)
        }
        wiring = Wiring(model, self.rows.source, frame.place)
        for entry, number in wiring.order():
            call = entry.calls[number]
            taken = []
            for reference in call.tensors:
                tensor = wiring.tensor(reference, results, entry)
                self.compare(reference, tensor, entry, frame)
                taken.append(tensor)
            results[entry.name, number] = self.call(entry, call, taken, wiring.stated(entry, number), frame)
        return [wiring.tensor(reference, results, None) for _, reference in model.outputs]

    def call(
        self, entry: Entry, call: Call, tensors: Sequence[int], stated: Sequence[Sizes | None], frame: Frame
    ) -> list[int]:
        """The results of one call of a layer."""
        place = frame.place + entry.name
        self.calls += 1
        if self.calls > MAX_NODES:
            raise self.fault(place, "too-large", f"more than {MAX_NODES:,} calls of layers")
        name = frame.prefix + entry.name
        use = self.uses[name] = self.uses.get(name, 0) + 1
        name = name if use == 1 else f"{name}-{use}"
        first = len(self.rows.graph.nodes)
        if entry.model is not None:
            results = self.nested(entry, entry.model, call, tensors, name, frame)
            self.part(name, entry, tensors, results, first)
            return results
        self.rows.account.nodes += 1
        site = Site(
            self.rows,
            name,
            shown(place),
            entry.config,
            call,
            tensors,
            self.is_legacy,
            self.channels_last,
            stated if frame.is_stated else (),
        )
        try:
            found = operate(site, entry) if is_operation(entry) else make(site, entry)
        except Fault as fault:
            raise failed(fault, self.rows.source, shown(place)) from None
        made = self.rows.graph.nodes[first:]
        if made:
            self.name(name, shown(place), made)
        self.settle(place, made, frame.trainable and entry.config.get("trainable") is not False)
        return found if isinstance(found, list) else [found]

    def name(self, name: str, node: str, made: Sequence[Node]) -> None:
        """Let the layer's name mean all its rows, also where none of them has it."""
        graph, clean = self.rows.graph, row_name(name)
        if clean and clean not in graph.names:
            graph.call(clean, made[-1].number, range(made[0].place, made[-1].place + 1))
        self.rows.account.names[node] = clean if clean in graph.names else made[0].name

    def nested(
        self, entry: Entry, model: Model, call: Call, tensors: Sequence[int], name: str, frame: Frame
    ) -> list[int]:
        """A model within a model: what its rows are called begins with its own name."""
        graph = self.rows.graph
        shapes = [model.shapes[reference.layer] for reference in model.inputs]
        holds = all(
            stated is None or _holds(stated, self.outward(graph.shapes[tensor]))
            for stated, tensor in zip(shapes, tensors)
        )
        named = _named(call)
        if named and len(named) == len(model.inputs) and set(named) == {reference.layer for reference in model.inputs}:
            by_name = dict(zip(named, tensors))
            tensors = [by_name[reference.layer] for reference in model.inputs]
        inner = Frame(
            f"{name}.", f"{frame.place}{entry.name}.", frame.trainable and model.trainable, frame.is_stated and holds
        )
        return self.model(model, tensors, inner)

    def part(self, name: str, entry: Entry, tensors: Sequence[int], results: Sequence[int], first: int) -> None:
        """Remember a nested model's rows as a part of the network."""
        graph = self.rows.graph
        last = len(graph.nodes)
        if last > first and len(results) == 1 and row_name(name) not in graph.names:
            graph.parts.append(Part(row_name(name), row_name(entry.name), tuple(tensors), results[0], first, last))
            graph.call(row_name(name), results[0], range(first, last))

    def settle(self, place: str, made: Sequence[Node], trainable: bool) -> None:
        """Weights of a further call are the first's; those that are not trained are state."""
        weighted = [node for node in made if node.operation.weights]
        owners = self.owners.setdefault(place, weighted)
        for node in weighted:
            node.frozen = not trainable
        if owners is weighted:
            return
        if len(owners) != len(weighted):
            raise self.fault(place, "share", "its calls have different weights")
        for node, owner in zip(weighted, owners):
            if node.operation.weights != owner.operation.weights:
                raise self.fault(place, "share", "its calls have weights of different shapes")
            node.shares = owner

    def compare(self, reference: Reference, tensor: int, entry: Entry, frame: Frame) -> None:
        """Hold the shape that the config states of a tensor against ours."""
        if reference.stated is None or not frame.is_stated:
            return
        stated = reference.stated
        if self.channels_last:
            stated = (*stated[-1:], *stated[:-1])
        where = shown(f"{frame.place}{reference.layer}")
        try:
            self.rows.account.compare(where, stated, self.rows.graph.shapes[tensor])
        except Fault as fault:
            raise failed(fault, self.rows.source, shown(frame.place + entry.name)) from None

    def outward(self, shape: Shape) -> Shape:
        return (*shape[1:], shape[0]) if self.channels_last else shape

    def fault(self, place: str, code: str, message: str) -> SpecError:
        return failed(Fault(code, message), self.rows.source, shown(place.removesuffix(".")))


def _named(call: Call) -> list[str]:
    """The keys of a call's tensors, where they are given by name."""
    if len(call.args) == 1 and isinstance(call.args[0], dict):
        return [name for name, value in call.args[0].items() if isinstance(value, Reference)]
    return []


def _holds(stated: Sizes, ours: Shape) -> bool:
    return len(stated) == len(ours) and all(size in (None, own) for size, own in zip(stated, ours))
