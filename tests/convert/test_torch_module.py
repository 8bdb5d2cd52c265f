"""Modules come in by way of ``torch.export``: tested where there is no PyTorch, on what it documents of a program.

tests/frameworks reads modules with PyTorch itself.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from math import prod
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from convert.executing import rows

from cnncalc.convert.torch import exporting, from_torch
from cnncalc.diagnostics import SpecError


class Type(SimpleNamespace):
    """``torch.dtype``."""

    def __str__(self) -> str:
        return f"torch.{self.name}"


FLOAT, DOUBLE = (
    Type(name=name, is_floating_point=True, itemsize=size) for name, size in (("float32", 4), ("float64", 8))
)
INT, BOOL = (Type(name=name, is_floating_point=False, itemsize=size) for name, size in (("int64", 8), ("bool", 1)))


class Tensor:
    """``torch.Tensor``: a shape, a type, and numbers where they matter."""

    is_meta, device = False, "cpu"

    def __init__(self, *shape: int, values: Any = None, dtype: Type = FLOAT) -> None:
        self.shape, self.values, self.dtype = shape, values or [0.0] * prod(shape), dtype

    def is_floating_point(self) -> bool:
        return bool(self.dtype.is_floating_point)

    def numel(self) -> int:
        return prod(self.shape)

    def detach(self) -> Tensor:
        return self

    def reshape(self, size: int) -> Tensor:
        assert size == -1
        return self

    def tolist(self) -> Any:
        return self.values


class Node:
    """``torch.fx.Node``."""

    def __init__(self, name: str, value: Any, op: str = "placeholder", target: Any = None, *args: Any, **kwargs: Any):
        self.name, self.op, self.target, self.args, self.kwargs = name, op, target, args, kwargs
        self.meta: dict[str, Any] = {"val": value}


class Operator:
    """``torch._ops.OpOverload``, with the arguments that native_functions.yaml gives it."""

    def __init__(self, name: str, *arguments: tuple[Any, ...]) -> None:
        self.name, self.__name__ = name, name.removeprefix("aten.")
        self._schema = SimpleNamespace(arguments=[self.argument(*each) for each in arguments])

    @staticmethod
    def argument(name: str, *default: Any, kwarg_only: bool = False) -> Any:
        keyword = name.startswith("*")
        has = bool(default)
        return SimpleNamespace(
            name=name.lstrip("*"), kwarg_only=keyword, has_default_value=lambda: has, default_value=(*default, None)[0]
        )

    def __str__(self) -> str:
        return self.name


CONV = Operator(
    "aten.conv2d.default", ("input",), ("weight",), ("bias", None), ("stride", [1, 1]), ("padding", [0, 0]),
    ("dilation", [1, 1]), ("groups", 1),
)  # fmt: skip
SPLIT = Operator("aten.split.Tensor", ("self",), ("split_size",), ("dim", 0))
MUL = Operator("aten.mul.Tensor", ("self",), ("other",))
ADD = Operator("aten.add.Tensor", ("self",), ("other",), ("*alpha", 1))


def getitem(values: Any, place: int) -> Any:
    return values[place]


def program(parameter: Tensor, half: Tensor, offset: Tensor) -> Any:
    """Of x: a convolution in two halves, the second twice the product of them, a number and a buffer added."""
    weight, number, buffer = Node("p_w", parameter), Node("c_half", half), Node("b_offset", offset)
    x = Node("x", Tensor(1, 4, 5, 6))
    part = Tensor(1, 3, 5, 6)
    conv = Node("conv2d", Tensor(1, 6, 5, 6), "call_function", CONV, x, weight, None, [1, 1], [1, 1])
    conv.meta["nn_module_stack"] = STACK
    split = Node("split", [part, part], "call_function", SPLIT, conv, 3, 1)
    second = Node("getitem_1", part, "call_function", getitem, split, 1)
    first = Node("getitem", part, "call_function", getitem, split, 0)
    product = Node("mul", part, "call_function", MUL, first, second)
    added = Node("add", part, "call_function", ADD, product, number)
    last = Node("add_1", part, "call_function", ADD, added, buffer)
    end = Node("output", None, "output", "output", (last,))
    nodes = [weight, number, buffer, x, conv, split, second, first, product, added, last, end]
    inputs = [
        spec("p_w", "PARAMETER", "body.conv.weight"), spec("c_half", "CONSTANT_TENSOR", "half"),
        spec("b_offset", "BUFFER", "offset"), spec("x"),
    ]  # fmt: skip
    outputs = [spec("mul", "BUFFER_MUTATION", "offset"), spec("add_1", "USER_OUTPUT")]
    held = {"body.conv.weight": parameter, "offset": offset}
    return whole(nodes, inputs, outputs, held, {"half": half})


STACK = {
    "root": ("", "Module"),
    "outer": ("body", "torch.nn.modules.container.Sequential"),
    "inner": ("body.conv", "torch.nn.modules.conv.Conv2d"),
}


def spec(name: str, kind: str = "USER_INPUT", target: str | None = None) -> Any:
    """``torch.export.graph_signature.InputSpec``, or one of an output."""
    return SimpleNamespace(arg=SimpleNamespace(name=name), kind=SimpleNamespace(name=kind), target=target)


def whole(nodes: list[Node], inputs: list[Any], outputs: list[Any], state: Any, constants: Any) -> Any:
    """``torch.export.ExportedProgram``."""
    signature = SimpleNamespace(input_specs=inputs, output_specs=outputs)
    graph = SimpleNamespace(nodes=nodes)
    return SimpleNamespace(graph=graph, graph_signature=signature, state_dict=state, constants=constants)


def of_nodes(*nodes: Node, constants: dict[str, Tensor] | None = None) -> Any:
    """A program of x and these nodes, of which the last one's result goes out; constants have their nodes' names."""
    held = [Node(name, tensor) for name, tensor in (constants or {}).items()]
    inputs = [spec(node.name, "CONSTANT_TENSOR", f"of.{node.name}") for node in held]
    taken = [Node("x", Tensor(1, 4, 5, 6)), *nodes]
    given = {f"of.{name}": tensor for name, tensor in (constants or {}).items()}
    return whole([*held, *taken], [*inputs, spec("x")], [spec(nodes[-1].name, "USER_OUTPUT")], {}, given)


def called(target: Any, name: str, value: Any, *args: Any, **kwargs: Any) -> Node:
    """A node that calls something."""
    return Node(name, value, "call_function", target, *args, **kwargs)


class Module:
    """``torch.nn.Module``; where it is given a program, that is what it is exported as."""

    def __init__(self, program: Any = None) -> None:
        self.training, self.program = True, program
        self.weight, self.half, self.offset = Tensor(6, 4, 3, 3), Tensor(values=[0.5]), Tensor(3, 1, 1)
        self.given: Any = None

    def parameters(self) -> Iterator[Tensor]:
        yield self.weight

    def buffers(self) -> Iterator[Tensor]:
        yield self.offset

    def modules(self) -> list[Module]:
        return [self]

    def eval(self) -> None:
        self.training = False


def export(module: Module, args: Any, kwargs: Any, strict: bool) -> Any:
    assert not module.training
    assert not strict
    print("what torch writes")
    module.given = [tensor.shape for tensor in (*args, *kwargs.values())]
    return module.program or program(module.weight, module.half, module.offset)


@pytest.fixture
def torch() -> Iterator[None]:
    library: Any = ModuleType("torch")
    library.Tensor, library.no_grad = Tensor, nullcontext
    library.zeros = lambda shape, device, dtype: Tensor(*shape, dtype=dtype)
    library.nn, library.fx = SimpleNamespace(Module=Module), SimpleNamespace(Node=Node)
    library.export = SimpleNamespace(export=export)
    with mock.patch.dict("sys.modules", torch=library):
        yield


@pytest.mark.usefixtures("torch")
@pytest.mark.parametrize("inputs", [(4, 5, 6), [(4, 5, 6)], {"x": (4, 5, 6)}])
def test_a_module_is_exported_as_for_inference(inputs: Any, capsys: pytest.CaptureFixture[str]) -> None:
    module = Module()
    graph, account = found = from_torch(module, inputs)
    assert module.given == [(1, 4, 5, 6)]
    assert module.training
    assert capsys.readouterr() == ("", "")
    assert rows(found) == [
        "conv channels=6 kernel=3 padding=1 bias=False", "slice channels=(0, 3)", "slice channels=(3, 6)", "multiply",
        "offset axes=one value=0.5", "offset axes=channels",
    ]  # fmt: skip
    assert graph.inputs == (("input", (4, 5, 6)),)
    assert [graph.shapes[tensor] for _, tensor in graph.outputs] == [(3, 5, 6)]
    assert next(node.name for node in graph.nodes) == "body.conv"
    assert [node.kind for node in graph.nodes if node.frozen] == ["offset"]
    assert account.sentence.startswith("Module: ")
    assert account.is_whole


@pytest.mark.usefixtures("torch")
def test_what_no_module_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SpecError, match=r"it is no `torch\.nn\.Module`, it is of the type `dict`"):
        from_torch({}, (4, 5, 6))
    with pytest.raises(SpecError, match="a module does not say what it takes"):
        from_torch(Module(), None)
    monkeypatch.setattr(exporting, "MAX_NODES", 12)  # as many as there are
    assert len(from_torch(Module(), (4, 5, 6)).graph.nodes) == 6
    monkeypatch.setattr(exporting, "MAX_NODES", 11)
    with pytest.raises(SpecError, match="more than 11 nodes"):
        from_torch(Module(), (4, 5, 6))


@pytest.mark.usefixtures("torch")
def test_numbers_are_read_where_they_are_there() -> None:
    """On the meta device a tensor has none; of large tensors they are not needed."""
    module = Module()
    module.half.is_meta = True
    assert "offset axes=one value=0.5" not in rows(from_torch(module, (4, 5, 6)))


@pytest.mark.usefixtures("torch")
def test_so_many_numbers_are_read() -> None:
    """Of a learned tensor 4,096 at most, of a fixed one, such as the indices of attention, 262,144."""
    sizes = (4_096, 4_097, 262_144, 262_145)
    held = {f"t{size}": Tensor(size, values=[size]) for size in sizes}
    nodes = [Node(name, tensor) for name, tensor in held.items()]
    told = {}
    for kind in ("PARAMETER", "BUFFER"):
        inputs = [spec(name, kind, name) for name in held]
        module = Module(whole(nodes, inputs, [], held, {}))
        module.training = False
        values = exporting.exported(sys.modules["torch"], module, (4, 5, 6), "net")(False).values
        told[kind] = [size for size in sizes if values[f"t{size}"]() == [size]]
    assert told == {"PARAMETER": [4_096], "BUFFER": [4_096, 4_097, 262_144]}


@pytest.mark.usefixtures("torch")
@pytest.mark.parametrize(("kind", "total"), [(DOUBLE, 0.1 + 0.2), (FLOAT, 0.30000001192092896)])
def test_constants_are_worked_out_in_their_own_width(kind: Type, total: float) -> None:
    """In floats of 64 bits as Python does, of 32 bits as ``torch.tensor(0.1) + torch.tensor(0.2)``."""
    constants = {"one": Tensor(values=[0.1], dtype=kind), "two": Tensor(values=[0.2], dtype=kind)}
    one, two = (Node(name, tensor) for name, tensor in constants.items())
    both = called(ADD, "both", Tensor(dtype=kind), one, two)
    last = called(ADD, "last", Tensor(1, 4, 5, 6), Node("x", None), both)
    found = from_torch(Module(of_nodes(both, last, constants=constants)), (4, 5, 6))
    assert rows(found) == [f"offset axes=one value={total}"]


@pytest.mark.usefixtures("torch")
def test_truth_values_and_whole_numbers_are_told_apart() -> None:
    """Only whole numbers are places of channels, and only truth values are turned into their opposite by a not."""
    places, flag = Tensor(3, values=[1, 2, 3], dtype=INT), Tensor(values=[False], dtype=BOOL)
    chosen, opposite = Tensor(1, 3, 5, 6), Tensor(dtype=BOOL)
    index, turn = Operator("aten.index.Tensor", ("self",), ("indices",)), Operator("aten.logical_not", ("self",))
    nodes = [
        called(index, "chosen", chosen, Node("x", None), [None, Node("places", None)]),
        called(turn, "opposite", opposite, Node("flag", None)),
        called(Operator("aten.to.dtype", ("self",), ("dtype",)), "one", Tensor(), Node("opposite", None), "float32"),
        called(ADD, "last", chosen, Node("chosen", None), Node("one", None), alpha=2),
    ]
    found = from_torch(Module(of_nodes(*nodes, constants={"places": places, "flag": flag})), (4, 5, 6))
    assert rows(found) == ["slice channels=(1, 4)", "offset axes=one value=2.0"]


def taken(places: Tensor, *nodes: Node) -> list[str]:
    """The rows of a program that takes channels of x at the places that the last of some nodes gives."""
    index = Operator("aten.index.Tensor", ("self",), ("indices",))
    count = nodes[-1].meta["val"].shape[0]
    chosen = called(index, "chosen", Tensor(1, count, 5, 6), Node("x", None), [None, Node(nodes[-1].name, None)])
    return rows(from_torch(Module(of_nodes(*nodes, chosen, constants={"places": places})), (4, 5, 6)))


@pytest.mark.usefixtures("torch")
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, [0, 1, 2, 3]),
        ({"start": 1}, [1, 2, 3]),
        ({"end": 3}, [0, 1, 2]),
        ({"dim": 0, "start": 1, "end": -1}, [1, 2]),
    ],
)
def test_parts_without_bounds(given: dict[str, int], expected: list[int]) -> None:
    """``aten.slice(Tensor self, int dim=0, SymInt? start=None, SymInt? end=None, SymInt step=1)``"""
    cut = Operator("aten.slice.Tensor", ("self",), ("dim", 0), ("start", None), ("end", None), ("step", 1))
    places = Tensor(4, values=[0, 1, 2, 3], dtype=INT)
    part = called(cut, "part", Tensor(len(expected), dtype=INT), Node("places", None), **given)
    whole = expected == places.values
    assert taken(places, part) == (["identity"] if whole else [f"slice channels=({expected[0]}, {expected[-1] + 1})"])


@pytest.mark.usefixtures("torch")
@pytest.mark.parametrize("most", [6, 5])
def test_constants_of_so_many_elements_are_known(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are counted up, and those that are filled with one number."""
    monkeypatch.setattr("cnncalc.convert.torch.aten.moving.MAX_VALUES", most)
    index = Operator("aten.index.Tensor", ("self",), ("indices",))
    count = called(Operator("aten.arange.default", ("end",)), "count", Tensor(6, dtype=INT), 6)
    last = called(index, "last", Tensor(1, 4, 5, 6), Node("x", None), [None, None, None, Node("count", None)])
    found = rows(from_torch(Module(of_nodes(count, last)), (4, 5, 6)))
    assert found == ["identity" if most == 6 else "opaque output=(4, 5, 6) params=0 macs=0"]
    monkeypatch.setattr("cnncalc.convert.torch.lowering.MAX_VALUES", most - 5)
    one = called(Operator("aten.ones.default", ("size",)), "one", Tensor(1), [1])
    last = called(ADD, "last", Tensor(1, 4, 5, 6), Node("x", None), Node("one", None))
    found = rows(from_torch(Module(of_nodes(one, last)), (4, 5, 6)))
    assert (found == ["offset axes=one value=1.0"]) == (most == 6)


