"""A PyTorch module -> Graph, by way of ``torch.export``; it needs an installed torch, which is loaded here alone.

``package.module:name`` runs code: only where it is asked for in this form, and what it raises is shown as its own.
A ``.pt2`` file is read without torch, in `torch_archive`; files of pickled weights are refused.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import Any

from cnncalc.convert import Imported, Inputs
from cnncalc.convert.archive import shown
from cnncalc.convert.aten import Call, Exported, InPlace, Tensor, lower
from cnncalc.convert.building import build
from cnncalc.convert.rows import MAX_NODES, failed
from cnncalc.convert.translation import TRANSLATIONS
from cnncalc.convert.translation.torch import TORCH
from cnncalc.diagnostics import Fault, suggestion
from cnncalc.geometry import Shape

Shapes = Shape | Sequence[Shape] | Mapping[str, Shape]
"""Of a module's inputs without the batch: of its first, of all in their order, or by the names in ``forward``."""

EXTRA = "install it: `pip install 'cnncalc[torch]'`"

MAX_VALUES = 4_096
"""Elements of a weight that are read: enough for what shapes are made of."""


def read(source: str, inputs: Inputs = None) -> Imported:
    """The network of ``package.module:name`` or ``net.py:Name``, which is imported and called; raises `SpecError`."""
    if ":" not in source:
        raise failed(
            Fault("pickle", "it holds pickled Python objects, which could run code: it is not read", None, SAVE), source
        )
    made = called(source)
    if hasattr(made, "to_json"):
        from cnncalc.convert.keras import from_keras

        return from_keras(made, inputs)
    return from_torch(made, inputs, source)


SAVE = (
    "name the module that it belongs to, as `package.module:name`, or write a program: "
    "`torch.export.save(torch.export.export(model, (x,)), 'model.pt2')`"
)


def from_torch(module: Any, inputs: Inputs | Shapes, source: str = "") -> Imported:
    """The network of a ``torch.nn.Module`` for inputs of these shapes, channels first and without the batch.

    It is exported as for inference; its mode and its weights stay as they are.  Raises `SpecError`.
    """
    torch = library(source or "torch")
    source = source or type(module).__name__
    if not isinstance(module, torch.nn.Module):
        message = f"it is no `torch.nn.Module` but a `{shown(type(module).__name__)}`"
        raise failed(Fault("wrong-format", message), source)
    if not inputs:
        raise failed(Fault("dynamic-shape", "a module does not say what it takes", None, GIVE), source)
    training = [part for part in module.modules() if part.training]
    module.eval()
    try:
        program = exported(torch, module, inputs, source)
        try:
            lowered = lower(program(False), source, type(module).__name__)
        except InPlace:
            lowered = lower(program(True), source, type(module).__name__)
    except Fault as fault:
        raise failed(fault, source) from None
    finally:
        for part in training:
            part.training = True
    return build(lowered, None, {**TRANSLATIONS, **TORCH})


GIVE = "give it: `--input 3x224x224`"


def library(source: str) -> Any:
    """The torch package; raises `SpecError` where it is not installed."""
    try:
        return import_module("torch")
    except ImportError:
        raise failed(Fault("missing-extra", "PyTorch is needed to read it", None, EXTRA), source) from None


# -- code that is not ours ---------------------------------------------------------------------------------------------


def called(source: str) -> Any:
    """The module that ``package.module:name`` is, or gives when it is called; raises `SpecError`."""
    path, _, name = source.rpartition(":")
    found = theirs(source, lambda: _imported(path), f"importing `{path}`")
    for part in name.split("."):
        if not hasattr(found, part):
            help = suggestion(part, [known for known in dir(found) if not known.startswith("_")])
            raise failed(Fault("unknown-name", f"`{shown(path)}` has no `{shown(part)}`", None, help), source)
        found = getattr(found, part)
    if isinstance(found, type) or not (hasattr(found, "parameters") or hasattr(found, "to_json")):
        if not callable(found):
            raise failed(Fault("wrong-format", f"`{shown(name)}` is no module, and cannot be called"), source)
        made = found
        found = theirs(source, made, f"calling `{name}()`")
    return found


def _imported(path: str) -> Any:
    """A module by its dotted name, or by the path of its file, beside which its imports are found."""
    if not path.endswith(".py"):
        if "" not in sys.path:
            sys.path.insert(0, "")
        return import_module(path)
    from importlib.util import module_from_spec, spec_from_file_location

    name = os.path.splitext(os.path.basename(path))[0]
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not os.path.exists(path):
        raise FileNotFoundError(f"there is no file {path}")
    folder = os.path.dirname(os.path.abspath(path))
    if folder not in sys.path:
        sys.path.insert(0, folder)
    module = module_from_spec(spec)
    sys.modules.setdefault(name, module)
    spec.loader.exec_module(module)
    return module


