"""PyTorch's program -> the operator graph: names, shapes, changes in place; what each operator is, a table says.

Arguments have the names of ATen's schemas; what a file leaves out has the schema's default.  It knows neither torch
nor a layer kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

from cnncalc.convert.archive import shown
from cnncalc.convert.constants.evaluator import MAX_VALUES
from cnncalc.convert.operators import FLOATS, Constant, Input, Operator, Program, Sizes
from cnncalc.convert.rows import failed
from cnncalc.convert.torch.program import Call, Exported, Tensor
from cnncalc.diagnostics import Fault


class InPlace(Exception):
    """A tensor is changed while others that look at the same memory are still read."""


def lower(exported: Exported, source: str, name: str, operations: Mapping[str, Lower]) -> Program:
    """The operator graph of an exported program; raises `SpecError`, `InPlace`.

    `operations` say what each ATen operator is, by its name without overload and without the underline of those that
    work in place.
    """
    return Lowering(exported, source, name, operations).run()


class Lowering:
    """The program that grows, call by call."""

    def __init__(self, exported: Exported, source: str, name: str, operations: Mapping[str, Lower]) -> None:
        self.exported = exported
        self.operations = operations
        self.program = Program(source, name)
        self.names: dict[str, str] = {}
        """What a tensor is called now: a weight by its path, one that was changed in place by its new name."""
        self.call = Call("", {}, [], "", ())
        self.made = 0
        self.roots: dict[str, str] = {}
        """Of every tensor that looks at another's memory, that other."""
        self.families: dict[str, list[str]] = {}
        """All tensors that look at the memory of one, that one first."""
        self.parts: dict[str, Call] = {}
        """The call that gave each tensor which is a part of another, along one axis."""
        self.parents = {path.rpartition(".")[0] for call in exported.calls for path, _ in call.stack if path}

    def run(self) -> Program:
        exported, program = self.exported, self.program
        for tensor, source in exported.weights.items():
            path = f"self.{source}" if source in exported.shapes and source not in exported.weights else source
            shape = self.fixed(tensor)
            self.names[tensor] = path
            kind = exported.types.get(tensor, "float")
            read = exported.values.get(tensor)
            roots = {path: prod(shape)} if kind in FLOATS else {}
            program.constants[path] = Constant(shape, kind, None, roots, read)
            (program.buffers if source in exported.buffers else program.learned).add(path)
        for tensor in exported.inputs:
            program.inputs.append(Input(tensor, exported.shapes.get(tensor)))
        last = self.last_uses()
        for place, call in enumerate(exported.calls):
            self.call = call
            try:
                self.lower_call(call)
                self.replace_changed(call, place, last)
            except Fault as fault:
                raise failed(fault, program.source, call.name) from None
        program.stated.update(exported.shapes)
        program.outputs = [self.names.get(tensor, tensor) for tensor in exported.outputs]
        return program

    def lower_call(self, call: Call) -> None:
        base = call.target.removeprefix("aten.").partition(".")[0]
        plain = base.removesuffix("_") if not base.endswith("__") else base
        if not call.outputs:  # what gives no tensor works out sizes, which every tensor states
            return
        self.program.nodes = (self.program.nodes or 0) + 1
        operation = self.operations.get(plain) if call.target.startswith("aten.") else None
        if plain in VIEWS:
            source = next((value for value in call.given.values() if isinstance(value, Tensor)), None)
            for output in call.outputs if source is not None else ():
                self.look(output, self.root(source or ""))
                if plain == "slice" and isinstance(x_of(call.given), Tensor):
                    self.parts[output] = call
        if operation is None:
            self.unknown()
            return
        given, before = Watched(call.given), len(self.program.operators)
        try:
            operation(self, given)
        except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError, ZeroDivisionError) as error:
            # arguments that are missing or of another type, in a file that is wrong
            raise Fault("bad-model", f"`{call.target}` cannot take these arguments ({shown(str(error))})") from None
        made = self.program.operators[before:]
        if plain not in VIEWS and given.ignored() and any(operator.kind != call.target for operator in made):
            del self.program.operators[before:]  # nobody knows what the argument does
            self.unknown()

    def unknown(self) -> None:
        """An operator that becomes an opaque row, or a constant where nothing that it takes is none."""
        inputs = self.tensors(list(self.call.given.values()))
        if not inputs:
            for output in self.call.outputs:
                shape = self.fixed(output)
                self.program.constants[output] = Constant(shape, self.exported.types.get(output, "float"))
            return
        self.emit(self.call.target, inputs, self.call.outputs)

    # -- names and shapes

    def tensors(self, value: Any) -> list[str]:
        """The tensors within an argument."""
        if isinstance(value, Tensor):
            return [self.names.get(value, value)]
        if isinstance(value, (list, tuple)):
            return [name for entry in value for name in self.tensors(entry)]
        return []

    def operand(self, value: Any) -> str:
        """The name of a tensor, of a constant made from a number, or of nothing."""
        if value is None:
            return ""
        if isinstance(value, Tensor):
            return self.names.get(value, value)
        if isinstance(value, (bool, int, float)):
            return self.constant((), "float" if isinstance(value, float) else "int", (value,))
        raise Fault("unsupported", f"cnncalc does not know what `{self.call.target}` takes")

    def constant(self, shape: Sizes, kind: str, values: Sequence[Any]) -> str:
        self.made += 1
        name = f"{self.call.name}:{self.made}"
        self.program.constants[name] = Constant(shape, kind, values)
        return name

    def constants_of(self, tensor: str, value: Any) -> None:
        """A tensor of the program is a constant with equal elements."""
        shape, kind = self.fixed(tensor), self.exported.types.get(tensor, "float")
        made = {"int": int, "bool": bool}.get(kind, float)(value)
        size = prod(shape)
        self.program.constants[tensor] = Constant(shape, kind, (made,) * size if size <= MAX_VALUES else None)

    def ints(self, values: Sequence[int]) -> str:
        """The name of a constant list; raises `Fault` where it holds something else."""
        if not all(type(value) is int and -(2**63) <= value < 2**63 for value in values):
            raise Fault("bad-model", f"`{self.call.target}` needs whole numbers, of 64 bits")
        return self.constant((len(values),), "int", tuple(values))

    def fixed(self, tensor: str) -> Sizes:
        """The shape of a tensor; raises `Fault` where it is not known."""
        shape = self.exported.shapes.get(tensor)
        sizes = tuple([size for size in shape or () if size is not None])
        if shape is None or len(sizes) < len(shape):
            raise Fault("dynamic-shape", f"the program leaves the sizes of `{tensor}` open", None, FIXED)
        return sizes

    def shape(self, value: Any) -> Sizes:
        return self.fixed(value) if isinstance(value, Tensor) else ()

    @property
    def output(self) -> str:
        if not self.call.outputs:
            raise Fault("unsupported", f"`{self.call.target}` gives no tensor")
        return self.call.outputs[0]

    # -- operators

    @property
    def title(self) -> str:
        """The path of the module that does it; with the operator's name where the module does more."""
        path = self.call.stack[-1][0] if self.call.stack else ""
        if path and path not in self.parents:
            return path
        word = self.call.target.removeprefix("aten.").partition(".")[0].strip("_")
        return f"{path}.{word}" if path else word

    def emit(self, kind: str, inputs: Sequence[str], outputs: Sequence[str] | None = None, /, **attributes: Any) -> str:
        """The first result of an operator."""
        results = list(self.call.outputs[:1] if outputs is None else outputs)
        operator = Operator(kind, inputs, results, attributes, self.call.name)
        operator.title = self.title
        self.program.operators.append(operator)
        return results[0]

    def inner(self) -> str:
        """A name for a tensor between two operators of one call."""
        self.made += 1
        return f"{self.call.name}#{self.made}"

    # -- changes in place

    def root(self, tensor: str) -> str:
        return self.roots.get(tensor, tensor)

    def look(self, tensor: str, root: str) -> None:
        """A tensor looks at the memory of another."""
        self.roots[tensor] = root
        self.families.setdefault(root, [root]).append(tensor)

    def last_uses(self) -> dict[str, int]:
        """The call that takes each tensor last, or gives it; behind all of them for what leaves the program."""
        found: dict[str, int] = {}
        for place, call in enumerate(self.exported.calls):
            found |= dict.fromkeys(call.outputs, place)
            pending: list[Any] = list(call.given.values())
            while pending:
                value = pending.pop()
                if isinstance(value, Tensor):
                    found[value] = place
                elif isinstance(value, (list, tuple)):
                    pending += value
        return found | dict.fromkeys(self.exported.outputs, len(self.exported.calls))

    def replace_changed(self, call: Call, place: int, last: dict[str, int]) -> None:
        """Let a tensor that a call has changed in place mean its result from here on, and what it is a part of too."""
        base = call.target.removeprefix("aten.").partition(".")[0]
        changed = call.given.get("self", call.given.get("input"))
        if not base.endswith("_") or base.endswith("__") or not isinstance(changed, Tensor) or not call.outputs:
            return
        root = self.root(changed)
        wholes: list[tuple[str, Call]] = []
        part: str = changed
        while part in self.parts:
            wholes.append((part, self.parts[part]))
            part = x_of(self.parts[part].given)
        known = {changed, *call.outputs, *(x_of(cut.given) for _, cut in wholes)}
        others = [tensor for tensor in self.families.get(root, [root]) if tensor not in known]
        if any(last[tensor] > place for tensor in others):
            raise InPlace
        self.names[changed] = self.names.get(call.outputs[0], call.outputs[0])
        self.look(call.outputs[0], root)
        needed = [last[x_of(cut.given)] > place for _, cut in wholes]
        for number, (part, cut) in enumerate(wholes):
            if any(needed[number:]):
                whole = x_of(cut.given)
                inputs = [self.operand(whole), self.operand(Tensor(part)), *self.bounds(cut.given)]
                self.names[whole] = self.emit("torch.SliceScatter", inputs, [self.inner()])

    def bounds(self, given: Given) -> list[str]:
        """Start, end, axis and step of a part, as operands; raises `Fault` where one is open."""
        start, end = given.get("start"), given.get("end")
        start, end = 0 if start is None else start, 2**63 - 1 if end is None else end
        bounds = [start, end, given.get("dim", 0), given.get("step", 1)]
        if not all(type(bound) is int for bound in bounds):
            raise Fault("dynamic-shape", "it takes a part whose size is open", None, FIXED)
        return [self.ints([bound]) for bound in bounds]


