"""ONNX models that are written as lines, so that a test shows what it reads.

``y = Conv(x, w) pads=[1, 1, 1, 1]`` is a node; ``w: [4, 3, 1, 1]`` a constant whose numbers are drawn by its name,
``n: [2] 1 -1`` one with these, repeated where they are too few, of whole numbers where all of them are;
``m: [5, 5] absent`` one whose numbers are in a file that is not there.
"""

from __future__ import annotations

import random
import re
from array import array
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any

from convert import standing_in

CONSTANT = re.compile(r"(\w+): \[(.*?)\] ?(.*)")
NODE = re.compile(r"(.+?) = (\w+)\((.*?)\)(.*)")
ATTRIBUTE = re.compile(r"(\w+)=(\[.*?\]|'.*?'|\S+)")


def drawn(name: str, count: int) -> list[float]:
    """Eighths between -1 and 1, the same for the same name."""
    chance = random.Random(name)
    return [chance.randint(-8, 8) / 8 for _ in range(count)]


def nested(values: Sequence[float], shape: Sequence[int]) -> Any:
    """Numbers as lists of lists; a single number without axes is a list of one."""
    if len(shape) < 2:
        return list(values)
    each = prod(shape[1:])
    return [nested(values[start : start + each], shape[1:]) for start in range(0, len(values), each)]


def sizes(text: str) -> list[int]:
    return [int(size) for size in text.split(",") if size.strip()]


class Lines:
    """The nodes and the constants of a model."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.nodes: list[Any] = []
        self.constants: list[standing_in.TensorProto] = []
        self.values: dict[str, tuple[list[int], list[float]]] = {}
        """Shape and numbers of every constant that is not of whole numbers."""
        for line in lines:
            if found := CONSTANT.fullmatch(line):
                self.constant(*found.groups())
            elif found := NODE.fullmatch(line):
                results, operator, operands, rest = found.groups()
                given = {key: eval(value, {}) for key, value in ATTRIBUTE.findall(rest)}
                title = results.split(", ")[0]
                node = standing_in.make_node(operator, operands.split(", "), results.split(", "), title, **given)
                self.nodes.append(node)
            else:
                raise AssertionError(line)

    def constant(self, name: str, shape: str, values: str) -> None:
        dims = sizes(shape)
        entries, count = values.split(), prod(dims)
        if entries and all(re.fullmatch(r"-?\d+", entry) for entry in entries):
            made = standing_in.TensorProto(name, dims, standing_in.TensorProto.INT64)
            whole = [int(entry) for entry in entries]
            made.raw_data = array("q", [whole[place % len(whole)] for place in range(count)]).tobytes()
        elif values == "absent":
            made = standing_in.TensorProto(name, dims, standing_in.TensorProto.FLOAT)
            made.data_location = standing_in.TensorProto.EXTERNAL
        else:
            made = standing_in.TensorProto(name, dims, standing_in.TensorProto.FLOAT)
            given = [float(entry) for entry in entries] or drawn(name, count)
            spread = [given[place % len(given)] for place in range(count)]
            self.values[name] = (dims, spread)
            made.raw_data = array("f", spread).tobytes()
        self.constants.append(made)


def written(
    lines: Sequence[str], x: Sequence[int], y: Sequence[int] | None = None, opset: int = 17, also: Sequence[str] = ()
) -> bytes:
    """The model of these lines, which takes `x` and gives `y`, whose shape is stated where it is given; and others."""
    found, value = Lines(lines), standing_in.make_tensor_value_info
    ends = [value("x", 1, x)], [value("y", 1, y), *(value(name, 1, None) for name in also)]
    graph = standing_in.make_graph(found.nodes, "net", *ends, found.constants, [])
    given = {"ir_version": 8, "producer_name": "", "producer_version": "", "doc_string": ""}
    return standing_in.make_model(graph, [standing_in.make_opsetid("", opset)], **given).SerializeToString()


REFUSED = "refused: "
"""How the names of models begin that are none."""

FILE = Path(__file__).parents[1] / "data" / "convert" / "written.txt"


def models() -> dict[str, tuple[list[int], int, list[str]]]:
    """The sizes of `x`, the opset and the lines of every model of ``written.txt``, by its name."""
    found = {}
    for part in FILE.read_text(encoding="utf-8").split("==== ")[1:]:
        head, *lines = part.splitlines()
        name, _, shape = head.rpartition(", ")
        opset = re.search(r"at opset (\d+)", name)
        found[name] = ([int(size) for size in shape.split("x")], int(opset[1]) if opset else 17, lines)
    return found