@pytest.mark.usefixtures("torch")
@pytest.mark.parametrize(("eps", "normed"), [(1e-5, "weight_norm=standardize"), (2e-5, "")])
def test_kernels_are_standardised_where_what_is_added_is_small(eps: float, normed: str) -> None:
    """Qiao et al. 2019 add 1e-5; the rows compute with less."""
    arguments = (("input",), ("weight",), ("bias",), ("running_mean",), ("running_var",), ("training",))
    norm = Operator("aten.batch_norm.default", *arguments, ("momentum",), ("eps",), ("cudnn_enabled",))
    kernel, flat = Tensor(6, 4, 3, 3), Tensor(1, 6, 36)
    view = Operator("aten.view.default", ("self",), ("size",))
    nodes = [
        called(view, "flat", flat, Node("weight", None), [1, 6, -1]),
        called(norm, "norm", flat, Node("flat", None), None, None, None, None, True, 0.0, eps, False),
        called(view, "kernel", kernel, Node("norm", None), [6, 4, 3, 3]),
        called(CONV, "last", Tensor(1, 6, 3, 4), Node("x", None), Node("kernel", None)),
    ]
    inputs = [spec("weight", "PARAMETER", "weight"), spec("x")]
    outputs = [spec("last", "USER_OUTPUT")]
    held = [Node("weight", kernel), Node("x", Tensor(1, 4, 5, 6))]
    found = rows(from_torch(Module(whole([*held, *nodes], inputs, outputs, {"weight": kernel}, {})), (4, 5, 6)))
    assert found == [f"conv channels=6 kernel=3 bias=False {normed}".strip()]


