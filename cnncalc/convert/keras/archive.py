"""A file that holds a Keras model's config -> JSON: as text, or within a zip file; bounded before it is read."""

from __future__ import annotations

import os
from typing import Any

from cnncalc.convert.rows import failed
from cnncalc.diagnostics import Diagnostic, Fault, Source, Span, SpecError

MAX_TEXT = 32 * 2**20
"""Bytes of a config; NASNet-Large has half a MiB."""

MAX_MEMBERS = 10_000
MAX_DIRECTORY = 4 * 2**20
"""Members of a ``.keras`` file, and bytes of the list of them at its end."""

MAX_SHOWN = 80
"""Characters of a name in a message."""

CONFIG = "config.json"


def shown(value: Any) -> str:
    """A name, or any other value, as a message may show it: printable, and not too long."""
    if isinstance(value, (dict, list)):
        return "{…}" if isinstance(value, dict) else "[…]"
    text = value if isinstance(value, str) else repr(value)
    if len(text) <= MAX_SHOWN and text.isprintable():
        return text
    text = "".join(char if char.isprintable() else "?" for char in text[: MAX_SHOWN + 1])
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def load(path: str) -> dict[str, Any]:
    """The JSON object that a ``.json`` or ``.keras`` file holds; raises `SpecError`."""
    try:
        data = _member(path) if _is_zip(path) else _whole(path)
    except OSError as error:
        raise failed(Fault("unreadable", f"{path} cannot be read: {error.strerror or error}"), path) from None
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
        raise Fault("too-large", f"it has more than {MAX_TEXT:,} bytes, the limit of a config")
    if data[:8] == b"\x89HDF\r\n\x1a\n":
        raise Fault("wrong-format", "it is an HDF5 file, and not a config", None, JSON_HELP)
    return data


JSON_HELP = "write the config with `model.to_json()`, or `model.save('model.keras')`"


def _member(path: str) -> bytes:
    """The config within a ``.keras`` file: no other member is read, and none before their number is known."""
    import zipfile
    import zlib

    _check_directory(path)
    try:
        with zipfile.ZipFile(path) as archive:
            if CONFIG not in archive.NameToInfo:
                raise Fault("wrong-format", f"it is a zip file without `{CONFIG}`", None, JSON_HELP)
            with archive.open(CONFIG) as member:
                data = member.read(MAX_TEXT + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise Fault("wrong-format", f"it is no zip file that can be read: {shown(str(error))}") from None
    if len(data) > MAX_TEXT:
        raise Fault("too-large", f"its `{CONFIG}` has more than {MAX_TEXT:,} bytes, the limit of a config")
    return data


def _check_directory(path: str) -> None:
    """Bound the list of members, which the zip library would read whole; its size stands in the file's last bytes."""
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 2**16 - 22))
        tail = file.read()
    start = tail.rfind(b"PK\x05\x06")
    if start < 0 or len(tail) < start + 22:
        raise Fault("wrong-format", "it is a zip file that is cut off")
    members = int.from_bytes(tail[start + 10 : start + 12], "little")
    if members > MAX_MEMBERS or int.from_bytes(tail[start + 12 : start + 16], "little") > MAX_DIRECTORY:
        raise Fault("too-large", f"it is a zip file with more than {MAX_MEMBERS:,} members")


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
        raise failed(Fault("wrong-format", "it is JSON, but no object with `class_name` and `config`"), path)
    return value
