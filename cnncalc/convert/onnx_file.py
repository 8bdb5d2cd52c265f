"""An ONNX file -> `Program`: the messages of onnx.proto, read in place.

It knows ONNX's messages and no operator: those are made alike in `onnx_versions`, and become layers elsewhere.
"""

from __future__ import annotations

from typing import Any

from cnncalc.convert.onnx_tensors import element_type, read_tensor
from cnncalc.convert.operators import Constant, Graphs, Input, Operator, Program, Reference, Stated
from cnncalc.convert.rows import MAX_NODES
from cnncalc.convert.wire import BYTES, FIXED32, MAX_TEXT, VARINT, Entry, Wire, bad, signed
from cnncalc.diagnostics import Fault
from cnncalc.records import NamedTuple

MAX_LIST = 65_536
"""Numbers of one attribute."""

OWN = ("", "ai.onnx")
"""The domains of ONNX's own operators."""


class Function(NamedTuple):
    """A function of the file: operators of its own, in place of which it is called."""

    key: tuple[str, str, str]
    """Domain, name and overload."""
    inputs: list[str]
    outputs: list[str]
    defaults: dict[str, Any]
    nodes: list[Operator]
    versions: dict[str, int]
    """The opset of each domain that it is written in."""


class Model(NamedTuple):
    """What a file holds."""

    program: Program
    functions: dict[tuple[str, str, str], Function]
    versions: dict[str, int]
    """The opset of each domain; ONNX's own is empty."""


