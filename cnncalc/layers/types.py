"""What the fields of layer kinds accept: each type checks an evaluated value and normalises it.

A `Fault` raised here names no field and no place; `base.make` adds the one, expansion the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from cnncalc.diagnostics import Fault, suggestion
from cnncalc.geometry import LIMIT
from cnncalc.records import NamedTuple

Value = Any
"""What an expression gives: int, float, bool, a word (str), or a tuple of values."""

Sizes = int | tuple[int, ...]
"""A number for every axis, or one per axis."""


class Type(NamedTuple):
    """What a field accepts: `text` says it in prose, `read` checks a value and normalises it, raising `Fault`."""

    text: str
    read: Callable[[Value], Value]
    words: tuple[str, ...] = ()
    schema: tuple[dict[str, Any], ...] = ()
    """The same in JSON Schema, any of these, for values that are no words and no other expressions."""
    kinds: tuple[tuple[str, str], ...] = ()
    """Where its values are layers that follow (`Follower`): its words, each with the kind that it means."""


class Follower(NamedTuple):
    """A layer that follows another: its kind, and the arguments that it is given over the defaults of that kind."""

    kind: str
    arguments: tuple[tuple[str, Value], ...] = ()


NOTHING = Follower("none")
"""Where no layer follows."""


def show(value: Value) -> str:
    """A value as it would be written in a spec."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Follower):
        given = "".join(f", {name}: {show(argument)}" for name, argument in value.arguments)
        return f"{{{value.kind}{given}}}" if given else value.kind
    if isinstance(value, tuple):
        return f"[{', '.join(map(show, value))}]"
    if isinstance(value, (int, float, str)):
        text = str(value)
        return text if len(text) <= 40 else f"{text[:20]}…{text[-10:]}"
    return str(value)


# -- the types ---------------------------------------------------------------------------------------------------------


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


def _sizes(least: int) -> Callable[[Value], Sizes]:
    expected = "a whole number or one per axis"

    def read(value: Value) -> Sizes:
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
    traps = {"no": "none", "off": "none", "null": "none", "false": "none", "true": "batch"}
    trap = traps.get(show(value).lower())
    if trap in allowed:
        help = f"write `{trap}`"
    raise Fault("wrong-word", f"takes {also}one of {listed}, got `{show(value)}`", None, help)


def follower(text: str, kinds: Iterable[str], **short: str) -> Type:
    """A layer that follows: `none`, the name of one of these kinds, or one that is `short` for it; or such a call."""
    meant = {**short, **{kind: kind for kind in kinds}}
    allowed = ("none", *meant)

    def read(value: Value) -> Follower:
        if isinstance(value, Follower):
            return NOTHING if value == NOTHING else Follower(meant[_word(value.kind, allowed)], value.arguments)
        if isinstance(value, tuple) and len(value) == 2 and value[0] in meant:
            call = f"{{{value[0]}: {show(value[1])}}}"
            raise Fault("wrong-word", f"takes a word or a call, got `{show(value)}`", None, f"write `{call}`")
        word = _word(value, allowed)
        return NOTHING if word == "none" else Follower(meant[word])

    return Type(text, read, allowed, kinds=tuple(meant.items()))


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


def _layer_name(value: Value) -> str:
    if not isinstance(value, str):
        raise wrong("the name of a layer", value)
    return str(value)


def _scale(value: Value) -> Value:
    entries = value if isinstance(value, tuple) else (value,)
    if not 1 <= len(entries) <= 3:
        raise wrong("one entry per axis", value)
    for entry in entries:
        _positive(entry)
    return value


def _positive(value: Value) -> Value:
    if not 0 < _number(value) <= LIMIT:
        raise wrong("a number above 0", value)
    return value


def _within(text: str, least: float, most: float) -> Type:
    """A number from `least` to `most`."""

    def read(value: Value) -> Value:
        if not least <= _number(value) <= most:
            raise wrong(f"a {text}", value)
        return value

    return Type(text, read, schema=({"type": "number", "minimum": least, "maximum": most},))


