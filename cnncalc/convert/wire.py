"""The wire format of protocol buffers, read in place: fields with their places, never a copy of what is skipped.

Nothing here knows what a message means.  Every length is checked against the end of its message, and the number of
fields is bounded, so that no file, however made, is read for long.
"""

from __future__ import annotations

import struct

from cnncalc.diagnostics import Fault
from cnncalc.records import NamedTuple

MAX_FIELDS = 10_000_000
"""Fields of all messages together."""

MAX_TEXT = 16_384
"""Bytes of a name or another text that is read."""

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class Entry(NamedTuple):
    """One field of a message."""

    number: int
    wire: int
    """`VARINT`, `FIXED64`, `BYTES` or `FIXED32`."""
    start: int
    """Where its content starts; of a varint, its value."""
    end: int


def bad(message: str) -> Fault:
    """The fault of a file that is not what its name says, or is damaged."""
    return Fault("bad-model", message)


class Wire:
    """The bytes of a file or of a message in memory; everything is said by places in them."""

    def __init__(self, data: memoryview, folder: str | None = None) -> None:
        self.data = data
        self.folder = folder
        """Where files beside this one are; None for a message in memory."""
        self.fields = 0
        """Fields that have been read."""

    def message(self, start: int, end: int) -> list[Entry]:
        """The fields of the message between two places; raises `Fault` where it is cut off or no message at all."""
        data, found = self.data, []
        position = start
        while position < end:
            key = data[position]
            position += 1
            if key >= 128:
                key, position = self.varint(position - 1, end)
            number, wire = key >> 3, key & 7
            if wire == BYTES:
                if position >= end:
                    raise bad(f"the file is damaged at byte {position:,}: a length is missing")
                length = data[position]
                position += 1
                if length >= 128:
                    length, position = self.varint(position - 1, end)
                stop = position + length
                if stop > end:
                    raise bad(f"the file is cut off or damaged at byte {position:,}: {length:,} bytes are announced")
                found.append(Entry(number, wire, position, stop))
                position = stop
            elif wire == VARINT:
                value, position = self.varint(position, end)
                found.append(Entry(number, wire, value, 0))
            elif wire in (FIXED64, FIXED32):
                stop = position + (8 if wire == FIXED64 else 4)
                if stop > end:
                    raise bad(f"the file is cut off at byte {position:,}")
                found.append(Entry(number, wire, position, stop))
                position = stop
            else:
                raise bad(f"the file is no protocol buffer, or damaged, at byte {position - 1:,}")
            if len(found) + self.fields > MAX_FIELDS:
                raise Fault("too-large", f"the file has more than {MAX_FIELDS:,} fields")
        self.fields += len(found)
        return found

    def varint(self, position: int, end: int) -> tuple[int, int]:
        """An unsigned number of at most 64 bits, and the place behind it."""
        value = shift = 0
        while position < end:
            byte = self.data[position]
            position += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value & 0xFFFFFFFFFFFFFFFF, position
            shift += 7
            if shift >= 70:  # ten bytes of seven bits
                raise bad(f"the file is damaged at byte {position:,}: a number has no end")
        raise bad(f"the file is cut off at byte {position:,}")

    def text(self, entry: Entry) -> str:
        """A text of one line; bytes that cannot be shown are written as escapes, so that no two texts become one."""
        if entry.wire != BYTES:
            raise bad("the file is damaged: a name is a number")
        if entry.end - entry.start > MAX_TEXT:
            raise Fault("too-large", f"a name at byte {entry.start:,} has more than {MAX_TEXT:,} bytes")
        text = bytes(self.data[entry.start : entry.end]).decode("utf-8", "backslashreplace")
        return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)

    def numbers(self, entry: Entry, most: int) -> list[int]:
        """Signed whole numbers: a single one, or a packed list of at most `most`."""
        if entry.wire == VARINT:
            return [signed(entry.start)]
        if entry.wire != BYTES:
            raise bad("the file is damaged: a whole number has a fixed width")
        found: list[int] = []
        position = entry.start
        while position < entry.end:
            value, position = self.varint(position, entry.end)
            found.append(signed(value))
            if len(found) > most:
                raise Fault("too-large", f"a list at byte {entry.start:,} has more than {most:,} numbers")
        return found

    def floats(self, entry: Entry, most: int) -> list[float]:
        """Numbers of 32 bits: a single one, or a packed list of at most `most`, as the shortest decimals they stand
        for."""
        if entry.wire not in (BYTES, FIXED32):
            raise bad("the file is damaged: a decimal number is expected")
        length = entry.end - entry.start
        if length % 4:
            raise bad(f"the file is damaged at byte {entry.start:,}: {length:,} bytes are no numbers of 4 bytes")
        if length // 4 > most:
            raise Fault("too-large", f"a list at byte {entry.start:,} has more than {most:,} numbers")
        return [single(value) for value in struct.unpack_from(f"<{length // 4}f", self.data, entry.start)]


def signed(value: int) -> int:
    """A varint as a signed number of 64 bits."""
    return value - 0x10000000000000000 if value >> 63 else value


def single(value: float) -> float:
    """The shortest decimal that a number of 32 bits stands for: 1e-05, not 9.999999747378752e-06."""
    for digits in (6, 7, 8):
        short = float(f"{value:.{digits}g}")  # the largest is rounded down, so that all of them are in range
        if struct.unpack("<f", struct.pack("<f", short))[0] == value:
            return short
    return value
