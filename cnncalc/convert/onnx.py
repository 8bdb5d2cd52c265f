"""An ONNX file -> Graph: the source format's one entry.

The file is mapped, not read: of the weights only their shapes are looked at, and they need not be there.  Of a file
beside it only small tensors are read, whole numbers above all: shapes, indices and masks.
"""

from __future__ import annotations

import mmap
import os
from math import prod
from typing import Any

from cnncalc.convert import Imported, Inputs
from cnncalc.convert.building import build
from cnncalc.convert.onnx_file import OWN, Function, Model, Reader
from cnncalc.convert.onnx_versions import OLDEST, normalise
from cnncalc.convert.operators import Constant, Input, Operator, Program, Reference
from cnncalc.convert.rows import MAX_NODES, failed
from cnncalc.convert.translation import TRANSLATIONS
from cnncalc.convert.unreadable import ONNX, Advice, advised
from cnncalc.convert.wire import Wire
from cnncalc.diagnostics import Fault

MAX_DEPTH = 32
"""Calls of functions inside each other."""


ADVICE = Advice(
    ONNX,
    "write it anew, from PyTorch with `torch.onnx.export(model.eval(), torch.zeros(1, 3, 224, 224), 'model.onnx')`",
    "`onnx.checker.check_model('{}', full_check=True)` says what is wrong with the file; write it anew",
)


@advised(ADVICE)
def read(source: str, inputs: Inputs = None) -> Imported:
    """The network of an ONNX file, and its account; raises `SpecError`.

    `inputs` give the sizes that the file leaves open, channels first and without the batch.
    """
    with (
        open(source, "rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
        memoryview(mapped) as data,
    ):
        return read_bytes(data, os.path.basename(source), inputs, os.path.dirname(source))


def read_proto(model: Any, inputs: Inputs = None) -> Imported:
    """As `read`, of a ModelProto in memory."""
    return read_bytes(memoryview(model.SerializeToString()), "ModelProto", inputs)


def read_bytes(data: memoryview, shown: str, inputs: Inputs = None, folder: str | None = None) -> Imported:
    """The network in the bytes of an ONNX file, which is shown as `shown`; raises `SpecError`.

    `folder` is where files beside it are, which may hold its tensors.
    """
    try:
        model = Reader(Wire(data, folder)).model(shown, os.path.splitext(shown)[0])
        program = whole(model)
    except Fault as fault:
        raise failed(fault, shown) from None
    return build(program, inputs, TRANSLATIONS)


def whole(model: Model) -> Program:
    """The program with functions in place of their calls, and all operators as of the newest opset; raises `Fault`."""
    program = model.program
    version = model.versions.get("", OLDEST if model.versions else 1)  # as files were before they said it
    if version < OLDEST:
        help = "`onnx.save(onnx.version_converter.convert_version(onnx.load('old.onnx'), 17), 'new.onnx')`"
        message = f"the file is of opset {version}; cnncalc reads opset {OLDEST} and later"
        raise Fault("unsupported", message, None, help)
    functions = {(kind_of(function), function.key[2]): function for function in model.functions.values()}
    for function in functions.values():
        for operator in function.nodes:
            normalise(operator, function.versions.get("", version))
    for operator in program.operators:
        normalise(operator, version)
    if functions:
        program.operators = inlined(program.operators, functions)
    weights_from_inputs(program)
    return program


WEIGHTS = {
    **dict.fromkeys(("Conv", "ConvTranspose", "Gemm", "InstanceNormalization"), (1, 2)),
    **dict.fromkeys(("LayerNormalization", "GroupNormalization"), (1, 2)),
    "BatchNormalization": (1, 2, 3, 4),
    "PRelu": (1,),
}
"""Which operands of an operator are weights."""


def weights_from_inputs(program: Program) -> None:
    """Let inputs that are nothing but weights be constants: so files without their weights are written."""
    takers = program.takers()
    data: list[Input] = []
    held: list[Input] = []
    for entry in program.inputs:
        uses = [
            place in WEIGHTS.get(operator.kind, ())
            for operator in takers.get(entry.name, ())
            for place, name in enumerate(operator.inputs)
            if name == entry.name
        ]
        sizes = [size for size in entry.shape or () if isinstance(size, int)]
        is_weight = bool(uses) and all(uses) and entry.shape is not None and len(sizes) == len(entry.shape)
        (held if is_weight and data and entry.name not in program.outputs else data).append(entry)
    for entry in held:
        shape = tuple([size for size in entry.shape or () if isinstance(size, int)])
        program.constants[entry.name] = Constant(shape, "float", roots={entry.name: prod(shape)})
    program.inputs = data


def kind_of(function: Function) -> str:
    domain, name, _ = function.key
    return name if domain in OWN else f"{domain}.{name}"


def inlined(operators: list[Operator], functions: dict[tuple[str, str], Function]) -> list[Operator]:
    """The operators with the bodies of functions in place of their calls; raises `Fault`."""
    found: list[Operator] = []
    pending = [(operator, 0) for operator in reversed(operators)]
    made = 0
    while pending:
        operator, depth = pending.pop()
        function = functions.get((operator.kind, operator.overload))
        if function is None:
            found.append(operator)
            continue
        if depth >= MAX_DEPTH:
            raise Fault("too-large", f"function `{operator.kind}` is called more than {MAX_DEPTH} calls deep")
        made += len(function.nodes)
        if made > MAX_NODES:
            raise Fault("too-large", f"the functions of the file make more than {MAX_NODES:,} nodes")
        pending += [(node, depth + 1) for node in reversed(body(operator, function))]
    return found


def body(call: Operator, function: Function) -> list[Operator]:
    """The operators of a function as this call has them: its tensors, its attributes, and names below its own."""
    names = dict(zip(function.inputs, call.inputs))
    names |= dict.fromkeys(function.inputs[len(call.inputs) :], "")
    for inner, outer in zip(function.outputs, call.outputs):
        names.setdefault(inner, outer)
    given = {**function.defaults, **call.attributes}

    def renamed(name: str) -> str:
        return names.setdefault(name, f"{call.name}/{name}") if name else ""

    found = []
    passed = [(name, outer) for name, outer in zip(function.outputs, call.outputs) if outer and names[name] != outer]
    for node in function.nodes:
        attributes = {}
        for name, value in node.attributes.items():
            if not isinstance(value, Reference):
                attributes[name] = value
            elif value.name in given:
                attributes[name] = given[value.name]
        title = f"{call.title}/{node.title}" if call.title and node.title else node.title or call.title
        copy = Operator(
            node.kind,
            [renamed(name) for name in node.inputs],
            [renamed(name) for name in node.outputs],
            attributes,
            f"{call.name}/{node.name}",
        )
        copy.title, copy.overload = title, node.overload
        found.append(copy)
    for name, outer in passed:  # an output that is an input, or one that leaves twice
        found.append(Operator("Identity", [names[name]], [outer], {}, f"{call.name}/{name}"))
    return found
