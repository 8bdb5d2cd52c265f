"""The exports of `NETWORKS`, `LAYERS`, `WRITTEN` and every kind's example as texts, to be compared with golden ones."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from functools import cache
from math import prod
from pathlib import Path
from typing import Any
from zlib import crc32

from convert.networks import LAYERS, NETWORKS, REFUSED, WRITTEN, examples, network

import cnncalc
from cnncalc.convert.keras_out.source import to_keras_source
from cnncalc.convert.onnx_out.model import OPSET, model
from cnncalc.convert.torch_out import state_names, to_torch_source
from cnncalc.executor.data import Weights
from cnncalc.geometry import Shape
from cnncalc.graph import Graph, Node

GOLDEN = Path(__file__).parents[1] / "golden" / "exports"
MARK = "==== "
"""What a network's name stands behind."""

NOT_SAID = "refused: "

CHANGES = (13, 14, 17, 18, 20, 23)
"""The opsets at which something is written otherwise than before, and the ends of the range."""

BUNDLED = (
    *("alexnet", "bifpn", "densenet40_k12", "dla34", "edsr_baseline_x4", "efficientvit_b0", "fasterrcnn_box_head"),
    *("mobilenet_v3_small", "notes_1x1", "resnet20", "resnet50_v2", "unet", "vit_b_16", "vovnet39a"),
)
"""Networks whose source has classes and functions of all sorts; tests/frameworks builds every one."""


class Counted(Weights):
    """Weights that are the same on every machine: eighths, none of them 0."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph, {}, "", 0)

    def __call__(self, owner: Node, name: str, shape: Shape) -> Sequence[float]:
        return array("f", [(place % 7 + 1) / 8 for place in range(prod(shape))])


@cache
def kinds() -> list[tuple[str, Graph]]:
    """The example of every kind on an input of each rank."""
    found = {}
    for name, graph in examples():
        found.setdefault((name.partition(" ")[0], len(graph.inputs[0][1])), (name, graph))
    return list(found.values())


def sections(target: str) -> Iterator[tuple[str, str]]:
    """The text of every network under its name, or why it is refused; with the rest where it is more than a layer."""
    write = {"pytorch": pytorch, "keras": keras, "onnx": onnx}[target]
    chosen = [(name, network(name), True) for name in (*NETWORKS, *LAYERS, *REFUSED)]
    if target != "onnx":  # whose nodes know nothing of blocks
        chosen += [(name, network(name), True) for name in WRITTEN]
        chosen += [(name, cnncalc.load(name).graph, True) for name in BUNDLED]
    for name, graph, whole in [*((name, graph, False) for name, graph in kinds()), *chosen]:
        try:
            text = write(graph, whole)
        except cnncalc.SpecError as error:
            (diagnostic,) = error.diagnostics
            assert diagnostic.span is not None
            text = f"{NOT_SAID}{diagnostic.message}\n{diagnostic.help}\n"
        yield name, text


def kept(path: Path) -> dict[str, str]:
    """The golden texts of a file by their names."""
    parts = path.read_text(encoding="utf-8").split(MARK)[1:]
    return {name: text for name, _, text in (part.partition("\n") for part in parts)}


def check(path: Path, found: dict[str, str], rewrite: bool) -> None:
    """Fail unless a file holds exactly these texts under these names, or write it."""
    if rewrite:
        path.write_text("".join(f"{MARK}{name}\n{text}" for name, text in found.items()), encoding="utf-8")
    texts = kept(path)
    assert list(found) == list(texts)
    for name, text in found.items():
        assert text == texts[name], name


def refusals(target: str) -> dict[str, str]:
    """Why networks are refused, by their names."""
    texts = kept(GOLDEN / f"{target}.txt")
    return {name: text.removeprefix(NOT_SAID) for name, text in texts.items() if text.startswith(NOT_SAID)}


def pytorch(graph: Graph, whole: bool) -> str:
    """With the names of the state dict, which are those of the weights' file."""
    text = source(to_torch_source(graph), whole)
    return text + "".join(f"# {' '.join(key)}: {name}\n" for key, name in state_names(graph).items()) if whole else text


def keras(graph: Graph, whole: bool) -> str:
    return source(to_keras_source(graph), whole)


def source(text: str, whole: bool) -> str:
    """Source, without the docstring at its top unless the `whole` is wanted."""
    return text if whole else text.split('"""\n', 1)[1].lstrip("\n")


def onnx(graph: Graph, whole: bool) -> str:
    """The listing of a model, and what it says otherwise at other opsets."""
    usual = listing(model(graph, Counted(graph), OPSET))
    text = "".join(usual)
    for opset in CHANGES if whole else (CHANGES[0], CHANGES[-1]):
        other = [line for line in listing(model(graph, Counted(graph), opset)) if line not in usual]
        text += "".join(f"{opset}: {line}" for line in other)
    return text


def listing(made: Any) -> list[str]:
    """A line for every input, node, constant and output of a model of the library `onnx`, or of what stands in."""
    graph = made.graph
    shapes = {value.name: stated(value) for value in (*graph.input, *graph.value_info, *graph.output)}
    lines = [f"{graph.name}: opset {made.opset_import[0].version}, format {made.ir_version}\n"]
    lines += [f"input {value.name}: {shapes[value.name]}\n" for value in graph.input]
    for tensor in graph.initializer:
        typecode = {1: "f", 7: "q"}[tensor.data_type]
        values = array(typecode, bytes(tensor.raw_data)).tolist()
        shown = " ".join(f"{value:.7g}" for value in values[:8])
        rest = f" ... {crc32(bytes(tensor.raw_data)):08x}" if len(values) > 8 else ""
        lines.append(f"tensor {tensor.name}: {typecode} {list(tensor.dims)} {shown}{rest}\n")
    for node in graph.node:
        attributes = "".join(f" {each.name}={value_of(each)}" for each in node.attribute)
        results = ", ".join(f"{name}: {shapes.get(name, 'not stated')}" for name in node.output)
        lines.append(f"{node.name}: {node.op_type}({', '.join(node.input)}){attributes} -> {results}\n")
    lines += [f"output {value.name}: {shapes[value.name]}\n" for value in graph.output]
    return lines


def stated(value: Any) -> str:
    tensor = value.type.tensor_type
    sizes = " x ".join(dim.dim_param or str(dim.dim_value) for dim in tensor.shape.dim)
    return sizes if tensor.elem_type == 1 else f"{sizes} of type {tensor.elem_type}"


def value_of(attribute: Any) -> str:
    if attribute.type == 3:
        return bytes(attribute.s).decode()
    if attribute.type == 1:
        return f"{attribute.f:.7g}"
    return str(attribute.i if attribute.type == 2 else list(attribute.ints))
