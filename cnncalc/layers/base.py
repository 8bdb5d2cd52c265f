"""What a layer kind is: declared fields, and the facts from which every number is derived.

A kind states its fields, how many inputs it takes, what it reads (`reach`), its output's shape, its
weights and its multiplications, each once.  It knows no file, no graph and no other layer of the network.
"""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple, dataclass_transform

from cnncalc.diagnostics import Fault
from cnncalc.geometry import GLOBAL, Reach, Shape, bounded, dims
from cnncalc.layers.types import Type, Value, show

REQUIRED: Any = type("Required", (), {"__repr__": lambda self: "required"})()
"""The default of a field that has none."""


class Field(NamedTuple):
    """One argument of a layer kind."""

    type: Type
    default: Value
    doc: str


def field(type: Type, doc: str, default: Value = REQUIRED) -> Any:
    """Declare an argument of a layer kind; without a default it is required."""
    return Field(type, default, doc)


class Weight(NamedTuple):
    """One tensor of weights: learned, or running statistics."""

    name: str
    shape: Shape
    learned: bool = True


class Multiplies(NamedTuple):
    """`each` multiply-accumulates for each of `number` elements of a layer's `outputs` or `inputs`."""

    per: str
    number: int
    each: int


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
class Layer:
    """Base of all layer kinds.  A subclass's fields are its class attributes made by `field`, main argument first.

    Plain classes rather than dataclasses: sixty of those would cost every start some 30 ms.
    """

    kind: ClassVar[str] = ""
    fields: ClassVar[dict[str, Field]] = {}
    defaults: ClassVar[dict[str, Value]] = {}
    example: ClassVar[str] = ""
    """A step of this kind in the spec language, for the reference."""
    joins: ClassVar[bool] = False
    """Whether it takes any number of inputs, written as branches."""
    unknown: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, kind: str = "") -> None:
        cls.kind = kind
        cls.fields = {name: value for name, value in vars(cls).items() if isinstance(value, Field)}
        cls.defaults = {name: value.default for name, value in cls.fields.items() if value.default is not REQUIRED}

    def __init__(self, **values: Value) -> None:
        """Take values that are already read; `make` reads them first."""
        missing = self.fields.keys() - self.defaults.keys() - values.keys()
        if missing or values.keys() - self.fields.keys():
            raise TypeError(f"{self.kind} takes {', '.join(self.fields)}; missing: {sorted(missing)}")
        self.__dict__.update(self.defaults)
        self.__dict__.update(values)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{self.kind} is immutable")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((self.kind, *self.__dict__.items()))

    def __repr__(self) -> str:
        return f"{self.kind}({', '.join(f'{name}={value!r}' for name, value in self.__dict__.items())})"

    def parts(self) -> tuple[tuple[str, Layer], ...]:
        """The layers that do its work, with a suffix for their rows: itself, but for compositions of others."""
        return (("", self),)

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        """What each output reads of the first input: axis maps, GLOBAL, or None for its own position only."""
        return None

    def channels_out(self, inputs: tuple[Shape, ...]) -> int:
        """Channels of the output, where `out_shape` is not given by the kind itself."""
        return inputs[0][0]

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """The output's shape, channels first; raises `Fault` where the layer does not fit its inputs."""
        reach = self.reach(inputs)
        if reach is None:
            return inputs[0]
        assert reach != GLOBAL, f"{self.kind} must state its output's shape"
        sizes = tuple(axis.output(width) for axis, width in zip(reach, inputs[0][1:]))
        return (self.channels_out(inputs), *sizes)

    def weight_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Weight, ...]:
        """The weight tensors, in PyTorch's layouts and order."""
        return ()

    def multiplies(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[Multiplies, ...]:
        """The multiply-accumulates that count as MACs; empty where the quantity does not apply."""
        return ()

    def execute(self, run: Any, *inputs: Any) -> Any:
        """The layer's result from the tensors of its inputs, in the kernels of the executor's machine `run`."""
        return run.each(self.scalar, *inputs)

    def scalar(self, *values: float) -> float:
        """What an elementwise layer makes of a number, or of one from each of its inputs."""
        return values[0]


class Operation:
    """A layer applied to inputs of given shapes: all that can be said of a node wherever it stands."""

    __slots__ = ("_macs", "_reach", "_weights", "inputs", "layer", "memo", "output")

    def __init__(self, layer: Layer, inputs: tuple[Shape, ...]) -> None:
        """Infer the output's shape; raises `Fault` where the layer does not fit."""
        self.layer = layer
        self.inputs = inputs
        self.output = bounded(layer.out_shape(inputs))
        self._reach: Any = self
        self._weights: tuple[Weight, ...] | None = None
        self._macs: Any = self
        self.memo: dict[Any, Any] = {}
        """Analyzers' results that depend on this operation alone."""

    @property
    def reach(self) -> Reach:
        if self._reach is self:
            self._reach = self.layer.reach(self.inputs)
        return self._reach  # type: ignore[no-any-return]

    @property
    def weights(self) -> tuple[Weight, ...]:
        if self._weights is None:
            self._weights = self.layer.weight_shapes(self.inputs)
        return self._weights

    @property
    def macs(self) -> int | None:
        """Multiply-accumulates for one sample; None where they do not apply."""
        if self._macs is self:
            products = self.layer.multiplies(self.inputs, self.output)
            self._macs = sum(product.number * product.each for product in products) if products else None
        return self._macs  # type: ignore[no-any-return]


def make(kind: type[Layer], given: dict[str, Value]) -> Layer:
    """A layer of `kind` from evaluated arguments; raises `Fault` naming the field at fault."""
    values = {}
    for name, value in given.items():
        try:
            values[name] = kind.fields[name].type.read(value)
        except Fault as fault:
            raise Fault(fault.code, f"`{name}` {fault.message}", name, fault.help) from None
    for name in kind.fields:
        if name not in values and name not in kind.defaults:
            example = f"for example `{kind.example}`" if kind.example else ""
            raise Fault("missing-argument", f"`{kind.kind}` needs `{name}`: {kind.fields[name].doc}", None, example)
    return kind(**values)


# -- helpers of the kinds ----------------------------------------------------------------------------------------------


def per_axis(value: int | tuple[int, ...], rank: int, name: str) -> tuple[int, ...]:
    """`value` once per spatial axis; raises `Fault` where a list has another length."""
    if isinstance(value, tuple):
        if len(value) != rank:
            raise Fault(
                "wrong-rank",
                f"`{name}` has {len(value)} entries for {rank} spatial ax{'is' if rank == 1 else 'es'}",
                name,
            )
        return value
    return (value,) * rank


def check_pads(value: Value, rank: int, name: str) -> Value:
    """Padding or amounts, with as many entries as there are axes if they are a list."""
    if isinstance(value, tuple) and len(value) != rank:
        help = f"before and after one axis are a pair: [{show(value)}]" if rank == 1 and len(value) == 2 else ""
        raise Fault(
            "wrong-rank",
            f"`{name}` has {len(value)} entries for {rank} spatial ax{'is' if rank == 1 else 'es'}",
            name,
            help,
        )
    return value


def spatial(shape: Shape, kind: str) -> Shape:
    """The spatial axes of an input that must have some."""
    if len(shape) == 1:
        raise Fault(
            "no-spatial-axes",
            f"`{kind}` slides over spatial axes, but its input is flat: {dims(shape)}",
            None,
            "use `linear` on flat features, or `reshape` to channels and spatial axes",
        )
    return shape[1:]


def divides(groups: int, channels: int, what: str, name: str = "groups") -> None:
    """Raise `Fault` unless `groups` divides `channels`."""
    if channels % groups:
        near = [n for n in range(groups, 0, -1) if channels % n == 0][:1] if groups < 10_000 else []
        help = f"use `{name}: {near[0]}`, or a multiple of {groups} channels" if near else ""
        raise Fault("groups", f"{groups} groups do not divide the {channels} {what} channels", name, help)
