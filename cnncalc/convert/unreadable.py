"""Why a model file cannot be read, and what to do: told by what it holds, else by what went wrong in it.

Nothing of a file is looked at here unless it could not be read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from cnncalc.convert import FORMATS, Imported
from cnncalc.convert.archive import member_names
from cnncalc.convert.rows import failed, origin
from cnncalc.diagnostics import Diagnostic, Fault, SpecError, suggestion
from cnncalc.language.suffixes import OTHERS
from cnncalc.records import NamedTuple

HEAD = 512
"""Bytes at the start of a file that tell what it is."""

TRACED = "torch.onnx.export(torch.jit.load('{}'), torch.zeros(1, 3, 224, 224), 'model.onnx', dynamo=False)"

SAVE = (
    "name the module that it belongs to, as `package.module:name`, or write a program: "
    "`torch.export.save(torch.export.export(model, (x,)), 'model.pt2')`"
)


class Content(NamedTuple):
    """What a file holds."""

    what: str
    """``an ONNX model``."""
    help: str = ""
    """What to do with it, where it is nothing that is read."""
    suffixes: tuple[str, ...] = ()
    """How the name of such a file ends, where it is read."""
    code: str = "wrong-format"
    """Of the message that it is no model."""


def _format(name: str, what: str) -> Content:
    return Content(what, "", next(format.suffixes for format in FORMATS if format.name == name))


ONNX = _format("ONNX", "an ONNX model")
KERAS = _format("Keras", "a model of Keras")
DARKNET = _format("Darknet", "a network of Darknet")
PROGRAM = _format("PyTorch program", "a program of PyTorch")

PICKLE = Content("a file of pickled Python objects, which could run code", SAVE, code="pickle")

STARTS = (
    (b"version https://git-lfs", Content("a pointer of Git LFS in place of a file", "fetch the file: `git lfs pull`")),
    (b"\x89HDF\r\n\x1a\n", Content(*OTHERS[".h5"])),
    (b"\x80", PICKLE),
    (b"\x1f\x8b", Content("compressed by gzip", "unpack it: `gunzip`, then name what is in it")),
    (b"%PDF", Content(*OTHERS[".pdf"])),
    (b"\x89PNG", Content(*OTHERS[".png"])),
)
"""What is told by first bytes."""

MESSAGE = re.compile(rb"\x08[\x01-\x1f][\x12\x1a\x22\x28\x32\x3a\x42]")
"""How an ONNX model begins: its first field is the version of the format, and another follows."""

DOWNLOAD = Content("a web page", "download the file itself: the page shows it, or says why it is not there")


def content(path: str) -> Content | None:
    """What a file holds, as far as its first bytes or the names in it tell."""
    with open(path, "rb") as file:
        head = file.read(HEAD)
    for start, found in STARTS:
        if head.startswith(start):
            return found
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype", b"<html", b"<head")):
        return DOWNLOAD
    if text.startswith((b"[net]", b"[network]")):
        return DARKNET
    if text.startswith(b"{"):
        return KERAS if b'"class_name"' in head else None
    if head[4:10] == b'\0\0\0\0{"':  # behind the length of the header
        return Content(*OTHERS[".safetensors"])
    if head[4:8] == b"TFL3":
        return Content(*OTHERS[".tflite"])
    if head.startswith(b"PK"):
        return _zipped(path)
    return ONNX if MESSAGE.match(head) else None


def _zipped(path: str) -> Content | None:
    """What a zip file holds, by the names of its members."""
    import zipfile  # an error path

    try:
        names = member_names(path)
    except (Fault, zipfile.BadZipFile, EOFError, NotImplementedError, OSError, RuntimeError, ValueError):
        return None
    if any(name.endswith("constants.pkl") for name in names):
        return Content("a TorchScript archive", f"write it as ONNX: `{TRACED.format(os.path.basename(path))}`")
    if any(name.endswith("data.pkl") for name in names):
        return PICKLE
    if "config.json" in names:
        return KERAS
    return PROGRAM if any(name.endswith("models/model.json") for name in names) else None


class Advice(NamedTuple):
    """What helps with files of a format."""

    own: Content
    again: str
    """How such a file is written."""
    wrong: str
    """What tells more of one that is wrong within, with ``{}`` for its name."""


LIMITS = {
    "too-large": "if the file is not damaged, it is more than cnncalc reads: give it a part of the network",
    "nesting": "if the file is not damaged, it is more than cnncalc reads: write the network with fewer levels",
}

Read = Callable[..., Imported]
WHOLE = frozenset(("bad-model", "wrong-format", "json", "encoding", "cfg", "pickle"))
"""Codes of what may be wrong because the file is another than its name says."""


def advised(advice: Advice) -> Callable[[Read], Read]:
    """Let a format's ``read(source, inputs)`` tell what to do about every file that it cannot read."""

    def advise(read: Read) -> Read:
        @wraps(read)
        def reading(source: str, inputs: Any = None) -> Imported:
            readable(source)
            try:
                return read(source, inputs)
            except SpecError as error:
                found = [helped(each, source, advice, bool(inputs)) for each in error.diagnostics]
                raise SpecError(found, error.partial) from None

        return reading

    return advise


