"""What a layer kind is: declared fields, and the facts from which every number is derived.

A kind states its fields, how many inputs it takes, what it reads (`reach`), its output's shape, its
weights and its multiplications, each once.  It knows no file, no graph and no other layer of the network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, NamedTuple, dataclass_transform

from cnncalc.diagnostics import Fault, suggestion
from cnncalc.geometry import GLOBAL, LIMIT, Reach, Shape, bounded, dims

Value = Any
"""What an expression gives: int, float, bool, a word (str), or a tuple of values."""

REQUIRED: Any = type("Required", (), {"__repr__": lambda self: "required"})()
"""The default of a field that has none."""


class Type(NamedTuple):
    """What a field accepts: `text` says it in prose, `read` checks a value and normalises it, raising `Fault`."""

    text: str
    read: Callable[[Value], Value]
    words: tuple[str, ...] = ()
    schema: tuple[dict[str, Any], ...] = ()
    """The same in JSON Schema, any of these, for values that are no words and no other expressions."""


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

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[Weight, ...]:
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

    __slots__ = ("_macs", "_reach", "_tensors", "inputs", "layer", "memo", "output")

    def __init__(self, layer: Layer, inputs: tuple[Shape, ...]) -> None:
        """Infer the output's shape; raises `Fault` where the layer does not fit."""
        self.layer = layer
        self.inputs = inputs
        self.output = bounded(layer.out_shape(inputs))
        self._reach: Any = self
        self._tensors: tuple[Weight, ...] | None = None
        self._macs: Any = self
        self.memo: dict[Any, Any] = {}
        """Analyzers' results that depend on this operation alone."""

    @property
    def reach(self) -> Reach:
        if self._reach is self:
            self._reach = self.layer.reach(self.inputs)
        return self._reach  # type: ignore[no-any-return]

    @property
    def tensors(self) -> tuple[Weight, ...]:
        if self._tensors is None:
            self._tensors = self.layer.tensors(self.inputs)
        return self._tensors

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


def show(value: Value) -> str:
    """A value as it would be written in a spec."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(map(show, value))}]"
    if isinstance(value, (int, float, str)):
        text = str(value)
        return text if len(text) <= 40 else f"{text[:20]}…{text[-10:]}"
    return str(value)


# -- field types: each reads an evaluated value ------------------------------------------------------------------------


def wrong(expected: str, value: Value, help: str = "") -> Fault:
    return Fault("wrong-type", f"needs {expected}, got `{show(value)}`", None, help)


def whole(value: Value, least: int = 0, expected: str = "a whole number") -> int:
    """An integer of at least `least` within 64 bits; a float that is whole counts as one."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        help = "use `//`, `round`, `floor`, `ceil` or `int`" if isinstance(value, float) else ""
        raise wrong(expected, value, help)
    if value < least:
        raise wrong(f"{expected} of at least {least}", value)
    if value > LIMIT:
        raise Fault("too-large", f"is {show(value)}, beyond 64 bits")
    return value


BOOLEANS = dict.fromkeys(("yes", "on", "true"), "write `true`") | dict.fromkeys(("no", "off", "false"), "write `false`")
"""What to write in place of YAML 1.1's other spellings of a truth value."""


def _number(value: Value) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise wrong("a number", value)
    if isinstance(value, int) and abs(value) > 2**1000:
        raise Fault("too-large", f"is {show(value)}, too large for a number")
    return value


def _flag(value: Value) -> bool:
    if not isinstance(value, bool):
        raise wrong("`true` or `false`", value, BOOLEANS.get(str(value).lower(), ""))
    return value


def _sizes(least: int) -> Callable[[Value], int | tuple[int, ...]]:
    expected = "a whole number or one per axis"

    def read(value: Value) -> int | tuple[int, ...]:
        if isinstance(value, tuple):
            if not 1 <= len(value) <= 3:
                raise wrong("one entry per axis", value)
            return tuple(whole(entry, least, expected) for entry in value)
        return whole(value, least, expected)

    return read


def words(*allowed: str) -> Type:
    """One of these words."""

    def read(value: Value) -> str:
        return _word(value, allowed)

    return Type(" | ".join(f"`{word}`" for word in allowed), read, allowed)


def _word(value: Value, allowed: Iterable[str], also: str = "") -> str:
    """`value` if it is one of the allowed words; a `Fault` with the list, and a suggestion, if not."""
    allowed = tuple(allowed)
    if isinstance(value, str) and value in allowed:
        return str(value)
    listed = ", ".join(f"`{word}`" for word in allowed)
    help = suggestion(value, allowed) if isinstance(value, str) else ""
    traps = {"no": "none", "off": "none", "null": "none", "false": "none"}
    trap = traps.get(show(value).lower())
    if trap in allowed:
        help = f"write `{trap}`"
    raise Fault("wrong-word", f"takes {also}one of {listed}, got `{show(value)}`", None, help)