def theirs(source: str, run: Callable[[], Any], what: str) -> Any:
    """What others' code gives; whatever it raises is told in one line, as theirs, and with its place."""
    try:
        return run()
    except (Exception, SystemExit) as error:
        place = _place(error)
        text = str(error).strip().partition("\n")[0]
        message = f"{what} raised {type(error).__name__}: {shown(text)}{f' ({place})' if place else ''}"
        help = EXTRA if isinstance(error, ModuleNotFoundError) and error.name in ("torch", "torchvision") else ""
        raise failed(Fault("their-code", message, None, help), source) from None


def _place(error: BaseException) -> str:
    """The last line outside of installed packages that an error went through: ``net.py:12``."""
    import traceback

    found = ""
    for frame in traceback.extract_tb(error.__traceback__):
        inside = "site-packages" in frame.filename or frame.filename.startswith("<") or __package__ in frame.filename
        if not inside and not frame.filename.startswith((sys.prefix, sys.base_prefix)) and frame.filename != __file__:
            found = f"{os.path.basename(frame.filename)}:{frame.lineno}"
    return found


# -- torch's program ---------------------------------------------------------------------------------------------------


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

    program = theirs(source, run, "exporting it")

    def give(functional: bool) -> Exported:
        whole = theirs(source, lambda: program.run_decompositions({}), "exporting it") if functional else program
        return _program(torch, whole)

    return give


def _program(torch: Any, program: Any) -> Exported:
    """torch's program in neutral form; raises `Fault`."""
    nodes = list(program.graph.nodes)
    if len(nodes) > MAX_NODES:
        raise Fault("too-large", f"it has more than {MAX_NODES:,} nodes")
    names, shapes, types = {}, {}, {}
    for node in nodes:
        value = node.meta.get("val")
        if isinstance(value, torch.Tensor):
            names[node] = node.name
            shapes[node.name], types[node.name] = _shape(value), _type(value)
    weights: dict[str, str] = {}
    values: dict[str, Callable[[], Sequence[Any] | None]] = {}
    buffers: set[str] = set()
    inputs = []
    for spec in program.graph_signature.input_specs:
        name = getattr(spec.arg, "name", "")
        if spec.target is not None:
            weights[name] = spec.target
            if spec.kind.name != "PARAMETER":
                buffers.add(spec.target)
            held = program.state_dict.get(spec.target, program.constants.get(spec.target))
            values[name] = partial(_values, held)
        elif name in shapes:
            inputs.append(name)
    results: dict[Any, dict[int, str]] = {}
    for node in nodes:
        if node.op == "call_function" and getattr(node.target, "__name__", "") == "getitem":
            results.setdefault(node.args[0], {})[node.args[1]] = node.name
    calls = []
    for node in nodes:
        if node.op != "call_function" or getattr(node.target, "__name__", "") == "getitem":
            continue
        value = node.meta.get("val")
        if isinstance(value, (list, tuple)):
            taken = results.get(node, {})
            outputs: list[str] = []
            for place, part in enumerate(value):
                name = taken.get(place, f"{node.name}.{place}")
                outputs.append(name)
                if isinstance(part, torch.Tensor):
                    shapes[name], types[name] = _shape(part), _type(part)
        else:
            outputs = [node.name] if node in names else []
        stack = tuple([(path, kind if isinstance(kind, str) else kind.__name__) for path, kind in _stack(node)])
        calls.append(Call(_target(node), _given(torch, node), outputs, _title(stack, node.name), stack))
    ends = [spec.arg for spec in program.graph_signature.output_specs if spec.target is None]
    leaving = dict.fromkeys(end.name for end in ends if getattr(end, "name", "") in shapes)
    return Exported(calls, shapes, types, weights, buffers, values, inputs, list(leaving))


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


def _values(tensor: Any) -> Sequence[Any] | None:
    """The elements of a small tensor; None where it has none, as on the meta device."""
    if tensor is None or tensor.is_meta or tensor.numel() > MAX_VALUES:
        return None
    return tensor.detach().reshape(-1).tolist()  # type: ignore[no-any-return]


def _given(torch: Any, node: Any) -> dict[str, Any]:
    """A node's arguments by the names in its schema, those left out with their defaults."""
    schema = getattr(node.target, "_schema", None)
    if schema is None:
        return {str(place): _argument(torch, value) for place, value in enumerate(node.args)}
    found = {}
    for place, argument in enumerate(schema.arguments):
        if place < len(node.args) and not argument.kwarg_only:
            value = node.args[place]
        elif argument.name in node.kwargs:
            value = node.kwargs[argument.name]
        elif argument.has_default_value():
            value = argument.default_value
        else:
            continue
        found[argument.name] = _argument(torch, value)
    return found


def _argument(torch: Any, value: Any) -> Any:
    if isinstance(value, torch.fx.Node):
        return Tensor(value.name)
    if isinstance(value, (list, tuple)):
        return [_argument(torch, entry) for entry in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