class Reader:
    """Reads the messages of one file."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.nodes = 0
        """Nodes that have been read, those of functions too."""

    def model(self, source: str, stem: str) -> Model:
        """The model; `source` is the file as it is shown, `stem` its name where the graph has none.

        Raises `Fault`.
        """
        graph: Entry | None = None
        functions: dict[tuple[str, str, str], Function] = {}
        versions: dict[str, int] = {}
        for entry in self.wire.message(0, len(self.wire.data)):
            if entry.number == 7 and entry.wire == BYTES:
                graph = entry
            elif entry.number == 8 and entry.wire == BYTES:
                domain, version = self._opset(entry)
                versions["" if domain in OWN else domain] = version
            elif entry.number == 25 and entry.wire == BYTES:
                function = self._function(entry)
                functions[function.key] = function
        if graph is None:
            raise bad("the file holds no graph: it is no ONNX model")
        program = Program(source, stem)
        self._graph(graph, program)
        return Model(program, functions, versions)

    def _opset(self, entry: Entry) -> tuple[str, int]:
        domain, version = "", 0
        for part in self.wire.message(entry.start, entry.end):
            if part.number == 1:
                domain = self.wire.text(part)
            elif part.number == 2:
                version = self._number(part)
        return domain, version

    def _number(self, entry: Entry) -> int:
        if entry.wire != VARINT:
            raise bad("the file is damaged: a number is expected")
        return signed(entry.start)

    def _message(self, entry: Entry) -> list[Entry]:
        if entry.wire != BYTES:
            raise bad("the file is damaged: a number stands in place of a message")
        return self.wire.message(entry.start, entry.end)

    def _graph(self, whole: Entry, program: Program) -> None:
        """Read the graph's message into `program`."""
        inputs: list[tuple[str, Stated | None]] = []
        for entry in self._message(whole):
            field = entry.number
            if field == 1:
                program.operators.append(self._node(entry, len(program.operators)))
            elif field == 5:
                if len(program.constants) >= MAX_NODES:
                    raise Fault("too-large", f"the file has more than {MAX_NODES:,} initializers")
                if entry.wire != BYTES:
                    raise bad("the file is damaged: a number stands in place of a tensor")
                name, tensor = read_tensor(self.wire, entry.start, entry.end)
                self._keep(program, name, tensor)
            elif field == 11:
                inputs.append(self._value(entry))
            elif field == 12:
                name, shape = self._value(entry)
                program.outputs.append(name)
                if shape is not None:
                    program.stated[name] = shape
            elif field == 13:
                name, shape = self._value(entry)
                if shape is not None:
                    program.stated[name] = shape
            elif field == 15:
                message = "the file holds sparse initializers, which cnncalc does not read"
                raise Fault("unsupported", message, None, "make the weights dense, and export the model again")
        # up to IR version 3 every initializer is listed as an input too
        program.inputs += [Input(name, shape) for name, shape in inputs if name not in program.constants]

    def _keep(self, program: Program, name: str, tensor: Constant) -> None:
        """A tensor that the file itself holds, under a name of its own."""
        if name in program.constants:
            raise bad(f"the tensor `{name}` is there twice")
        tensor.roots = {name: tensor.size}
        program.constants[name] = tensor

    def _node(self, whole: Entry, place: int) -> Operator:
        """One node; its name is made from its kind and place where it has none."""
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise Fault("too-large", f"the file has more than {MAX_NODES:,} nodes")
        inputs: list[str] = []
        outputs: list[str] = []
        attributes: dict[str, Any] = {}
        name = kind = domain = overload = ""
        for entry in self._message(whole):
            field = entry.number
            if field == 1:
                inputs.append(self.wire.text(entry))
            elif field == 2:
                outputs.append(self.wire.text(entry))
            elif field == 3:
                name = self.wire.text(entry)
            elif field == 4:
                kind = self.wire.text(entry)
            elif field == 5:
                key, value = self._attribute(entry)
                attributes[key] = value
            elif field == 7:
                domain = self.wire.text(entry)
            elif field == 8:
                overload = self.wire.text(entry)
        if domain not in OWN:
            kind = f"{domain}.{kind}"
        operator = Operator(kind, inputs, outputs, attributes, name or f"{kind}_{place}")
        operator.title = name
        operator.overload = overload
        return operator

    def _attribute(self, whole: Entry) -> tuple[str, Any]:
        """Name and value of an attribute: a number, text, a tuple of them, a `Constant`, `Graphs` or a `Reference`."""
        name = reference = ""
        value: Any = None
        many: list[Any] = []
        type, has_graph = 0, False
        for entry in self._message(whole):
            field = entry.number
            if field == 1:
                name = self.wire.text(entry)
            elif field == 2:
                value = self._decimal(entry)
            elif field == 3:
                value = self._number(entry)
            elif field == 4:
                value = "" if entry.end - entry.start > MAX_TEXT else self.wire.text(entry)
            elif field == 5:
                self._message(entry)
                value = read_tensor(self.wire, entry.start, entry.end)[1]
            elif field in (6, 11):
                has_graph = True
            elif field == 7:
                many += self.wire.floats(entry, MAX_LIST)
            elif field == 8:
                many += self.wire.numbers(entry, MAX_LIST)
            elif field == 9:
                many.append(self.wire.text(entry))
            elif field == 20:
                type = self._number(entry)
            elif field == 21:
                reference = self.wire.text(entry)
            if len(many) > MAX_LIST:
                raise Fault("too-large", f"the attribute `{name}` has more than {MAX_LIST:,} entries")
        if has_graph:
            return name, Graphs()
        if reference:
            return name, Reference(reference)
        if value is None or many:  # what has its default, 0 or nothing, may not be written at all
            return name, {1: 0.0, 2: 0, 3: ""}.get(type, tuple(many)) if not many else tuple(many)
        return name, value

    def _decimal(self, entry: Entry) -> float:
        if entry.wire != FIXED32:
            raise bad("the file is damaged: a decimal number is expected")
        return self.wire.floats(entry, MAX_LIST)[0]

    def _value(self, whole: Entry) -> tuple[str, Stated | None]:
        """Name and shape of a ValueInfoProto; no shape for what is no tensor or has none stated."""
        name, shape = "", None
        for entry in self._message(whole):
            if entry.number == 1:
                name = self.wire.text(entry)
            elif entry.number == 2:
                for kind in self._message(entry):
                    if kind.number == 1:
                        shape = self._tensor_type(kind, name)
        return name, shape

    def _tensor_type(self, whole: Entry, name: str) -> Stated | None:
        shape: Stated | None = None
        for entry in self._message(whole):
            if entry.number == 1:
                number = self._number(entry)
                if number:
                    element_type(number, f"tensor {name}")
            elif entry.number == 2:
                shape = tuple([self._size(part) for part in self._message(entry) if part.number == 1])
        return shape

    def _size(self, whole: Entry) -> int | str | None:
        """A dimension: a size, the name of a dynamic one, or None, as which exporters also write 0 and -1."""
        size: int | str | None = None
        for entry in self._message(whole):
            if entry.number == 1:
                number = self._number(entry)
                size = number if number > 0 else None
            elif entry.number == 2:
                size = self.wire.text(entry) or None
        return size

    def _function(self, whole: Entry) -> Function:
        """A function of the file."""
        name = domain = overload = ""
        inputs: list[str] = []
        outputs: list[str] = []
        defaults: dict[str, Any] = {}
        nodes: list[Operator] = []
        versions: dict[str, int] = {}
        for entry in self._message(whole):
            field = entry.number
            if field == 1:
                name = self.wire.text(entry)
            elif field == 4:
                inputs.append(self.wire.text(entry))
            elif field == 5:
                outputs.append(self.wire.text(entry))
            elif field == 7:
                nodes.append(self._node(entry, len(nodes)))
            elif field == 9:
                of, version = self._opset(entry)
                versions["" if of in OWN else of] = version
            elif field == 10:
                domain = self.wire.text(entry)
            elif field == 11:
                key, value = self._attribute(entry)
                defaults[key] = value
            elif field == 13:
                overload = self.wire.text(entry)
        return Function((domain, name, overload), inputs, outputs, defaults, nodes, versions)