def readable(path: str) -> None:
    """Raise `SpecError` unless a path is a file that is not empty and may be read."""
    try:
        if os.path.isdir(path):
            is_saved = os.path.exists(os.path.join(path, "saved_model.pb"))
            what, help = OTHERS[".pb"] if is_saved else ("a folder", "name one of the files in it")
            raise failed(Fault("not-a-file", f"it is {what}, and no file", None, help), path)
        if os.path.exists(path) and not os.path.isfile(path):
            raise failed(Fault("not-a-file", "it is no regular file", None, "copy what it gives to a file"), path)
        with open(path, "rb") as file:
            if not file.read(HEAD):
                raise failed(Fault("empty", "the file is empty", None, "copy or download it again"), path)
    except FileNotFoundError:
        folder = os.path.dirname(path)
        near = os.listdir(folder or ".") if os.path.isdir(folder or ".") else []
        help = suggestion(os.path.basename(path), near) or "give its path from here, or from `/`"
        raise failed(Fault("no-such-file", "there is no such file", None, help), path) from None
    except OSError as error:
        reason = f"it cannot be read: {(error.strerror or str(error)).lower()}"
        raise failed(Fault("unreadable", reason, None, "see `ls -l`: you need the right to read it"), path) from None


def helped(diagnostic: Diagnostic, path: str, advice: Advice, is_resized: bool) -> Diagnostic:
    """The diagnostic with what to do; of a file that is something else than its name says, with what it is.

    `is_resized`: its inputs were given other sizes.
    """
    within = diagnostic.span is not None and ": node " in diagnostic.span.source.path
    if diagnostic.code in WHOLE:
        found = content(path)
        if found is not None and found.what != advice.own.what:
            help = found.help
            if found.suffixes:
                from shlex import quote  # an error path

                help = f"rename it: `mv {quote(path)} {quote(os.path.splitext(path)[0] + found.suffixes[-1])}`"
            message = f"it is {found.what}, " + (f"and not {advice.own.what}" if advice.own.what else "and is not read")
            return Fault(found.code, message, None, help).at(origin(path))
    if diagnostic.help:
        return diagnostic
    if diagnostic.code in LIMITS:
        return diagnostic._replace(help=LIMITS[diagnostic.code])
    if within and is_resized:
        return diagnostic._replace(help="a file may hold for its own sizes alone: leave `--input` out, or give others")
    if within:
        return diagnostic._replace(help=advice.wrong.format(os.path.basename(path)))
    return diagnostic._replace(help=f"copy or download the file again, or {advice.again}")
