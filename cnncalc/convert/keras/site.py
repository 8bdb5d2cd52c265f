"""One call of a Keras layer while it becomes rows: its config, the tensors that it takes, and where their axes are.

Keras counts axes with the batch, and mostly has the channels last; a graph has them first.  What a class makes of
its config is said in `layers`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from cnncalc.convert.archive import shown
from cnncalc.convert.keras.config import Call, Sizes
from cnncalc.convert.rows import Rows
from cnncalc.diagnostics import Fault
from cnncalc.geometry import Shape
from cnncalc.graph import Node

Axes = tuple[int, ...]
T = TypeVar("T")


class Site:
    """What the rows of one call are made from; its methods append them."""

    def __init__(
        self,
        rows: Rows,
        name: str,
        node: str,
        config: dict[str, Any],
        call: Call,
        tensors: Sequence[int],
        is_legacy: bool,
        channels_last: bool,
        results: Sequence[Sizes | None],
        built: Sizes | None = None,
    ) -> None:
        self.rows = rows
        self.name = name
        """What its row is called; further ones get a suffix."""
        self.node = node
        """The layer, as messages call it."""
        self.config = config
        self.call = call
        self.tensors = tensors
        """The tensors of the call's references, in order."""
        self.is_legacy = is_legacy
        self.channels_last = channels_last
        """The layout of the model's tensors in Keras."""
        self.results = results
        """What the config says of the results' shapes; empty where nothing holds."""
        self.built = built

    # -- the config

    def get(self, key: str, default: Any = None) -> Any:
        """A value of the config, lists as tuples, and equal ones as one: ``[3, 3]`` is 3."""
        value = self.config.get(key)
        return default if value is None else even(value)

    def flag(self, key: str, default: bool = False) -> bool:
        value = self.config.get(key, default)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise Fault("wrong-type", f"`{key}` needs true or false, got `{shown(value)}`")
        return value

    def word(self, key: str, default: str, *allowed: str) -> str:
        value = self.config.get(key)
        value = default if value is None else value
        if value not in (default, *allowed):
            listed = ", ".join(f"`{word}`" for word in dict.fromkeys((default, *allowed)))
            raise Fault("wrong-word", f"`{key}` takes one of {listed}, got `{shown(value)}`")
        return str(value)

    def number(self, key: str, default: float) -> float:
        value = self.config.get(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e300:
            raise Fault("wrong-type", f"`{key}` needs a number, got `{shown(value)}`")
        return value

    # -- tensors

    @property
    def x(self) -> int:
        """The one tensor that it takes, or the first; raises `Fault` where there is none."""
        if not self.tensors:
            raise Fault("missing-input", "it takes no tensor")
        return self.tensors[0]

    def shape(self, tensor: int) -> Shape:
        """Channels first."""
        return self.rows.graph.shapes[tensor]

    def keras_shape(self, tensor: int) -> Shape:
        """The shape in Keras' order."""
        return self.outward(self.shape(tensor))

    def outward(self, shape: tuple[T, ...]) -> tuple[T, ...]:
        """From channels first to Keras' order."""
        return (*shape[1:], shape[0]) if self.channels_last else shape

    def inward(self, shape: tuple[T, ...]) -> tuple[T, ...]:
        """From Keras' order to channels first."""
        return (shape[-1], *shape[:-1]) if self.channels_last and shape else shape

    def ours(self, axis: int, rank: int) -> int:
        """The axis of a graph's tensor that Keras' axis is, both without the batch."""
        return (axis + 1) % rank if self.channels_last else axis

    def axis(self, value: Any, rank: int, what: str = "axis") -> int:
        """Keras' axis without the batch, from one that counts it, or counts from the end."""
        if type(value) is not int or not -rank <= value <= rank or value == 0:
            at = "the batch" if value == 0 or (type(value) is int and value == -rank - 1) else f"`{shown(value)}`"
            raise Fault("wrong-axes", f"`{what}` is {at}, for a tensor of {rank} axes and the batch")
        return value - 1 if value > 0 else rank + value

    def channel_axis(self, rank: int) -> int:
        """Keras' axis of the channels, as the layer's own `data_format` says it."""
        if "data_format" not in self.config:
            return rank - 1 if self.channels_last else 0
        return 0 if self.word("data_format", "channels_last", "channels_first") == "channels_first" else rank - 1

    # -- rows

    def append(self, kind: str, inputs: int | Sequence[int], suffix: str = "", **arguments: Any) -> int:
        """The result of a row of `kind`; raises `SpecError` where it does not fit."""
        return self.row(kind, inputs, suffix, **arguments).number

    def row(self, kind: str, inputs: int | Sequence[int], suffix: str = "", **arguments: Any) -> Node:
        taken = (inputs,) if isinstance(inputs, int) else inputs
        return self.rows.append(kind, taken, self.name + suffix, self.node, arguments)

    def front(self, tensor: int, axis: int, suffix: str = ".front") -> int:
        """The tensor with Keras' axis `axis` as its channels, the other axes in Keras' order."""
        if self.ours(axis, len(self.shape(tensor))) == 0:
            return tensor
        return self.append("permute", tensor, suffix, axes=self._order(tensor, axis))

    def back(self, tensor: int, axis: int, suffix: str = ".back") -> int:
        """The inverse of `front`."""
        if self.ours(axis, len(self.shape(tensor))) == 0:
            return tensor
        order = self._order(tensor, axis)
        return self.append("permute", tensor, suffix, axes=tuple([order.index(place) for place in range(len(order))]))

    def along(self, tensor: int, axis: int, kind: str, suffix: str = "", **arguments: Any) -> int:
        """A row of a kind that works along the channels, along Keras' axis `axis`."""
        taken = self.front(tensor, axis, f"{suffix}.front")
        return self.back(self.append(kind, taken, suffix, **arguments), axis, f"{suffix}.back")

    def _order(self, tensor: int, axis: int) -> Axes:
        rank = len(self.shape(tensor))
        axes = [axis, *(other for other in range(rank) if other != axis)]
        return tuple([self.ours(other, rank) for other in axes])

    def constant(self, tensor: int, what: str, suffix: str = "") -> int:
        """The tensor, scaled or shifted by constants, which change no figure: they are left out, and noted."""
        self.rows.account.note(f"{self.node}: {what} is left out; no figure depends on it")
        return self.append("identity", tensor, suffix)

    # -- what cnncalc has no kind for

    def elementwise(self, operator: str, inputs: int | Sequence[int], suffix: str = "") -> int:
        """An opaque row for what works on single elements: its shape is the largest input's, it holds no weights."""
        taken = (inputs,) if isinstance(inputs, int) else tuple(inputs)
        return self.opaque(operator, taken, self.broadcast(taken), 0, suffix)

    def broadcast(self, inputs: Sequence[int]) -> Shape:
        """The common shape of tensors whose sizes of 1 are stretched, aligned at Keras' last axis."""
        shapes = [self.keras_shape(tensor) for tensor in inputs]
        rank = max(map(len, shapes))
        found = []
        for axis in zip(*[(1,) * (rank - len(shape)) + shape for shape in shapes]):
            wide = {size for size in axis if size != 1}
            if len(wide) > 1:
                raise Fault(
                    "branch-shapes", f"its tensors have sizes {' and '.join(map(str, sorted(wide)))} on one axis"
                )
            found.append(wide.pop() if wide else 1)
        return self.inward(tuple(found))

    def opaque(
        self,
        operator: str,
        inputs: Sequence[int],
        output: Shape,
        params: int | None = None,
        suffix: str = "",
        macs: int | None = 0,
    ) -> int:
        """An opaque row; counts that are None make the totals lower bounds."""
        known = {name: count for name, count in (("params", params), ("macs", macs)) if count is not None}
        row = self.row("opaque", inputs, suffix, output=output, **known)
        self.rows.account.unknown(operator, row)
        return row.number

    def unknown(self, operator: str, help: str = "", params: int | None = None) -> list[int]:
        """Opaque rows for a class that cnncalc does not know: one for each result whose shape the config says."""
        shapes = [shape for shape in self.results if shape is not None]
        if not shapes or len(shapes) != len(self.results):
            message = f"cnncalc does not know `{shown(operator)}`, and the config does not say what shape it gives"
            raise Fault("unknown-layer-class", message, None, help)
        found = []
        for number, shape in enumerate(shapes):
            output = tuple([size for size in shape if size is not None])
            if len(output) < len(shape):
                text = "x".join("?" if size is None else str(size) for size in shape)
                message = f"cnncalc does not know `{shown(operator)}`, and the config leaves its shape open: {text}"
                raise Fault("unknown-layer-class", message, None, help)
            if number == 0:
                found.append(self.opaque(operator, self.tensors, self.inward(output), params, macs=None))
            else:
                found.append(self.opaque(operator, self.tensors, self.inward(output), 0, f".{number}"))
        return found


def even(value: Any, depth: int = 0) -> Any:
    """A value with its lists as tuples, and a list of equal numbers as one of them."""
    if isinstance(value, dict) or depth > 3:
        return shown(value)  # no argument is one: the layer's own message says so
    if not isinstance(value, list):
        return value
    entries = tuple([even(entry, depth + 1) for entry in value])
    same = bool(entries) and all(type(entry) is int for entry in entries) and len(set(entries)) == 1
    return entries[0] if same else entries


def each(value: Any, rank: int, name: str) -> list[int]:
    """A whole number for each spatial axis; raises `Fault`."""
    entries = value if isinstance(value, tuple) else (value,) * rank
    if len(entries) != rank or not all(type(entry) is int and entry > 0 for entry in entries):
        raise Fault("wrong-type", f"`{name}` needs a whole number above 0, or one for each of {rank} axes")
    return list(entries)