FIXED = "export the model with fixed sizes"

VIEWS = frozenset(
    (
        "view",
        "reshape",
        "reshape_as",
        "flatten",
        "unflatten",
        "squeeze",
        "unsqueeze",
        "permute",
        "transpose",
        "t",
        "slice",
        "select",
        "narrow",
        "chunk",
        "split",
        "split_with_sizes",
        "unbind",
        "expand",
        "expand_as",
        "movedim",
        "alias",
        "detach",
        "view_as",
        "swapaxes",
        "_unsafe_view",
        "contiguous",
        "to",
    )
)
"""Operators whose results look at what they take."""

NEUTRAL = frozenset(
    (
        "copy",
        "cudnn_enable",
        "cudnn_enabled",
        "device",
        "dtype",
        "generator",
        "implicit",
        "inplace",
        "layout",
        "memory_format",
        "momentum",
        "non_blocking",
        "output_size",
        "pin_memory",
        "scale_factors",
        "scales",
        "scales_d",
        "scales_h",
        "scales_w",
        "self",  # of what is written over, nobody asks for what was there
    )
)
"""Arguments that change no number of an inference, or only the shape, which the program states."""


class Watched(dict[str, Any]):
    """The arguments of a call, which remember that they were asked for."""

    def __init__(self, given: dict[str, Any]) -> None:
        super().__init__(given)
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.asked.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return super().get(name, default)

    def ignored(self) -> list[str]:
        """The arguments that say something, and that nobody has asked for."""
        return [name for name in self.keys() - self.asked - NEUTRAL if dict.get(self, name)]


Given = dict[str, Any]
Lower = Callable[[Lowering, Given], None]


def x_of(given: Given) -> Any:
    return given.get("self", given.get("input"))


def spread(value: Any, rank: int) -> tuple[int, ...]:
    """One entry per axis of a list that may have one entry for all."""
    entries = tuple(value) if isinstance(value, (list, tuple)) else (value,)
    return entries * rank if len(entries) == 1 else entries


def per_axis(value: Any, default: tuple[int, ...]) -> tuple[int, ...]:
    """The same of a list that may be left out, or empty."""
    return default if value is None or value == [] else spread(value, len(default))