@pytest.mark.usefixtures("torch")
def test_what_gives_no_tensor_or_is_no_operator() -> None:
    """Sizes are worked out by nodes that give numbers; of several results some may be none."""

    def scan(*values: Any) -> None:
        """A function that is called by itself, as higher-order operators are."""

    size = called(Operator("aten.sym_size.int", ("self",), ("dim",)), "size", 6, Node("x", None), 3)
    both = called(scan, "both", [Tensor(1, 2, 5, 6), None], Node("x", None))
    first = called(getitem, "first", Tensor(1, 2, 5, 6), both, 0)
    found = from_torch(Module(of_nodes(size, both, first)), (4, 5, 6))
    assert rows(found) == ["opaque output=(2, 5, 6) params=0"]
    assert found.account.opaque == {"scan": ["scan"]}
    assert found.account.nodes == 1


@pytest.mark.usefixtures("torch")
@pytest.mark.parametrize(("stack", "place"), [(STACK, "body.conv (turned)"), ({}, "turned")])
def test_an_error_names_the_module_and_the_node(stack: Any, place: str) -> None:
    sizes = (1, SimpleNamespace(name="a size that is open"))
    turned = called(Operator("aten.reshape", ("self",), ("shape",)), "turned", Tensor(1), Node("x", None), [-1])
    turned.meta["val"].shape = sizes
    turned.meta["nn_module_stack"] = stack
    with pytest.raises(SpecError, match="the program leaves the sizes of `turned` open") as caught:
        from_torch(Module(of_nodes(turned)), (4, 5, 6))
    (found,) = caught.value.diagnostics
    assert str(found.span) == f"Module: node {place}"