def _padding(value: Value) -> Value:
    """A word, a number per side, or a list with one number or one pair (before, after) per axis."""
    if isinstance(value, str):
        return _word(value, PADDING_WORDS, "a number per side, a list per axis, or ")
    return _amount(value)


def _amount(value: Value) -> Value:
    """A number per side, or a list with one number or one pair (before, after) per axis."""
    expected = "a number per side, or one number or pair per axis"
    if not isinstance(value, tuple):
        return whole(value, 0, expected)
    if not 1 <= len(value) <= 3:
        raise wrong("one entry per axis", value)
    return tuple(_pair(entry) if isinstance(entry, tuple) else whole(entry, 0, expected) for entry in value)


def _pair(value: Value) -> tuple[int, int]:
    if not isinstance(value, tuple) or len(value) != 2:
        raise wrong("a pair [before, after]", value)
    return whole(value[0]), whole(value[1])


def _pair_or_number(value: Value) -> tuple[int, int]:
    return _pair(value) if isinstance(value, tuple) else (whole(value), whole(value))


def _numbers(value: Value) -> tuple[float, ...]:
    """A list of numbers; nested lists are flattened row-major."""
    if not isinstance(value, tuple):
        raise wrong("a list of numbers", value)
    flat: list[float] = []
    pending = [value]
    while pending:
        entry = pending.pop()
        if isinstance(entry, tuple):
            pending.extend(reversed(entry))
        else:
            flat.append(_number(entry))
    return tuple(flat)


def _whole_list(least: int, expected: str) -> Callable[[Value], tuple[int, ...]]:
    """A list of one to four whole numbers: no tensor has more axes."""

    def read(value: Value) -> tuple[int, ...]:
        entries = value if isinstance(value, tuple) else (value,)
        if not 1 <= len(entries) <= 4:
            raise wrong(f"{expected} with one to four entries", value)
        return tuple(whole(entry, least, expected) for entry in entries)

    return read


def _reference(value: Value) -> str:
    if not isinstance(value, str):
        raise wrong("the name of a layer", value)
    return str(value)


def _scale(value: Value) -> Value:
    entries = value if isinstance(value, tuple) else (value,)
    if not 1 <= len(entries) <= 3:
        raise wrong("one entry per axis", value)
    for entry in entries:
        if not 0 < _number(entry) <= LIMIT:
            raise wrong("a number above 0", entry)
    return value


PADDING_WORDS = ("valid", "same", "same_lower", "half")


def _list_of(*items: str, most: int | None = None) -> dict[str, Any]:
    """The schema of a list, of at most so many entries, each of which may be an expression."""
    schema = {"type": "array", "minItems": 1, "items": {"type": [*items, "string"]}}
    return schema if most is None else {**schema, "maxItems": most}


_WHOLE = {"type": "integer", "minimum": 0}
_COUNT = {"type": "integer", "minimum": 1}
COUNT = Type("whole number, at least 1", lambda value: whole(value, 1), schema=(_COUNT,))
WHOLE = Type("whole number", whole, schema=(_WHOLE,))
NUMBER = Type("number", _number, schema=({"type": "number"},))
FLAG = Type("`true` or `false`", _flag, schema=({"type": "boolean"},))
SIZES = Type("whole number, or one per axis (`1x7`, `[1, 7]`)", _sizes(1), schema=(_COUNT, _list_of("integer", most=3)))
EXTRA = Type("whole number, or one per axis", _sizes(0), schema=(_WHOLE, _list_of("integer", most=3)))
PADDING = Type(
    "number per side, list of one per axis, list of pairs [before, after], or " + " | ".join(PADDING_WORDS),
    _padding,
    PADDING_WORDS,
    (_WHOLE, _list_of("integer", "array", most=3)),
)
AMOUNT = Type(
    "number per side, list of one per axis, or list of pairs [before, after]",
    _amount,
    schema=(_WHOLE, _list_of("integer", "array", most=3)),
)
PAIR = Type("whole number, or pair [before, after]", _pair_or_number, schema=(_WHOLE, _list_of("integer", most=2)))
NUMBERS = Type("list of numbers", _numbers, schema=(_list_of("number", "array"),))
SHAPE = Type("list of sizes, channels first", _whole_list(1, "a list of sizes"), schema=(_COUNT, _list_of("integer")))
INDICES = Type("list of whole numbers", _whole_list(0, "a list of whole numbers"), schema=(_WHOLE, _list_of("integer")))
TARGET = Type(
    "list of sizes; one may be -1, inferred",
    _whole_list(-1, "a list of sizes"),
    schema=({"type": "integer"}, _list_of("integer")),
)
REFERENCE = Type("name of a layer", _reference)
SCALE = Type("number, or one per axis", _scale, schema=({"type": "number"}, _list_of("number", most=3)))


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
