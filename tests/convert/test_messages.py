"""ONNX's messages as onnx.proto describes them: what need not be written, older opsets, weights that are inputs."""

from __future__ import annotations

import pytest
from convert.encoding import attribute, message, model, node, tensor, value_info
from convert.executing import rows
from convert.written import written

from cnncalc.convert import Imported
from cnncalc.convert.onnx import read_bytes
from cnncalc.diagnostics import Diagnostic, SpecError

X = value_info("x", 1, 2, 4, 6)
RELU = node("Relu", ["x"], ["y"])


def imported(content: bytes) -> Imported:
    return read_bytes(memoryview(content), "net.onnx")


def problem(content: bytes) -> Diagnostic:
    with pytest.raises(SpecError) as caught:
        imported(content)
    (found,) = caught.value.diagnostics
    return found


# -- attributes --------------------------------------------------------------------------------------------------------


def unwritten(name: str, kind: int) -> bytes:
    """An attribute of this type whose value, nothing or 0, is not written: proto3 leaves out what has its default."""
    return message((1, name), (20, kind))


def test_a_value_that_is_zero_need_not_be_written() -> None:
    leaky = node("LeakyRelu", ["x"], ["y"], unwritten("alpha", 1))
    assert rows(imported(model([leaky], [X], ["y"]))) == ["leaky_relu negative_slope=0.0"]
    pool = node("ReduceMean", ["x"], ["y"], attribute("axes", 2, 3), unwritten("keepdims", 2))
    assert rows(imported(model([pool], [X], ["y"]))) == ["global_avg_pool", "flatten"]
    pool = node(
        "MaxPool", ["x"], ["y"], attribute("kernel_shape", 2, 2), unwritten("auto_pad", 3), unwritten("pads", 7)
    )
    assert rows(imported(model([pool], [X], ["y"]))) == ["max_pool kernel=2 stride=1"]


def test_texts_that_nobody_reads_may_be_long() -> None:
    for length in (16_384, 16_385, 70_000):
        long = node("Relu", ["x"], ["y"], message((1, "note"), (4, "n" * length), (20, 3)))
        assert rows(imported(model([long], [X], ["y"]))) == ["relu"]
    for length in (16_384, 16_385):  # blanks in an equation say nothing
        sums = node(
            "Einsum", ["x", "x"], ["y"], message((1, "equation"), (4, "bchw,bcvw->bchv".ljust(length)), (20, 3))
        )
        content = model([sums], [X], ["y"])
        if length == 16_384:
            assert imported(content).graph.shapes[-1] == (2, 4, 4)
        else:
            assert "does not know the operator `Einsum`" in problem(content).message


def test_an_attribute_without_a_type_has_nothing() -> None:
    pool = node("MaxPool", ["x"], ["y"], attribute("kernel_shape", 2, 2), message((1, "pads")))
    assert rows(imported(model([pool], [X], ["y"]))) == ["max_pool kernel=2 stride=1"]


@pytest.mark.parametrize("field", [6, 11])
def test_an_attribute_of_one_graph_or_of_several(field: int) -> None:
    """AttributeProto's `g` and `graphs`."""
    found = problem(model([node("Own", ["x"], ["y"], message((1, "body"), (field, b"")), domain="own")], [X], ["y"]))
    assert found.message == "`own.Own` runs the graph in its `body`: control flow has no layer"


def test_weights_that_are_sparse_are_not_read() -> None:
    """GraphProto's `sparse_initializer`."""
    graph = message((1, RELU), (11, X), (12, message((1, "y"))), (15, b""))
    found = problem(message((1, 8), (7, graph), (8, message((2, 17)))))
    assert found.message == "the file holds sparse initializers, which cnncalc does not read"


def listed(*fields: tuple[int, int | bytes]) -> bytes:
    """A model with a list among its attributes."""
    return model([node("Relu", ["x"], ["y"], message((1, "many"), *fields))], [X], ["y"])


