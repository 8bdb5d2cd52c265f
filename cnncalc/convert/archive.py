"""A file that describes a network in JSON -> that JSON: as text, or within a zip file; bounded before it is read."""

from __future__ import annotations

import os
from typing import Any

from cnncalc.convert.rows import failed, printable
from cnncalc.diagnostics import Diagnostic, Fault, Source, Span, SpecError

MAX_TEXT = 32 * 2**20
"""Bytes of a description; Keras' EfficientNetV2-L has one MiB."""

MAX_MEMBERS = 10_000
MAX_DIRECTORY = 4 * 2**20
"""Members of a zip file, and bytes of the list of them at its end."""

TAIL = 65_557
"""The most bytes from where the end of a zip file begins: 22, and a comment."""

MAX_SHOWN = 80
"""Characters of a name in a message."""


def shown(value: Any, most: int = MAX_SHOWN) -> str:
    """A name, or any other value, as a message may show it: printable, and of at most so many characters."""
    if isinstance(value, (dict, list)):
        return "{…}" if isinstance(value, dict) else "[…]"
    text = value if isinstance(value, str) else repr(value)
    return printable(text[:most]) + ("…" if text[most:] else "")


def load(path: str, members: tuple[str, ...], help: str) -> dict[str, Any]:
    """The JSON object that a text file holds, or the member of a zip file whose name ends with one of `members`.

    Raises `SpecError`; `help` says how such a file is written.
    """
    try:
        data = _member(path, members, help) if _is_zip(path) else _whole(path)
    except Fault as fault:
        raise failed(fault, path) from None
    return parse(data, path)


def _is_zip(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read(2) == b"PK"


def _whole(path: str) -> bytes:
    with open(path, "rb") as file:
        data = file.read(MAX_TEXT + 1)
    if len(data) > MAX_TEXT:
        raise Fault("too-large", f"it has more than {MAX_TEXT:,} bytes, the limit of a description")
    return data


def member_names(path: str) -> list[str]:
    """The names of all members of a zip file; raises `Fault`, or what the zip library raises."""
    import zipfile

    _check_directory(path)
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def _member(path: str, members: tuple[str, ...], help: str) -> bytes:
    """One member of a zip file: no other is read, and none before their number is known."""
    import zipfile
    import zlib

    _check_directory(path)
    try:
        with zipfile.ZipFile(path) as archive:
            name = next((name for name in archive.NameToInfo if name.endswith(members)), None)
            if name is None:
                raise Fault("wrong-format", f"it is a zip file without `{members[0]}`", None, help)
            with archive.open(name) as member:
                data = member.read(MAX_TEXT + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise Fault("wrong-format", f"it is no zip file that can be read: {shown(str(error))}") from None
    if len(data) > MAX_TEXT:
        raise Fault("too-large", f"its `{shown(name)}` has more than {MAX_TEXT:,} bytes, the limit of a description")
    return data


END, END64, LOCATOR = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"


def _check_directory(path: str) -> None:
    """Bound the list of members, which the zip library would read whole; its size stands in the file's last bytes."""
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(-min(size, TAIL), os.SEEK_END)
        tail = file.read()
        start = tail.rfind(END)
        if start < 0 or len(tail) < start + 22:
            raise Fault("wrong-format", "it is a zip file that is cut off")
        members, directory = _whole_number(tail, start + 10, 2), _whole_number(tail, start + 12, 4)
        if start >= 20 and tail[start - 20 : start - 16] == LOCATOR:  # larger numbers, which hold in place of these
            file.seek(min(size, _whole_number(tail, start - 12, 8)))
            record = file.read(56)
            if record[:4] != END64 or len(record) < 56:
                raise Fault("wrong-format", "it is a zip file that is damaged")
            members, directory = _whole_number(record, 32, 8), _whole_number(record, 40, 8)
    if members > MAX_MEMBERS or directory > MAX_DIRECTORY:
        raise Fault("too-large", f"it is a zip file with more than {MAX_MEMBERS:,} members")


def _whole_number(data: bytes, start: int, size: int) -> int:
    return int.from_bytes(data[start : start + size], "little")


def parse(data: bytes, path: str) -> dict[str, Any]:
    """The JSON object in a text; raises `SpecError` with the place where it is none."""
    import json

    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise failed(Fault("encoding", f"it is not UTF-8: byte {error.start:,}"), path) from None
    try:
        value = json.loads(text)
        if "\\ud" in text.lower():  # half of a pair, which no output could print
            value = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    except json.JSONDecodeError as error:
        span = Span(Source(path, text), error.lineno, error.colno, error.colno + 1)
        message = f"this is not valid JSON: {error.msg[:1].lower()}{error.msg[1:]}"
        raise SpecError([Diagnostic("json", message, span)]) from None
    except RecursionError:
        raise failed(Fault("nesting", "its JSON is nested too deep"), path) from None
    except ValueError:  # Python's own bound on digits
        raise failed(Fault("too-large", "it holds a number of thousands of digits"), path) from None
    if not isinstance(value, dict):
        raise failed(Fault("wrong-format", "it is JSON, but no object"), path)
    return value
