"""A ``torch.nn.Module`` -> its program in neutral form, by way of ``torch.export``."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import partial
from io import StringIO
from typing import Any

from cnncalc.convert.rows import MAX_NODES
from cnncalc.convert.torch.calling import theirs
from cnncalc.convert.torch.program import Call, Exported, Tensor
from cnncalc.diagnostics import Fault

TRY = "give sizes that it takes, `--input`, and make `torch.export.export(model.eval(), (x,))` run in Python first"

MAX_VALUES = 4_096
"""Elements of a weight that are read: enough for what shapes are made of."""

MAX_FIXED = 262_144
"""The same of what is not learned: masks and indices of attention."""


def exported(torch: Any, module: Any, inputs: Any, source: str) -> Callable[[bool], Exported]:
    """What gives the program of a module: as it is, or, more slowly, with nothing changed in place."""
    device = next((tensor.device for tensor in (*module.parameters(), *module.buffers())), "cpu")
    kind = next((tensor.dtype for tensor in module.parameters() if tensor.is_floating_point()), None)

    def tensor(shape: Any) -> Any:
        return torch.zeros((1, *shape), device=device, dtype=kind)

    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = {}
    if isinstance(inputs, Mapping):
        kwargs = {name: tensor(shape) for name, shape in inputs.items()}
    else:
        shapes = [inputs] if inputs and isinstance(inputs[0], int) else inputs
        args = tuple([tensor(shape) for shape in shapes])

    def run() -> Any:
        with torch.no_grad():
            return torch.export.export(module, args, kwargs, strict=False)

    with silent():
        program = theirs(source, run, "exporting it", TRY)

    def give(functional: bool) -> Exported:
        if not functional:
            return _program(torch, program)
        with silent():
            return _program(torch, theirs(source, lambda: program.run_decompositions({}), "exporting it", TRY))

    return give


@contextmanager
def silent() -> Iterator[None]:
    """Keep what torch writes, logs and warns meanwhile to itself: its errors are told as ours."""
    before = logging.root.manager.disable
    with warnings.catch_warnings(), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(before)


def _program(torch: Any, program: Any) -> Exported:
    """torch's program in neutral form; raises `Fault`."""
    nodes = list(program.graph.nodes)
    if len(nodes) > MAX_NODES:
        raise Fault("too-large", f"it has more than {MAX_NODES:,} nodes")
    found = Exported([], {}, {}, {}, set(), {}, [], [])
    _describe(torch, nodes, found)
    for spec in program.graph_signature.input_specs:
        name = getattr(spec.arg, "name", "")
        if spec.target is not None:
            found.weights[name] = spec.target
            if spec.kind.name != "PARAMETER":
                found.buffers.add(spec.target)
            held = program.state_dict.get(spec.target, program.constants.get(spec.target))
            most = MAX_VALUES if spec.kind.name == "PARAMETER" else MAX_FIXED
            found.values[name] = partial(_values, held, most)
        elif name in found.shapes:
            found.inputs.append(name)
    ends = [spec.arg for spec in program.graph_signature.output_specs if spec.target is None]
    found.outputs.extend(dict.fromkeys(end.name for end in ends if getattr(end, "name", "") in found.shapes))
    return found


def _describe(torch: Any, nodes: Sequence[Any], found: Exported) -> None:
    """Add the calls of a program, and the shape and type of every tensor; of several results `getitem` takes one."""
    results: dict[Any, dict[int, str]] = {}
    for node in nodes:
        if _is_item(node):
            results.setdefault(node.args[0], {})[node.args[1]] = node.name
    for node in nodes:
        value = node.meta.get("val")
        parts = [(node.name, value)]
        if isinstance(value, (list, tuple)):
            taken = results.get(node, {})
            parts = [(taken.get(place, f"{node.name}.{place}"), part) for place, part in enumerate(value)]
        tensors = {name: part for name, part in parts if isinstance(part, torch.Tensor)}
        found.shapes.update({name: _shape(part) for name, part in tensors.items()})
        found.types.update({name: _type(part) for name, part in tensors.items()})
        if node.op == "call_function" and not _is_item(node):
            stack = tuple([(path, kind if isinstance(kind, str) else kind.__name__) for path, kind in _stack(node)])
            found.calls.append(Call(_target(node), _given(torch, node), list(tensors), _title(stack, node.name), stack))


def _is_item(node: Any) -> bool:
    return node.op == "call_function" and getattr(node.target, "__name__", "") == "getitem"


def _target(node: Any) -> str:
    return str(node.target) if hasattr(node.target, "_schema") else getattr(node.target, "__name__", str(node.target))


def _title(stack: Sequence[tuple[str, str]], name: str) -> str:
    """As messages call it: the module's path and the node's name."""
    path = stack[-1][0] if stack else ""
    return f"{path} ({name})" if path else name


def _stack(node: Any) -> Iterable[tuple[str, Any]]:
    return (node.meta.get("nn_module_stack") or {}).values()


def _shape(value: Any) -> tuple[int | None, ...]:
    return tuple([size if isinstance(size, int) else None for size in value.shape])


def _type(value: Any) -> str:
    if value.dtype.is_floating_point:
        return "double" if value.dtype.itemsize == 8 else "float"
    return "bool" if str(value.dtype) == "torch.bool" else "int"


def _values(tensor: Any, most: int) -> Sequence[Any] | None:
    """The elements of a tensor with at most so many; None where it has none, as on the meta device."""
    if tensor is None or tensor.is_meta or tensor.numel() > most:
        return None
    return tensor.detach().reshape(-1).tolist()  # type: ignore[no-any-return]


def _given(torch: Any, node: Any) -> dict[str, Any]:
    """A node's arguments by the names in its schema."""
    schema = getattr(node.target, "_schema", None)
    if schema is None:
        return {str(place): _argument(torch, value) for place, value in enumerate(node.args)}
    given = dict(zip([argument.name for argument in schema.arguments], node.args)) | node.kwargs
    return {name: _argument(torch, value) for name, value in given.items()}


def _argument(torch: Any, value: Any) -> Any:
    if isinstance(value, torch.fx.Node):
        return Tensor(value.name)
    if isinstance(value, (list, tuple)):
        return [_argument(torch, entry) for entry in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
