"""Modules come in by way of ``torch.export``: tested where there is no PyTorch, on what it documents of a program.

tests/frameworks reads modules with PyTorch itself.
"""

from __future__ import annotations

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
        self.name = name
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
    conv.meta["nn_module_stack"] = {"root": ("", Module), "inner": ("body.conv", "torch.nn.modules.conv.Conv2d")}
    split = Node("split", [part, part], "call_function", SPLIT, conv, 3, 1)
    second = Node("getitem_1", part, "call_function", getitem, split, 1)
    first = Node("getitem", part, "call_function", getitem, split, 0)
    product = Node("mul", part, "call_function", MUL, first, second)
    added = Node("add", part, "call_function", ADD, product, number)
    last = Node("add_1", part, "call_function", ADD, added, buffer)
    end = Node("output", None, "output", "output", (last,))
    nodes = [weight, number, buffer, x, conv, split, second, first, product, added, last, end]

    def spec(name: str, kind: str, target: str | None) -> Any:
        return SimpleNamespace(arg=SimpleNamespace(name=name), kind=SimpleNamespace(name=kind), target=target)

    signature = SimpleNamespace(
        input_specs=[
            spec("p_w", "PARAMETER", "body.conv.weight"), spec("c_half", "CONSTANT_TENSOR", "half"),
            spec("b_offset", "BUFFER", "offset"), spec("x", "USER_INPUT", None),
        ],
        output_specs=[spec("mul", "BUFFER_MUTATION", "offset"), spec("add_1", "USER_OUTPUT", None)],
    )  # fmt: skip
    held = {"body.conv.weight": parameter, "offset": offset}
    return SimpleNamespace(
        graph=SimpleNamespace(nodes=nodes), graph_signature=signature, state_dict=held, constants={"half": half}
    )


class Module:
    """``torch.nn.Module``."""

    def __init__(self) -> None:
        self.training = True
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
    return program(module.weight, module.half, module.offset)


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
