"""A ``.pt2`` file, as ``torch.export.save`` writes it -> Graph: its program is JSON, and all that is read.

So it needs no torch, the weights may be missing, and nothing is unpickled: torch's own loading would do that.
"""

from __future__ import annotations

import os
from typing import Any

from cnncalc.convert import Imported, Shapes
from cnncalc.convert.account import Account
from cnncalc.convert.archive import load, shown
from cnncalc.convert.building import build
from cnncalc.convert.inputs import entrances
from cnncalc.convert.rows import MAX_NODES, failed
from cnncalc.convert.torch.aten import OPERATIONS
from cnncalc.convert.torch.lowering import InPlace, lower
from cnncalc.convert.torch.program import Call, Exported, Tensor
from cnncalc.convert.translation import TRANSLATIONS
from cnncalc.convert.translation.torch import TORCH
from cnncalc.convert.unreadable import PROGRAM, Advice, advised
from cnncalc.diagnostics import Fault
from cnncalc.geometry import dims

MEMBERS = ("models/model.json", "serialized_exported_program.json")
"""Where the program is, today and in files of older versions."""

HELP = "write it with `torch.export.save(torch.export.export(model, (x,)), 'model.pt2')`"


@advised(Advice(PROGRAM, HELP, f"the program is not as PyTorch writes it: {HELP}"))
def read(source: str, inputs: Shapes = None) -> Imported:
    """The network of a ``.pt2`` file, and its account; raises `SpecError`.

    A program has fixed sizes, but for its batch: `inputs` can only repeat them.
    """
    document = load(source, MEMBERS, HELP)
    name = os.path.splitext(os.path.basename(source))[0]
    try:
        program = lower(_exported(document), source, name, OPERATIONS)
        if inputs and not entrances(program, inputs, Account(source)).compares:
            sizes = ", ".join([dims(entry.shape[1:]) for entry in program.inputs if entry.shape])  # type: ignore[arg-type]
            help = "export the module again, or name it: `package.module:name`"
            raise Fault("fixed-size", f"it is a program for inputs of {sizes} alone", None, help)
    except InPlace:
        message = "it changes a tensor in place while others that look at it are still read"
        help = "write it with `torch.export.export(model, (x,)).run_decompositions({})`"
        raise failed(Fault("unsupported", message, None, help), source) from None
    except Fault as fault:
        raise failed(fault, source) from None
    return build(program, inputs, {**TRANSLATIONS, **TORCH})


def _exported(document: dict[str, Any]) -> Exported:
    """The program in neutral form; raises `Fault`."""
    module = _mapping(document.get("graph_module"), "graph_module")
    graph, signature = _mapping(module.get("graph"), "graph"), _mapping(module.get("signature"), "signature")
    tensors = _mapping(graph.get("tensor_values"), "tensor_values")
    open_batch = _open_batch(signature, tensors)
    shapes = {name: _shape(value, open_batch) for name, value in tensors.items()}
    types = {name: _type(value) for name, value in tensors.items()}
    weights: dict[str, str] = {}
    buffers: set[str] = set()
    inputs: list[str] = []
    for spec in _list(signature.get("input_specs"), "input_specs"):
        kind, value = _single(spec, "input_specs")
        argument = _mapping(value, kind).get("arg")
        if kind == "user_input":
            inputs += [name for name in _names(argument) if name in shapes]
        elif kind in WEIGHTS and isinstance(argument, dict):
            path = weights[_text(argument.get("name"), kind)] = _text(value.get(WEIGHTS[kind]), kind)
            if kind != "parameter":
                buffers.add(path)
    outputs = []
    for spec in _list(signature.get("output_specs"), "output_specs"):
        kind, value = _single(spec, "output_specs")
        if kind == "user_output":
            outputs += [name for name in _names(_mapping(value, kind).get("arg")) if name in shapes]
    nodes = _list(graph.get("nodes"), "nodes")
    if len(nodes) > MAX_NODES:
        raise Fault("too-large", f"it has more than {MAX_NODES:,} nodes")
    calls = [_call(_mapping(node, "nodes")) for node in nodes]
    return Exported(calls, shapes, types, weights, buffers, {}, inputs, list(dict.fromkeys(outputs)))


def _open_batch(signature: dict[str, Any], tensors: dict[str, Any]) -> set[str]:
    """What a program calls the number of samples, where it leaves that open: the first size of what it takes."""
    found: set[str] = set()
    for spec in _list(signature.get("input_specs"), "input_specs"):
        kind, value = _single(spec, "input_specs")
        for name in _names(_mapping(value, kind).get("arg")) if kind == "user_input" else ():
            sizes = _list(_mapping(tensors.get(name), "tensor_values").get("sizes"), "sizes")
            found.update(_expression(size) for size in sizes[:1])
    return found - {""}


