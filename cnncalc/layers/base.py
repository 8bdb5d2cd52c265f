"""What a layer kind is: declared fields, and the facts from which every number is derived.

A kind states its fields, how many inputs it takes, what it reads (`reach`), its output's shape, its
weights and its multiplications, each once.  It knows no file, no graph and no other layer of the network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from math import gcd
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar, dataclass_transform

from cnncalc.diagnostics import Fault
from cnncalc.geometry import GLOBAL, Reach, Shape, bounded
from cnncalc.layers.memory import OWN, Kept
from cnncalc.layers.types import NOTHING, Follower, Type, Value
from cnncalc.records import NamedTuple

if TYPE_CHECKING:
    from cnncalc.layers.kernels import Kernels, T

Result = TypeVar("Result")

REQUIRED: Any = type("Required", (), {"__repr__": lambda self: "required"})()
"""The default of a field that has none."""


class Field(NamedTuple):
    """One argument of a layer kind."""

    type: Type
    default: Value
    doc: str
    before: str
    """The inherited argument that it stands before; none: it comes last."""


def field(type: Type, doc: str, default: Value = REQUIRED, before: str = "") -> Any:
    """Declare an argument of a layer kind; without a default it is required."""
    return Field(type, default, doc, before)


class Weight(NamedTuple):
    """One tensor of weights: learned, or running statistics."""

    name: str
    shape: Shape
    learned: bool = True


class Multiplies(NamedTuple):
    """`each` multiply-accumulates for each of `number` elements of a layer's output or input, or pairs of positions;
    or `each` as declared."""

    per: Literal["output", "input", "pair", "declaration"]
    number: int
    each: int
    between: bool = False
    """Whether both factors are tensors of the network, and none a weight."""


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
class Layer:
    """Base of all layer kinds.  A kind's fields are its class attributes made by `field`, main argument first.

    Fields are inherited.  One that is declared anew keeps its place; a plain value in its place is no argument.
    Plain classes rather than dataclasses: sixty of those would cost every start some 30 ms.
    """

    kind: ClassVar[str] = ""
    fields: ClassVar[dict[str, Field]] = {}
    defaults: ClassVar[dict[str, Value]] = {}
    example: ClassVar[str] = ""
    """A step of this kind in the spec language, for the reference."""
    shown_on: ClassVar[str] = "[64, 8, 8]"
    """The input of the network that shows it."""
    shown_after: ClassVar[tuple[str, ...]] = ()
    """The steps before it there."""
    joins: ClassVar[bool] = False
    """Whether it takes any number of inputs, written as branches."""
    takes: ClassVar[tuple[int, int]] = (1, 1)
    """How many tensors a step of it takes by `from`, at least and at most: 0 reads nothing of the network."""
    inverts: ClassVar[bool] = False
    """Whether the layer that it names is undone: it takes what that one took, and what `inverse` learns of it."""
    following: ClassVar[tuple[str, ...]] = ()
    """The fields that say what follows it, in order: their names are the suffixes of those layers' rows."""
    strided: ClassVar[bool] = False
    """Whether it has a stride: what that leaves unread is said, and what a crop leaves out is not."""
    wanders: ClassVar[bool] = False
    """Whether what it reads stays while its positions move on, so that the centers of both mean nothing together."""
    bias: bool = False
    """Whether it adds a learned offset to every output channel."""
    groups: int = 1
    """The parts of its channels that never meet, where an argument says how many."""
    buffer: ClassVar[str] = OWN
    """Whose buffer its result has: `OWN`, or its input's as a `VIEW` or written `IN_PLACE` of it."""
    keeps: ClassVar[tuple[str, ...] | None] = None
    """Which whole tensors it keeps for the backward pass (see `Kept`); None: it does not tell."""

    def __init_subclass__(cls, kind: str = "") -> None:
        cls.kind = kind
        cls.fields = _collected(cls)
        cls.defaults = {name: value.default for name, value in cls.fields.items() if value.default is not REQUIRED}
        cls.following = tuple([name for name, value in cls.fields.items() if value.type.kinds])

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

    def followers(self) -> list[tuple[str, Follower]]:
        """What comes after it, by the field that says so; empty where nothing does."""
        given = [(name, getattr(self, name)) for name in self.following]
        return [(name, follower) for name, follower in given if follower is not NOTHING]

    @property
    def unknown(self) -> tuple[str, ...]:
        """The quantities that it does not tell."""
        return ()

    @property
    def border(self) -> str:
        """What stands in its padding: a constant (`zeros`), or values of its input."""
        return "zeros"

    def fixed(self, weight: str) -> tuple[float, ...]:
        """The values, row-major, that the spec gives for a tensor of weights; empty where it gives none."""
        return ()

    def named(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The fields that name further tensors to take, with those names; they come after those of `from`."""
        return ()

    def inverse(self, layer: Layer) -> Layer:
        """Itself as the inverse of the layer that it names; raises `Fault` where there is none."""
        raise AssertionError(f"{self.kind} must state what it undoes")

    def pieces(self, inputs: tuple[Shape, ...]) -> tuple[tuple[str, Layer], ...]:
        """Named layers beside each other, in place of itself, each of which takes its input; what follows goes on
        with the input as a whole.  Empty where it is a layer of its own."""
        return ()

    def settled(self, inputs: tuple[Shape, ...]) -> Layer:
        """Itself with all that depends on the sizes of these inputs fixed, to be executed on longer ones."""
        return self

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        """What each output reads of the first input: axis maps, GLOBAL, or None for its own position only."""
        return None

    def reaches(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[tuple[int, Reach], ...]:
        """What each output reads, by number of the input: one that counts for nothing, such as a size that is asked
        for, is left out, and one that is read in two ways stands twice."""
        return ((0, self.reach(inputs)),) if inputs else ()

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

    def keeping(self, inputs: tuple[Shape, ...], output: Shape) -> Kept | None:
        """All that it keeps of a step of training until its backward pass; None where it does not tell."""
        return None if self.keeps is None else Kept(self.keeps)

    def execute_all(self, run: Kernels[T], inputs: Sequence[T]) -> T:
        """The layer's result from the tensors of all its inputs, in the kernels of the executor's machine `run`."""
        return self.execute(run, inputs[0])

    def execute(self, run: Kernels[T], x: T) -> T:
        """The result of a layer with one input."""
        return run.each(self.scalar, x)

    def scalar(self, x: float) -> float:
        """What an elementwise layer makes of a number."""
        return x


def _collected(kind: type[Layer]) -> dict[str, Field]:
    """The fields of a kind: those of its base in order, and its own where they say."""
    names = [name for name in kind.fields if isinstance(getattr(kind, name), Field)]
    for name, value in vars(kind).items():
        if isinstance(value, Field) and name not in kind.fields:
            names.insert(names.index(value.before) if value.before else len(names), name)
    return {name: getattr(kind, name) for name in names}


_UNKNOWN: Any = object()
"""In place of what has not been worked out yet."""


class Operation:
    """A layer applied to inputs of given shapes: all that can be said of a node wherever it stands."""

    __slots__ = ("_known", "_macs", "_products", "_reach", "_weights", "inputs", "layer", "output")

    def __init__(self, layer: Layer, inputs: tuple[Shape, ...]) -> None:
        """Infer the output's shape; raises `Fault` where the layer does not fit."""
        self.layer = layer
        self.inputs = inputs
        self.output = bounded(layer.out_shape(inputs))
        self._reach: Reach = _UNKNOWN
        self._weights: tuple[Weight, ...] = _UNKNOWN
        self._macs: int | None = _UNKNOWN
        self._products: int | None = _UNKNOWN
        self._known: dict[Any, Any] = {}
        """What `once_per_operation` remembers, by function."""

    @property
    def reach(self) -> Reach:
        if self._reach is _UNKNOWN:
            self._reach = self.layer.reach(self.inputs)
        return self._reach

    @property
    def weights(self) -> tuple[Weight, ...]:
        if self._weights is _UNKNOWN:
            self._weights = self.layer.weight_shapes(self.inputs)
        return self._weights

    @property
    def macs(self) -> int | None:
        """Multiply-accumulates for one sample; None where they do not apply."""
        if self._macs is _UNKNOWN:
            self._count()
        return self._macs

    @property
    def products(self) -> int | None:
        """Those of them that are products between tensors; None where there are none."""
        if self._products is _UNKNOWN:
            self._count()
        return self._products

    def _count(self) -> None:
        counted = self.layer.multiplies(self.inputs, self.output)
        between = [product for product in counted if product.between]
        self._macs = sum(product.number * product.each for product in counted) if counted else None
        self._products = sum(product.number * product.each for product in between) if between else None


def once_per_operation(function: Callable[[Operation], Result]) -> Callable[[Operation], Result]:
    """`function`, worked out once for every operation: what depends on a layer and its inputs' shapes alone."""

    @wraps(function)
    def remembered(operation: Operation) -> Result:
        known = operation._known
        if function not in known:
            known[function] = function(operation)
        return known[function]  # type: ignore[no-any-return]

    return remembered


def judge(kind: type[Layer], name: str, value: Value) -> Value:
    """An evaluated argument as its field takes it; raises `Fault` naming the field."""
    try:
        return kind.fields[name].type.read(value)
    except Fault as fault:
        raise Fault(fault.code, f"`{name}` {fault.message}", name, fault.help) from None


def make(kind: type[Layer], given: dict[str, Value], judged: dict[str, Value] | None = None) -> Layer:
    """A layer of `kind` from evaluated arguments, and some that `judge` has read; raises `Fault` naming the field."""
    values = {name: judge(kind, name, value) for name, value in given.items()} | (judged or {})
    for name in kind.fields:
        if name not in values and name not in kind.defaults:
            example = f"for example `{kind.example}`" if kind.example else ""
            raise Fault("missing-argument", f"`{kind.kind}` needs `{name}`: {kind.fields[name].doc}", None, example)
    return kind(**values)


def divides(groups: int, **channels: int) -> None:
    """Raise `Fault` unless `groups` divides the numbers of channels, each called by what it counts."""
    for what, count in channels.items():
        if count % groups:
            message = f"{groups} groups do not divide the {count} {what} channels"
            raise Fault("groups", message, "groups", divisor_help(groups, "group", channels.values()))


def divisor_help(parts: int, word: str, channels: Iterable[int]) -> str:
    """How many parts would divide all these numbers of channels: the most below `parts`."""
    common = gcd(*channels)
    near = next(n for n in range(min(parts, common, 10_000), 0, -1) if common % n == 0)
    return f"use {near} {word}{'s' if near > 1 else ''}, or a multiple of {parts} channels"
