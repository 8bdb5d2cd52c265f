"""The wire format of protocol buffers, as protobuf.dev/programming-guides/encoding describes it, and its bounds."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest
from convert.encoding import message, varint
from sampling import together

from cnncalc.convert import wire
from cnncalc.convert.wire import BYTES, FIXED32, FIXED64, VARINT, Entry, Wire, single
from cnncalc.diagnostics import Fault


def read(data: bytes) -> list[Entry]:
    return Wire(memoryview(data)).message(0, len(data))


FIELDS = [
    (b"\x08\x96\x01", Entry(1, VARINT, 150, 0)),  # its own example
    (b"\x12\x07testing", Entry(2, BYTES, 2, 9)),  # and the next one
    (b"\x08\x7f", Entry(1, VARINT, 127, 0)),
    (b"\x78\x80\x01", Entry(15, VARINT, 128, 0)),
    (b"\x80\x01\x01", Entry(16, VARINT, 1, 0)),
    (b"\x08" + b"\xff" * 9 + b"\x01", Entry(1, VARINT, 2**64 - 1, 0)),
    (b"\x09" + bytes(8), Entry(1, FIXED64, 1, 9)),
    (b"\x0d" + bytes(4), Entry(1, FIXED32, 1, 5)),
    (b"\x0a\x00", Entry(1, BYTES, 2, 2)),
    (b"\x0a\x7f" + bytes(127), Entry(1, BYTES, 2, 129)),
    (b"\x0a\x80\x01" + bytes(128), Entry(1, BYTES, 3, 131)),
]
"""A message of one field, and where its content is."""


@together("data, entry", FIELDS)
def test_fields(data: bytes, entry: Entry) -> None:
    assert read(data) == [entry]
    twice = read(data + data)
    assert [(each.number, each.wire) for each in twice] == [(entry.number, entry.wire)] * 2
    for length in range(1, len(data)):
        with pytest.raises(Fault, match=r"the file is (cut off|damaged|cut off or damaged) at byte \d+"):
            read(data[:length])


@together(
    "data, message",
    [
        (b"\x08", "the file is cut off at byte 1"),
        (b"\x08\x80", "the file is cut off at byte 2"),
        (b"\x0a", "the file is damaged at byte 1: a length is missing"),
        (b"\x0a\x02a", "the file is cut off or damaged at byte 2: 2 bytes are announced"),
        (b"\x08\x01\x0d\0\0\0", "the file is cut off at byte 3"),
        (b"\x08\x01\x0b", "the file is no protocol buffer, or damaged, at byte 2"),
        (b"\x08" + b"\xff" * 10 + b"\x01", "the file is damaged at byte 11: a number has no end"),
    ],
)
def test_where_a_message_is_damaged(data: bytes, message: str) -> None:
    with pytest.raises(Fault) as caught:
        read(data)
    assert caught.value.message == message


def test_fields_of_all_messages_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_FIELDS", 5)
    data = message(*[(1, 0)] * 3)
    held = Wire(memoryview(data))
    assert len(held.message(0, 6)) == 3
    assert len(held.message(0, 4)) == 2
    with pytest.raises(Fault, match="the file has more than 5 fields"):
        held.message(0, 2)
    monkeypatch.undo()
    held.fields = 10_000_000 - 2
    assert len(held.message(0, 4)) == 2
    with pytest.raises(Fault, match="the file has more than 10,000,000 fields"):
        held.message(0, 2)


def taken(data: bytes, take: Callable[[Wire, Entry], Any]) -> Any:
    """What is read of the only field of a message."""
    (entry,) = read(data)
    return take(Wire(memoryview(data)), entry)


LISTS = [
    (1, b"\x08\x05", [5]),
    (1, b"\x08" + varint(-1), [-1]),
    (3, b"\x0a\x04" + varint(3) + varint(270) + b"\x01", [3, 270, 1]),
    (2, b"\x0a\x13" + varint(2**63 - 1) + varint(-(2**63)), [2**63 - 1, -(2**63)]),
    (0, b"\x0a\x00", []),
]


@together("most, data, values", LISTS)
def test_whole_numbers(most: int, data: bytes, values: list[int]) -> None:
    """Single ones, and packed lists of so many at most; of 64 bits with a sign."""
    assert taken(data, lambda held, entry: held.numbers(entry, most)) == values
    if len(values) > 1:
        with pytest.raises(Fault, match=f"a list at byte 2 has more than {most - 1} numbers"):
            taken(data, lambda held, entry: held.numbers(entry, most - 1))


def test_decimal_numbers() -> None:
    assert taken(b"\x0d" + struct.pack("<f", 0.1), lambda held, entry: held.floats(entry, 1)) == [0.1]
    two = b"\x0a\x08" + struct.pack("<2f", 0.1, -2)
    assert taken(two, lambda held, entry: held.floats(entry, 2)) == [0.1, -2]
    with pytest.raises(Fault, match="a list at byte 2 has more than 1 numbers"):
        taken(two, lambda held, entry: held.floats(entry, 1))
    with pytest.raises(Fault, match="the file is damaged at byte 2: 7 bytes are no numbers of 4 bytes"):
        taken(b"\x0a\x07" + bytes(7), lambda held, entry: held.floats(entry, 2))


def test_what_is_of_another_form_is_damaged() -> None:
    wide, number = b"\x09" + bytes(8), b"\x08\x01"
    for data, take, told in (
        (wide, lambda held, entry: held.numbers(entry, 1), "a whole number has a fixed width"),
        (wide, lambda held, entry: held.floats(entry, 2), "a decimal number is expected"),
        (number, lambda held, entry: held.floats(entry, 1), "a decimal number is expected"),
        (number, lambda held, entry: held.text(entry), "a name is a number"),
    ):
        with pytest.raises(Fault, match=f"the file is damaged: {told}"):
            taken(data, take)


def test_texts() -> None:
    for content, shown in (("a½", "a½"), ("a\nb\x1b", r"a\nb\x1b"), ("", ""), ("n" * 16_384, "n" * 16_384)):
        assert taken(message((1, content)), lambda held, entry: held.text(entry)) == shown
    assert taken(b"\x0a\x02\xffa", lambda held, entry: held.text(entry)) == r"\xffa"
    with pytest.raises(Fault, match="a name at byte 4 has more than 16,384 bytes"):
        taken(message((1, "n" * 16_385)), lambda held, entry: held.text(entry))


@together("value", [0.1, 1e-05, 8.49583e-22, 9.63099e-35, 2.058756e-16, 1.2345678, 16777216.0, 3.4028235e38])
def test_the_shortest_decimal_of_a_number_of_32_bits(value: float) -> None:
    """Of six digits, of seven where those are another number, or of eight; else the number itself."""
    assert single(struct.unpack("<f", struct.pack("<f", value))[0]) == value


def test_numbers_that_no_short_decimal_stands_for() -> None:
    for value in (0.10793126374483109, float("inf"), float("-inf"), 0.0):
        assert single(value) == value