@pytest.mark.usefixtures("torch")
def test_a_change_in_place_of_what_others_see_is_worked_out_by_torch() -> None:
    """``y.transpose(1, 2).add_(1.0)`` changes y: `run_decompositions` gives the program without such changes."""
    shape, turned = Tensor(1, 4, 5, 6), Tensor(1, 5, 4, 6)
    exchange = Operator("aten.transpose.int", ("self",), ("dim0",), ("dim1",))
    change = Operator("aten.add_.Tensor", ("self",), ("other",))
    relu = called(Operator("aten.relu.default", ("self",)), "y", shape, Node("x", None))
    view = called(exchange, "view", turned, relu, 1, 2)
    added = called(change, "added", turned, view, 1.0)
    last = called(Operator("aten.tanh.default", ("self",)), "last", shape, relu)
    program = of_nodes(relu, view, added, last)
    plain = called(ADD, "added", turned, view, 1.0)
    back = called(exchange, "back", shape, plain, 1, 2)
    end = called(Operator("aten.tanh.default", ("self",)), "last", shape, back)
    program.run_decompositions = lambda table: of_nodes(relu, view, plain, back, end)
    found = from_torch(Module(program), (4, 5, 6))
    assert rows(found) == ["relu", "offset axes=one value=1.0", "tanh"]


def test_without_torch_the_module_s_type_is_the_place() -> None:
    with mock.patch.dict("sys.modules", torch=None), pytest.raises(SpecError) as caught:
        from_torch(Module(), (4, 5, 6))
    (found,) = caught.value.diagnostics
    assert (str(found.span), found.help) == ("Module", "install it: `pip install 'cnncalc[torch]'`")
