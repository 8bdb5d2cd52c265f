"""Tensors of an ONNX file -> `Constant`: shape, type, and where the elements stand; they are read only if few.

The largest weights are never touched: their number of elements is all that anyone asks.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Sequence
from typing import Any

from cnncalc.convert.operators import Constant, Held
from cnncalc.convert.wire import BYTES, FIXED64, Entry, Wire, bad, single
from cnncalc.diagnostics import Fault
from cnncalc.geometry import LIMIT, dims
from cnncalc.records import NamedTuple

MAX_AXES = 32
MAX_WHOLE = 65_536
"""Elements of a tensor of whole numbers (a shape, indices, a mask) up to which it is read."""
MAX_HELD = 262_144
"""The same of those that are looked at where it matters: what is added to the products of attention."""

MAX_FLOATS = 1_024
"""Elements of a tensor of decimal numbers up to which it is read: scales, bounds and scalars are this small."""


MAX_OFFSET = 18
"""Digits of the place in a file at which a tensor begins."""


class Type(NamedTuple):
    """One of ONNX's element types."""

    name: str
    dtype: str
    """What it counts as: see `Constant`."""
    code: str = ""
    """Of `struct`; empty where the elements are not read."""
    bits: int = 0
    """Width in `raw_data`."""


TYPES = {
    1: Type("float", "float", "f", 32),
    2: Type("uint8", "int", "B", 8),
    3: Type("int8", "int", "b", 8),
    4: Type("uint16", "int", "H", 16),
    5: Type("int16", "int", "h", 16),
    6: Type("int32", "int", "i", 32),
    7: Type("int64", "int", "q", 64),
    8: Type("string", "text"),
    9: Type("bool", "bool", "?", 8),
    10: Type("float16", "float", "e", 16),
    11: Type("double", "double", "d", 64),
    12: Type("uint32", "int", "I", 32),
    13: Type("uint64", "int", "Q", 64),
    14: Type("complex64", "float", "", 64),
    15: Type("complex128", "double", "", 128),
    16: Type("bfloat16", "float", "", 16),
    17: Type("float8e4m3fn", "float", "", 8),
    18: Type("float8e4m3fnuz", "float", "", 8),
    19: Type("float8e5m2", "float", "", 8),
    20: Type("float8e5m2fnuz", "float", "", 8),
    21: Type("uint4", "int", "", 4),
    22: Type("int4", "int", "", 4),
    23: Type("float4e2m1", "float", "", 4),
    24: Type("float8e8m0", "float", "", 8),
    25: Type("uint2", "int", "", 2),
    26: Type("int2", "int", "", 2),
}
"""By ONNX's number, TensorProto.DataType."""

FLOAT_DATA, INT32_DATA, STRING_DATA, INT64_DATA, RAW_DATA, DOUBLE_DATA, UINT64_DATA = 4, 5, 6, 7, 9, 10, 11


def element_type(number: int, what: str) -> Type:
    """The element type of a tensor; raises `Fault` for one that ONNX has not, as far as we know."""
    found = TYPES.get(number)
    if found is None:
        message = f"{what} has the element type {number}, which cnncalc does not know"
        help = "if the file is not damaged, its ONNX is newer than this cnncalc: cast it to 32-bit floats before export"
        raise Fault("unsupported", message, None, help)
    return found