def test_a_list_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rows(imported(listed((8, bytes(65_536))))) == ["relu"]
    assert problem(listed((8, bytes(65_537)))).message.endswith("has more than 65,536 numbers")
    monkeypatch.setattr("cnncalc.convert.onnx_file.MAX_LIST", 5)
    for entry in ((8, 1), (9, b"")):
        assert rows(imported(listed(*[entry] * 5))) == ["relu"]
        assert problem(listed(*[entry] * 6)).message == "the attribute `many` has more than 5 entries"


# -- shapes of inputs --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [0, -1, 1, 7, "n"])
def test_a_batch_may_be_of_any_size(batch: int | str) -> None:
    """As which exporters also write 0 and -1."""
    found = imported(model([RELU], [value_info("x", batch, 1, 1, 3)], ["y"])).graph
    assert found.inputs == (("input", (1, 1, 3)),)


@pytest.mark.parametrize("size", [0, -1])
def test_other_sizes_that_are_left_open_are_asked_for(size: int) -> None:
    found = problem(model([RELU], [value_info("x", 1, 2, size, 3)], ["y"]))
    assert found.code == "dynamic-shape"


# -- bounds ------------------------------------------------------------------------------------------------------------


def test_nodes_and_initializers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnncalc.convert.onnx_file.MAX_NODES", 3)
    nodes = [node("Relu", [f"t{place}"], [f"t{place + 1}"]) for place in range(4)]
    held = [tensor(f"w{place}", 1, [1], bytes(4)) for place in range(4)]
    start = [value_info("t0", 1, 2, 4, 6)]
    assert len(imported(model(nodes[:3], start, ["t3"], held[:3])).graph.nodes) == 3
    assert problem(model(nodes, start, ["t4"])).message == "the file has more than 3 nodes"
    assert problem(model(nodes[:1], start, ["t1"], held)).message == "the file has more than 3 initializers"


def function(name: str, *nodes: bytes, inputs: str = "a", outputs: str = "b") -> bytes:
    """A function of the domain ``own``."""
    operands = [(4, each) for each in inputs] + [(5, each) for each in outputs]
    return message((1, name), *operands, *[(7, each) for each in nodes], (10, "own"))


def test_functions_may_call_each_other_32_deep() -> None:
    def nested(depth: int) -> bytes:
        functions = [function("F0", node("Relu", ["a"], ["b"]))]
        functions += [
            function(f"F{level}", node(f"F{level - 1}", ["a"], ["b"], domain="own")) for level in range(1, depth)
        ]
        return model([node(f"F{depth - 1}", ["x"], ["y"], domain="own")], [X], ["y"], functions=functions)

    assert rows(imported(nested(32))) == ["relu"]
    assert problem(nested(33)).message == "function `own.F0` is called more than 32 calls deep"


def test_nodes_of_functions_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnncalc.convert.onnx.MAX_NODES", 4)
    two = function("Two", node("Relu", ["a"], ["m"]), node("Tanh", ["m"], ["b"]))
    names = ["x", "p", "q", "r"]
    calls = [node("Two", [names[place]], [names[place + 1]], domain="own") for place in range(3)]
    assert rows(imported(model(calls[:2], [X], ["q"], functions=[two]))) == ["relu", "tanh"] * 2
    assert problem(model(calls, [X], ["r"], functions=[two])).message == (
        "the functions of the file make more than 4 nodes"
    )


def test_operands_and_results_of_a_function() -> None:
    """An operand that a call leaves out; a result that is an operand; one that leaves twice, and one nobody takes."""
    sums = function("Sums", node("Clip", ["a", "low"], ["b"]), inputs=("a", "low"), outputs=("b", "a", "b", "c"))
    call = node("Sums", ["x"], ["p", "q", "r"], name="call", domain="own")
    end = node("Concat", ["p", "q", "r"], ["y"], attribute("axis", 1, kind=2))
    found = imported(model([call, end], [X], ["y"], functions=[sums])).graph
    assert [node.kind for node in found.nodes] == ["concat"]
    assert found.shapes[-1] == (6, 4, 6)


# -- older opsets ------------------------------------------------------------------------------------------------------