def _expression(size: Any) -> str:
    """The formula of a size that is open; empty for one that is known."""
    expression = size.get("as_expr") if isinstance(size, dict) else None
    return str(expression.get("expr_str") or "") if isinstance(expression, dict) else ""


WEIGHTS = {"parameter": "parameter_name", "buffer": "buffer_name", "tensor_constant": "tensor_constant_name"}
"""What a program takes that it holds itself, and the key under which its path is."""


def _call(node: dict[str, Any]) -> Call:
    target = _text(node.get("target"), "target").removeprefix("torch.ops.")
    given: dict[str, Any] = {}
    for argument in _list(node.get("inputs"), "inputs"):
        entry = _mapping(argument, "inputs")
        given[_text(entry.get("name") or str(len(given)), "inputs")] = _argument(entry.get("arg"))
    outputs = [name for output in _list(node.get("outputs"), "outputs") for name in _names(output)]
    metadata = node.get("metadata")
    stack = _stack(metadata.get("nn_module_stack") if isinstance(metadata, dict) else None)
    name = node.get("name") or (outputs[0] if outputs else target)
    path = stack[-1][0] if stack else ""
    title = f"{path} ({name})" if path else str(name)
    return Call(target, given, outputs, shown(title), stack)


def _stack(text: Any) -> tuple[tuple[str, str], ...]:
    """Path and class in ``L__self__layer1,layer1,torch.nn.modules.container.Sequential;...``."""
    if not isinstance(text, str):
        return ()
    entries = [entry.split(",") for entry in text.split(";")]
    return tuple([(entry[1], entry[2]) for entry in entries if len(entry) == 3])


def _argument(value: Any) -> Any:
    """An argument: a union with one entry, whose key says what it is."""
    kind, held = _single(value, "arg")
    if kind == "as_none":
        return None
    if kind == "as_tensor":
        return _tensor(held)
    if kind == "as_tensors":
        return [_tensor(entry) for entry in _list(held, kind)]
    if kind == "as_optional_tensors":
        entries = [_single(entry, kind) for entry in _list(held, kind)]
        return [_tensor(entry) if word == "as_tensor" else None for word, entry in entries]
    if kind == "as_sym_int":
        return _sym(held)
    if kind == "as_sym_ints":
        return [_sym(entry) for entry in _list(held, kind)]
    if isinstance(held, list):
        if len(held) > MAX_NODES or not all(isinstance(entry, (bool, int, float, str, type(None))) for entry in held):
            raise Fault("bad-model", "an argument is a list that torch does not write")
        return list(held)
    return held if isinstance(held, (bool, int, float, str)) else shown(str(held))


def _tensor(value: Any) -> Tensor:
    return Tensor(_text(_mapping(value, "as_tensor").get("name"), "as_tensor"))


def _sym(value: Any) -> Any:
    """A number that may depend on an open size: its value where it does not."""
    if isinstance(value, dict) and type(value.get("as_int")) is int:
        return value["as_int"]
    return "a size that is open"


def _names(value: Any) -> list[str]:
    """The tensors in an argument that is one, or several."""
    found = _argument(value) if isinstance(value, dict) else value
    return [str(name) for name in (found if isinstance(found, list) else [found]) if isinstance(name, Tensor)]


def _shape(value: Any, open_batch: set[str]) -> tuple[int | None, ...]:
    """The sizes of a tensor, of one sample where their number is open."""
    found: list[int | None] = []
    for entry in _list(_mapping(value, "tensor_values").get("sizes"), "sizes"):
        size = entry.get("as_int") if isinstance(entry, dict) else None
        if _expression(entry) in open_batch:
            size = 1
        if size is not None and (type(size) is not int or not 0 <= size < 2**63):
            raise Fault("bad-model", f"a size is `{shown(size)}`")
        found.append(size)
    if len(found) > 16:
        raise Fault("bad-model", f"a tensor has {len(found)} axes")
    return tuple(found)


def _type(value: Any) -> str:
    """By torch's numbers of types: 1 to 5 whole numbers, 6 to 8 and 13 floats, 12 truth values."""
    number = value.get("dtype")
    if number == 8:
        return "double"
    return "bool" if number == 12 else "int" if number in (1, 2, 3, 4, 5) else "float"


# -- what JSON must be -------------------------------------------------------------------------------------------------


def _mapping(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Fault("bad-model", f"`{what}` is no mapping")
    return value


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise Fault("bad-model", f"`{what}` is no list")
    return value


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str) or not value:
        raise Fault("bad-model", f"a name in `{what}` is missing")
    return value


def _single(value: Any, what: str) -> tuple[str, Any]:
    """The key and value of a union."""
    if not isinstance(value, dict) or len(value) != 1:
        raise Fault("bad-model", f"an entry of `{what}` is not as torch writes it")
    return next(iter(value.items()))