def read_tensor(wire: Wire, start: int, end: int) -> tuple[str, Constant]:
    """The name of a tensor, and the tensor; raises `Fault` where its parts do not fit together."""
    name, sizes, number, external = "", [], 0, False
    data: list[Entry] = []
    place: dict[str, str] = {}
    for entry in wire.message(start, end):
        field = entry.number
        if field == 1:
            sizes += wire.numbers(entry, MAX_AXES)
            if len(sizes) > MAX_AXES:
                raise Fault("too-large", f"a tensor has more than {MAX_AXES} axes")
        elif field == 2:
            number = entry.start
        elif field == 8:
            name = wire.text(entry)
        elif field in (FLOAT_DATA, INT32_DATA, STRING_DATA, INT64_DATA, RAW_DATA, DOUBLE_DATA, UINT64_DATA):
            data.append(entry)
        elif field == 13 and entry.wire == BYTES:
            texts = {part.number: wire.text(part) for part in wire.message(entry.start, entry.end)}
            place[texts.get(1, "")] = texts.get(2, "")
        elif field == 14:
            external = entry.start == 1
    what = f"tensor {name}" if name else "a tensor"
    type = element_type(number, what)
    shape = tuple(sizes)
    size = 1
    for length in shape:
        if length < 0:
            raise bad(f"{what} has the shape {dims(shape)}")
        size *= length
    if size > LIMIT:
        raise Fault("too-large", f"{what} of {dims(shape)} has more than 2**63 elements")
    if external:
        data = []
    if data:
        _check(data, type, size, what)
    whole = _reader(wire, data, type, size) if (data or not size) and size <= MAX_HELD else None
    if external and size <= MAX_HELD:
        whole = _beside(wire, place, type, size)
    most = MAX_FLOATS if type.dtype in ("float", "double") else MAX_WHOLE
    found = Constant(shape, type.dtype, read=whole if size <= most else None)
    found.held = None if whole is None else Held(whole)
    return name, found


def _check(data: list[Entry], type: Type, size: int, what: str) -> None:
    """Raise `Fault` unless raw data have the length that the shape and type ask for."""
    for entry in data:
        if entry.number == RAW_DATA and type.bits:
            if entry.wire != BYTES:
                raise bad(f"{what} is damaged: its data are a number")
            needed = -(-size * type.bits // 8)
            if entry.end - entry.start != needed:
                held = entry.end - entry.start
                raise bad(f"{what} needs {needed:,} bytes for its {size:,} elements, the file holds {held:,}")


def _reader(wire: Wire, data: list[Entry], type: Type, size: int) -> Callable[[], Sequence[Any] | None]:
    def read() -> Sequence[Any] | None:
        values: list[Any] = []
        for entry in data:
            values += _elements(wire, entry, type, size)
        return values if len(values) == size else None

    return read


def _beside(wire: Wire, place: dict[str, str], type: Type, size: int) -> Callable[[], Sequence[Any] | None] | None:
    """What reads the elements of a tensor from a file beside its own, or in a folder there; None for any other place.

    The file need not be there.
    """
    location, start = place.get("location", ""), place.get("offset", "0")
    parts = location.replace("\\", "/").split("/")
    if wire.folder is None or not type.code or not {"", ".."}.isdisjoint(parts) or not start.isdecimal():
        return None
    path, form = os.path.join(wire.folder, location), f"<{size}{type.code}"
    if len(start) > MAX_OFFSET:
        return None

    def read() -> Sequence[Any] | None:
        try:
            if not os.path.isfile(path):
                return None
            with open(path, "rb") as file:
                file.seek(int(start))
                data = file.read(struct.calcsize(form))
        except OSError:
            return None
        if len(data) < struct.calcsize(form):
            return None
        values = list(struct.unpack(form, data))
        return [single(value) for value in values] if type.code == "f" else values

    return read


def _elements(wire: Wire, entry: Entry, type: Type, size: int) -> list[Any]:
    """The elements in one field; none for types that are not read."""
    if entry.number == RAW_DATA:
        if not type.code:
            return []
        values = list(struct.unpack_from(f"<{size}{type.code}", wire.data, entry.start))
        return [single(value) for value in values] if type.code == "f" else values
    if entry.number == FLOAT_DATA:
        return list(wire.floats(entry, size))
    if entry.number == DOUBLE_DATA:
        if entry.wire not in (BYTES, FIXED64):
            raise bad("the file is damaged: a decimal number is expected")
        count = (entry.end - entry.start) // 8
        return list(struct.unpack_from(f"<{min(count, size)}d", wire.data, entry.start))
    if entry.number == STRING_DATA:
        return []
    whole = wire.numbers(entry, size)
    if type.dtype == "bool":
        return [value != 0 for value in whole]
    if type.name == "float16":
        return [struct.unpack("<e", struct.pack("<H", value & 0xFFFF))[0] for value in whole]
    if type.dtype == "float":
        return []
    return [value & 0xFFFFFFFFFFFFFFFF for value in whole] if type.name == "uint64" else whole