SCALES = tensor("s", 1, [4], b"\0\0\x80?\0\0\x80?\0\0\0@\0\0\0@")
"""1, 1, 2 and 2."""
SOFTMAX = node("Softmax", ["x"], ["y"], attribute("axis", 1, kind=2))
LEARNED = [tensor(name, 1, [2]) for name in "abcd"]


@pytest.mark.parametrize(
    ("opset", "step", "tensors", "expected"),
    [
        # from its opset 13 on a Softmax is over one axis; before, over all from that one on, as no layer's
        (12, SOFTMAX, [], ["opaque output=(2, 4, 6) params=0 macs=0"]),
        (13, SOFTMAX, [], ["softmax"]),
        # a Resize has had a region before its scales since opset 11, and rounds by its middle
        (10, node("Resize", ["x", "s"], ["y"]), [SCALES], ["upsample scale=2"]),
        (11, node("Resize", ["x", "", "s"], ["y"]), [SCALES], ["upsample scale=2"]),
        # BatchNormalization has one result where it is no training
        (13, node("BatchNormalization", ["x", *"abcd"], ["y", "", ""]), LEARNED, ["batch_norm"]),
        (14, node("BatchNormalization", ["x", *"abcd"], ["y"]), LEARNED, ["batch_norm"]),
    ],
)  # fmt: skip
def test_what_operators_were(opset: int, step: bytes, tensors: list[bytes], expected: list[str]) -> None:
    assert rows(imported(model([step], [X], ["y"], tensors, opset=opset))) == expected


def test_a_batch_norm_with_a_second_result_was_training() -> None:
    step = node("BatchNormalization", ["x", *"abcd"], ["y", "mean"])
    found = problem(model([step], [X], ["y"], LEARNED, opset=13))
    assert found.message == "it normalises by the statistics of the batch: this is a training graph"


GRAPH = message((1, SOFTMAX), (11, X), (12, message((1, "y"))))


def test_a_file_says_its_opset() -> None:
    """A file that says none is of the first; where it says one of another domain alone, that may be any."""
    for opsets, opset in (([], 1), ([b""], 0), ([message((1, "ai.onnx"))], 0), ([message((1, "own"), (2, 1))], 7)):
        content = message((1, 8), (7, GRAPH), *[(8, each) for each in opsets])
        if opset < 7:
            assert problem(content).message == f"the file is of opset {opset}; cnncalc reads opset 7 and later"
        else:
            assert [row.split()[0] for row in rows(imported(content))] == ["opaque"]


@pytest.mark.parametrize(
    ("opsets", "kind"),
    [
        ([message((2, 12))], "opaque"),
        ([message((1, "ai.onnx"), (2, 12))], "opaque"),
        ([message((1, "other"), (2, 12))], "softmax"),
        ([], "softmax"),
    ],
)
def test_a_function_may_be_of_another_opset(opsets: list[bytes], kind: str) -> None:
    inner = node("Softmax", ["a"], ["b"], attribute("axis", 1, kind=2))
    given = message((1, "Own"), (4, "a"), (5, "b"), (7, inner), (10, "own"), *[(9, each) for each in opsets])
    call = node("Own", ["x"], ["y"], domain="own")
    assert rows(imported(model([call], [X], ["y"], functions=[given])))[0].split()[0] == kind


def test_functions_of_one_name() -> None:
    """NodeProto's `overload` and FunctionProto's tell them apart."""
    functions = [
        message((1, "Own"), (4, "a"), (5, "b"), (7, node(kind, ["a"], ["b"])), (10, "own"), (13, overload))
        for kind, overload in (("Relu", "first"), ("Tanh", "second"))
    ]
    for overload, kind in (("first", "relu"), ("second", "tanh")):
        call = node("Own", ["x"], ["y"], domain="own") + message((8, overload))
        assert rows(imported(model([call], [X], ["y"], functions=functions))) == [kind]


# -- newer opsets ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("given", "expected"), [("", "silu"), (" alpha=1.0", "silu"), (" alpha=2.0", "opaque")])
def test_a_swish_of_another_slope_has_no_kind(given: str, expected: str) -> None:
    (row,) = rows(imported(written([f"y = Swish(x){given}"], [1, 3, 4], opset=24)))
    assert row.split()[0] == expected