def _none_or(read: Callable[[Value], Value]) -> Callable[[Value], Value]:
    """`read`, for what may be left out by the word `none` too."""
    return lambda value: None if value == "none" or value is None else read(value)


def _ends(value: Value) -> tuple[int | None, int | None]:
    """`[start, stop]`: below 0 from the end; `none`, or a stop that is left out, is open."""
    if not isinstance(value, tuple) or not 1 <= len(value) <= 2:
        help = "`[start, none]` is open at its end"
        if isinstance(value, int) and value >= 0:
            help = f"write `[{value}, {value + 1}]`, or up to the end `[{value}, none]`"
        raise Fault("wrong-shape", "takes two numbers: [start, stop]", None, help)
    start, stop = (*value, "none")[:2]
    return _end(start), _end(stop)


def _end(value: Value) -> int | None:
    return None if value is None or value == "none" else whole(value, -LIMIT)


AXIS_WORDS = ("channels", "depth", "height", "width", "length")
SPREAD_WORDS = ("one", "channels", "positions", "all")


def _spread(value: Value) -> Value:
    """One of the words, or a list of names of axes."""
    if isinstance(value, tuple):
        if not value:
            raise wrong("names of axes", value)
        return tuple(_word(entry, AXIS_WORDS) for entry in value)
    return _word(value, (*SPREAD_WORDS, *AXIS_WORDS[1:]), "a list of axes, or ")


def _names(value: Value) -> tuple[str, ...]:
    if not isinstance(value, tuple) or not all(isinstance(entry, str) for entry in value):
        raise wrong("a list of names of tensors", value)
    return tuple(map(str, value))


def _parts(value: Value) -> tuple[tuple[str, int | None], ...]:
    """Names and sizes; None is an equal share of the rest."""
    if not isinstance(value, tuple) or not value or not all(isinstance(entry, tuple) for entry in value):
        raise wrong("names of parts with their sizes", value)
    return tuple((name, None if size == "rest" else _size(size)) for name, size in value)


def _size(value: Value) -> int:
    if isinstance(value, str):
        raise wrong("a whole number, or `rest`", value)
    return whole(value, 1)


def _kind_or_name(*allowed: str) -> Callable[[Value], str]:
    def read(value: Value) -> str:
        if not isinstance(value, str):
            listed = ", ".join(f"`{word}`" for word in allowed)
            raise wrong(f"one of {listed}, or the name of a tensor", value)
        return str(value)

    return read


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
POSITIVE = Type("number above 0", _positive, schema=({"type": "number", "exclusiveMinimum": 0},))
NOT_NEGATIVE = _within("number of at least 0", 0, LIMIT)
SHARE = _within("number from 0 to 1", 0, 1)
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
LAYER_NAME = Type("name of a layer", _layer_name)
TENSORS = Type("list of names of tensors", _names, schema=(_list_of(),))
OVER = words("channels", "positions")
SOME_SIZES = Type("`none`, " + SIZES.text, _none_or(SIZES.read), ("none",), SIZES.schema)
SOME_EXTRA = Type("`none`, " + EXTRA.text, _none_or(EXTRA.read), ("none",), EXTRA.schema)
ENDS = Type(
    "[start, stop]: below 0 counts from the end, `none` is open", _ends, schema=({"type": "array", "maxItems": 2},)
)
SPREAD = Type(
    " | ".join(f"`{word}`" for word in SPREAD_WORDS) + ", or a list of names of axes",
    _spread,
    SPREAD_WORDS + AXIS_WORDS[1:],
    (_list_of(),),
)
PARTS = Type("names of parts with their sizes: `{q: 16, k: 16, v: rest}`", _parts, schema=({"type": "object"},))
BIAS_WORDS = ("none", "relative", "distance", "decomposed")
BIAS = Type(
    " | ".join(f"`{word}`" for word in BIAS_WORDS) + ", or the name of a tensor",
    _kind_or_name(*BIAS_WORDS),
    BIAS_WORDS,
    ({"type": "string"},),
)
SCALE = Type("number, or one per axis", _scale, schema=({"type": "number"}, _list_of("number", most=3)))
