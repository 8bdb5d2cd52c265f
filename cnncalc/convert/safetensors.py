"""Files of named tensors in the safetensors format: read within bounds, and written, without its library.

Eight bytes say how long the header is, the header is JSON that says what lies where, and behind it the numbers lie
without gaps (https://huggingface.co/docs/safetensors).  This module knows bytes and names, and no network.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from array import array
from collections.abc import Sequence
from math import isfinite, prod
from typing import Any, BinaryIO, TypeGuard

from cnncalc.diagnostics import Diagnostic, SpecError
from cnncalc.records import NamedTuple

MAX_HEADER = 100_000_000
"""Bytes of the longest header, as in the library."""

MAX_AXES = 16

CODES = {"F64": "d", "F32": "f", "I64": "q", "I32": "i", "I16": "h", "I8": "b"}
CODES |= {"U64": "Q", "U32": "I", "U16": "H", "U8": "B"}
"""Element types as Python's arrays hold them; the half precisions are widened."""

WIDTHS = {name: array(code).itemsize for name, code in CODES.items()} | {"F16": 2, "BF16": 2}
"""Bytes of an element."""

OTHERS = {"BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1, "C64": 8}
"""Further types of the format, whose tensors may stand in a file but are not read."""


class Entry(NamedTuple):
    """One tensor of a file."""

    name: str
    type: str
    shape: tuple[int, ...]
    start: int
    """Its first byte behind the header; `end` is behind its last."""
    end: int


class File:
    """The header of a file; numbers are read when they are asked for."""

    def __init__(self, path: str) -> None:
        """Read and check the header; raises `SpecError`."""
        self.path = path
        try:
            self.file: BinaryIO = open(path, "rb")  # noqa: SIM115  # closed by `close`
        except (OSError, ValueError) as error:
            raise self.wrong("unreadable", f"cannot read `{path}`: {getattr(error, 'strerror', error)}") from None
        try:
            self.entries = self._header()
        except BaseException:
            self.file.close()
            raise

    def close(self) -> None:
        self.file.close()

    def __enter__(self) -> File:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def wrong(self, code: str, message: str, help: str = "") -> SpecError:
        return SpecError([Diagnostic(code, message, help=help)])

    def broken(self, message: str) -> SpecError:
        return self.wrong("bad-safetensors", f"`{self.path}` is no safetensors file: {message}")

    def _header(self) -> dict[str, Entry]:
        total = self.file.seek(0, os.SEEK_END)
        self.file.seek(0)
        if total < 8:
            raise self.broken(f"it has {total} bytes, and the length of its header takes 8")
        (length,) = struct.unpack("<Q", self.file.read(8))
        if length > MAX_HEADER or length > total - 8:
            raise self.broken(f"its header would be {length:,} bytes long, the file is {total:,}")
        self.base = 8 + length
        content = self._parsed(self.file.read(length))
        if not isinstance(content, dict):
            raise self.broken("its header is no JSON object")
        content.pop("__metadata__", None)
        found = {name: self._entry(name, entry, total - self.base) for name, entry in content.items()}
        at = 0
        for entry in sorted(found.values(), key=lambda entry: (entry.start, entry.end)):
            if entry.start != at:
                raise self.broken(f"`{entry.name}` begins at byte {entry.start:,} where {at:,} is expected")
            at = entry.end
        if at != total - self.base:
            raise self.broken(f"its tensors take {at:,} bytes, and {total - self.base:,} are there")
        return found

    def _parsed(self, text: bytes) -> Any:
        def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
            seen: set[str] = set()
            for name, _ in pairs:
                if name in seen:
                    raise self.broken(f"its header gives `{name}` twice")
                seen.add(name)
            return dict(pairs)

        try:
            return json.loads(text.decode("utf-8"), object_pairs_hook=mapping)
        except (ValueError, RecursionError):
            raise self.broken("its header is not JSON") from None

    def _entry(self, name: str, entry: Any, size: int) -> Entry:
        """One entry of the header, checked against the bytes that there are."""
        if not isinstance(entry, dict):
            raise self.broken(f"`{name}` is no JSON object")
        kind, shape, offsets = entry.get("dtype"), entry.get("shape"), entry.get("data_offsets")
        width = WIDTHS.get(kind) or OTHERS.get(kind) if isinstance(kind, str) else None
        if width is None or not isinstance(kind, str):
            raise self.broken(f"`{name}` has the unknown type {json.dumps(kind)[:40]}")
        if not _whole_list(shape) or len(shape) > MAX_AXES or not _whole_list(offsets) or len(offsets) != 2:
            raise self.broken(f"`{name}` needs `shape` and `data_offsets` as lists of whole numbers")
        start, end = offsets
        if not start <= end <= size:
            raise self.broken(f"`{name}` lies at bytes {start:,} to {end:,} of {size:,}")
        if prod(shape) * width != end - start:
            raise self.broken(f"`{name}` needs {prod(shape) * width:,} bytes, and has {end - start:,}")
        return Entry(name, kind, tuple(shape), start, end)

    def values(self, name: str) -> array[Any]:
        """The numbers of a tensor, row-major; raises `SpecError` for a type that holds none, or one not finite."""
        entry = self.entries[name]
        if entry.type in OTHERS:
            raise self.wrong("wrong-type", f"`{self.path}` gives `{name}` as {entry.type}, which is not read")
        self.file.seek(self.base + entry.start)
        content = self.file.read(entry.end - entry.start)
        if len(content) != entry.end - entry.start:
            raise self.broken(f"it ends within `{name}`")
        found = _decoded(entry.type, content)
        if found.typecode in "fd" and not isfinite(sum(found)) and not all(map(isfinite, found)):
            raise self.wrong("not-finite", f"`{self.path}` gives `{name}` a value that is not a finite number")
        return found


def _whole_list(value: Any) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(
        isinstance(entry, int) and not isinstance(entry, bool) and entry >= 0 for entry in value
    )


def _decoded(type: str, content: bytes) -> array[Any]:
    """The numbers that little-endian bytes stand for."""
    if type == "F16":
        return array("f", struct.unpack(f"<{len(content) // 2}e", content))
    if type == "BF16":  # the upper half of a 32-bit number
        wide = bytearray(2 * len(content))
        wide[2::4], wide[3::4] = content[::2], content[1::2]
        content, type = bytes(wide), "F32"
    found = array(CODES[type], content)
    if sys.byteorder == "big":
        found.byteswap()
    return found


class Tensor(NamedTuple):
    """A tensor to be written."""

    name: str
    type: str
    """``F32`` or another of `CODES`."""
    shape: tuple[int, ...]
    values: Sequence[float]


def encode(tensors: list[Tensor]) -> bytes:
    """A file of these tensors, in order: the header, then their numbers without gaps."""
    header, numbers = {}, bytearray()
    for tensor in tensors:
        found = array(CODES[tensor.type], tensor.values)
        assert len(found) == prod(tensor.shape), f"{tensor.name} has {len(found)} values"
        if sys.byteorder == "big":
            found.byteswap()
        start = len(numbers)
        numbers += found.tobytes()
        header[tensor.name] = {"dtype": tensor.type, "shape": list(tensor.shape), "data_offsets": [start, len(numbers)]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the numbers lie aligned
    return struct.pack("<Q", len(text)) + text + bytes(numbers)