def test_scales_of_numbers_that_are_rounded_are_constants() -> None:
    steps = ["s: [] 0.5", "t: [] 0.25", "q = QuantizeLinear(x, s)", "d = DequantizeLinear(q, t)", "y = Relu(d)"]
    found = imported(written(steps, [1, 3, 4]))
    assert rows(found) == ["relu"]
    assert (found.account.constants, found.account.left_over) == (2, {})


# -- weights that are inputs -------------------------------------------------------------------------------------------

OWN = {"k": (3, 2, 1, 1), "b": (3,), "g": (3,), "o": (3,), "m": (3,), "v": (3,), "s": (3, 1, 1)}
CHAIN = [
    node("Conv", ["x", "k", "b"], ["c"]),
    node("BatchNormalization", ["c", *"gomv"], ["n"]),
    node("PRelu", ["n", "s"], ["y"]),
]


def inputs(*left_out: str, **sizes: tuple[int | str, ...]) -> list[bytes]:
    return [X, *(value_info(name, *(sizes.get(name) or shape)) for name, shape in OWN.items() if name not in left_out)]


def test_inputs_that_are_nothing_but_weights_are_weights() -> None:
    """So PyTorch writes a model without its weights."""
    found = imported(model(CHAIN, inputs(), ["y"]))
    assert rows(found) == ["conv channels=3 kernel=1", "batch_norm", "prelu slopes=3"]
    assert [name for name, _ in found.graph.inputs] == ["input"]
    assert (found.account.parameters, found.account.state) == (3 * 2 + 3 + 2 * 3 + 3, 2 * 3)


@pytest.mark.parametrize(
    ("operator", "shapes", "kind", "parameters"),
    [
        ("ConvTranspose", [(2, 5, 1, 1), (5,)], "conv_transpose", 15),
        ("InstanceNormalization", [(2,), (2,)], "instance_norm", 4),
        ("LayerNormalization", [(6,), (6,)], "layer_norm", 12),
    ],
)
def test_weights_of_each_operator(operator: str, shapes: list[tuple[int, ...]], kind: str, parameters: int) -> None:
    given = [value_info(name, *shape) for name, shape in zip("wb", shapes)]
    found = imported(model([node(operator, ["x", "w", "b"], ["y"])], [X, *given], ["y"]))
    assert kind in [row.kind for row in found.graph.nodes]
    assert found.account.parameters == parameters


def test_inputs_that_are_more_than_weights_stay_inputs() -> None:
    """What is taken elsewhere, what leaves the network, what has no fixed size, and the first."""
    kernel = value_info("k", 3, 2, 1, 1)
    conv, other = node("Conv", ["x", "k"], ["y"]), node("Relu", ["k"], ["z"])
    assert problem(model([conv, other], [X, kernel], ["y", "z"])).code == "unsupported"
    assert problem(model([conv], [X, kernel], ["y", "k"])).code == "unsupported"
    assert problem(model([conv], [X, value_info("k", 3, 2, "h", 1)], ["y"])).code == "dynamic-shape"
    assert problem(model([node("Conv", ["w", "k"], ["y"])], [kernel], ["y"], [tensor("w", 1, [1, 2, 4, 6])])).code


# -- operands ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "needed"),
    [("Relu", 1), ("Add", 2), ("Where", 3), ("BatchNormalization", 5)],
)
def test_an_operator_has_its_operands(kind: str, needed: int) -> None:
    """One that is left out in between is none."""
    told = f"`{kind}` needs {needed} operand{'s' if needed > 1 else ''}, it has {needed - 1}"
    for given in (
        ["x"] * (needed - 1),
        [*["x"] * (needed - 1), ""],
        ["", *["x"] * (needed - 1), *["x"] * (needed > 1)],
    ):
        assert told in problem(model([node(kind, given, ["y"])], [X], ["y"])).message


def test_a_constant_has_none() -> None:
    made = node("EyeLike", [], ["y"])
    assert "operand" not in problem(model([made], [X], ["y"])).message
    assert problem(model([node("Relu", ["x"], [])], [X], ["x"])).message.endswith("`Relu` gives nothing")
