"""Files that are damaged, or made to do damage: a located error or a right answer, soon and in little memory."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from convert.encoding import attribute, message, model, node, tensor, value_info, varint
from sampling import together

from cnncalc.convert import read_model
from cnncalc.convert.constants import evaluator
from cnncalc.convert.onnx import read_bytes
from cnncalc.convert.rows import MAX_NODES
from cnncalc.diagnostics import Diagnostic, SpecError

FILES = Path(__file__).parents[1] / "data" / "convert"
ROOT = Path(__file__).parents[2]


def problem(content: bytes) -> Diagnostic:
    """The one error of a file."""
    with pytest.raises(SpecError) as caught:
        read_bytes(memoryview(content), "model.onnx")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.span is not None
    assert str(diagnostic.span).startswith("model.onnx")
    return diagnostic


def survives(content: bytes) -> bool:
    """Whether a file is read; anything but a located error where it is not fails the test."""
    wrong: list[Diagnostic] = []
    try:
        found = read_bytes(memoryview(content), "model.onnx")
    except SpecError as error:
        wrong = error.diagnostics
    assert all(diagnostic.span is not None and diagnostic.message for diagnostic in wrong)
    if wrong:
        return False
    assert found.graph.outputs
    assert found.account.sentence
    assert found.account.failures() is not None
    return True


CONTENTS = [path.read_bytes() for path in sorted(FILES.glob("*.onnx"))]


def test_truncated_anywhere() -> None:
    whole = (FILES / "channel_shuffle_computed.onnx").read_bytes()
    read = [length for length in range(len(whole)) if survives(whole[:length])]
    # only the opset at the end can be missing in part, and without it nothing is known
    assert read == []


@pytest.mark.thorough
def test_thousands_of_damaged_files() -> None:
    chance = random.Random(11)
    start, read = time.process_time(), 0
    for _ in range(4_000):
        content = bytearray(chance.choice(CONTENTS))
        how = chance.random()
        place = chance.randrange(len(content))
        if how < 0.1:
            del content[place : place + chance.randrange(1, 30)]
        elif how < 0.2:
            content[place:place] = content[place : place + chance.randrange(1, 60)]
        else:
            for _ in range(chance.choice((1, 1, 2, 8))):
                content[chance.randrange(len(content))] = chance.choice((0, 1, 127, 128, 255, chance.randrange(256)))
        read += survives(bytes(content))
    assert read > 400  # a changed weight, name or text changes nothing
    assert time.process_time() - start < 60


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00", b"hello, world\n" * 40, b"\xff" * 100, b"\x3a\xff\xff\xff\xff\x0f", b"\x0a" * 9, b"PK\x03\x04" * 30],
)
def test_what_is_no_model(content: bytes) -> None:
    assert problem(content).code == "bad-model"


def test_an_announced_length_is_checked() -> None:
    found = problem(b"\x3a\xff\xff\xff\xff\x0f" + b"x" * 50)
    assert found.message == "the file is cut off or damaged at byte 6: 4,294,967,295 bytes are announced"


def test_a_number_without_end() -> None:
    assert problem(b"\x08" + b"\xff" * 20).message == "the file is damaged at byte 11: a number has no end"


X = value_info("x", 1, 2, 4, 4)
RELU = node("Relu", ["x"], ["y"])


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ([-1], "tensor w has the shape -1"),
        ([2, -5], "tensor w has the shape 2 x -5"),
        ([2**40, 2**40], "tensor w of 1099511627776 x 1099511627776 has more than 2**63 elements"),
        ([1] * 40, "a tensor has more than 32 axes"),
        ([3], "tensor w needs 12 bytes for its 3 elements, the file holds 4"),
    ],
)
def test_tensors_whose_parts_do_not_fit(sizes: list[int], message: str) -> None:
    assert problem(model([RELU], [X], ["y"], [tensor("w", 1, sizes, b"\0" * 4)])).message == message


def test_an_unknown_element_type() -> None:
    found = problem(model([RELU], [X], ["y"], [tensor("w", 99, [1])]))
    assert (found.code, found.message) == (
        "unsupported",
        "tensor w has the element type 99, which cnncalc does not know",
    )


def test_an_unknown_element_type_of_an_input() -> None:
    """TensorProto.DataType: 0 says nothing, and there is no 99."""
    own = b"\x08\x01\x12"
    assert X.count(own) == 1
    found = problem(model([RELU], [X.replace(own, b"\x08\x63\x12")], ["y"]))
    assert found.message == "tensor x has the element type 99, which cnncalc does not know"
    assert survives(model([RELU], [X.replace(own, b"\x08\x00\x12")], ["y"]))


def test_huge_inputs() -> None:
    found = problem(model([RELU], [value_info("x", 1, 2**40, 2**40)], ["y"]))
    assert found.code == "too-large"


@together(
    "kind, attributes",
    [
        ("MaxPool", [attribute("kernel_shape", 0, 0)]),
        ("MaxPool", [attribute("kernel_shape", -3, 3)]),
        ("MaxPool", [attribute("kernel_shape", 2**62, 2)]),
        ("MaxPool", [attribute("kernel_shape", 2)]),
        ("MaxPool", []),
        ("AveragePool", [attribute("kernel_shape", 2, 2), attribute("pads", -1, 0, 0, 0)]),
        ("AveragePool", [attribute("kernel_shape", 2, 2), attribute("strides", 0, 1)]),
        ("Transpose", [attribute("perm", 0, 0, 1, 2)]),
        ("Transpose", [attribute("perm", 0, 5, 1, 2)]),
        ("Flatten", [attribute("axis", 77, kind=2)]),
        ("Softmax", [attribute("axis", -9, kind=2)]),
        ("DepthToSpace", [attribute("blocksize", 0, kind=2)]),
        ("SpaceToDepth", [attribute("blocksize", 2**62, kind=2)]),
        ("Squeeze", [attribute("axes", 2)]),
        ("Split", [attribute("split", 1, 9), attribute("axis", 1, kind=2)]),
        ("Split", [attribute("num_outputs", -4, kind=2)]),
        ("LRN", [attribute("size", -1, kind=2)]),
        ("Conv", []),
        ("Gather", []),
        ("Transpose", [attribute("perm", 1, kind=2)]),
    ],
)
def test_arguments_that_cannot_be(kind: str, attributes: list[bytes]) -> None:
    found = problem(model([node(kind, ["x"], ["y"], *attributes, name="odd")], [X], ["y"]))
    assert str(found.span) == "model.onnx: node odd"


def test_what_is_given_twice() -> None:
    nodes = [node("Relu", ["x"], ["y"], name="first"), node("Tanh", ["x"], ["y"], name="second")]
    found = problem(model(nodes, [X], ["y"]))
    assert (found.message, str(found.span)) == ("it gives `y`, which is there already", "model.onnx: node second")


def test_a_function_that_calls_itself() -> None:
    body = node("Again", ["a"], ["b"], domain="own")
    function = message((1, "Again"), (4, "a"), (5, "b"), (7, body), (10, "own"))
    found = problem(model([node("Again", ["x"], ["y"], domain="own")], [X], ["y"], functions=[function]))
    assert (found.code, found.message) == ("too-large", "function `own.Again` is called more than 32 calls deep")


def test_a_function_has_its_attributes_from_its_call() -> None:
    """ONNX: a reference takes the call's value, else the function's default; else the attribute is left out."""
    refers = message((1, "axis"), (21, "place"), (20, 2))
    inner = node("Softmax", ["a"], ["b"], refers)
    plain = message((1, "Own"), (4, "a"), (5, "b"), (6, "place"), (7, inner), (10, "own"))
    known = message((1, "Own"), (4, "a"), (5, "b"), (7, inner), (10, "own"), (11, attribute("place", 1, kind=2)))
    last, first = ["permute", "softmax", "permute"], ["softmax"]
    for function, given, kinds in (
        (plain, [attribute("place", 1, kind=2)], first),
        (plain, [attribute("place", 3, kind=2)], last),
        (plain, [], last),
        (known, [], first),
        (known, [attribute("place", 3, kind=2)], last),
    ):
        call = node("Own", ["x"], ["y"], *given, domain="own")
        found = read_bytes(memoryview(model([call], [X], ["y"], functions=[function])), "model.onnx")
        assert [row.kind for row in found.graph.nodes] == kinds


def test_functions_that_double(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnncalc.convert.onnx.MAX_NODES", 5_000)
    functions = []
    for level in range(31):
        inner = f"F{level + 1}" if level < 30 else "Relu"
        domain = "own" if level < 30 else ""
        nodes = [node(inner, ["a"], ["m"], domain=domain), node(inner, ["m"], ["b"], domain=domain)]
        functions.append(message((1, f"F{level}"), (4, "a"), (5, "b"), *[(7, one) for one in nodes], (10, "own")))
    found = problem(model([node("F0", ["x"], ["y"], domain="own")], [X], ["y"], functions=functions))
    assert (found.code, found.message) == ("too-large", "the functions of the file make more than 5,000 nodes")


def whole(name: str, *values: int) -> bytes:
    return tensor(name, 7, [len(values)], b"".join(value.to_bytes(8, "little", signed=True) for value in values))


def test_numbers_that_grow() -> None:
    nodes = [node("Mul", [f"n{place}", f"n{place}"], [f"n{place + 1}"], name=f"square{place}") for place in range(60)]
    nodes.append(node("Reshape", ["x", "n60"], ["y"]))
    found = problem(model(nodes, [X], ["y"], [whole("n0", 3)]))
    assert (found.code, found.message) == ("too-large", "a whole number is beyond 64 bits")


def test_too_many_inputs() -> None:
    for count in (1_000, 1_001):
        content = model([RELU], [X, *[value_info(f"x{place}", 1, 1) for place in range(1, count)]], ["y"])
        if count > 1_000:
            assert problem(content).message == "the network has 1,001 inputs; the limit is 1,000"
        else:
            assert len(read_bytes(memoryview(content), "model.onnx").graph.inputs) == 1_000


@pytest.mark.parametrize("target", [(-1, -1), (-1, -1, 4), (-2, -16), (-2, 16), (-1, -2, 2)])
def test_shapes_that_are_none(target: tuple[int, ...]) -> None:
    """ONNX: at most one dimension of the new shape can be -1, and no other is below 0."""
    found = problem(model([node("Reshape", ["x", "s"], ["y"])], [X], ["y"], [whole("s", *target)]))
    assert found.message == f"the new shape {list(target)} is none"


@pytest.mark.thorough
def test_constants_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """At a tenth of what a file may ask for, which takes seconds."""
    assert evaluator.MAX_WORK == 5_000_000
    monkeypatch.setattr(evaluator, "MAX_WORK", 500_000)
    tensors = [whole("size", 65_536), whole("start", 1)]
    nodes = [node("ConstantOfShape", ["size"], ["c0"])]
    nodes += [node("Neg", [f"c{place}"], [f"c{place + 1}"]) for place in range(2_000)]
    nodes.append(node("Reshape", ["x", "c2000"], ["y"]))
    found = problem(model(nodes, [X], ["y"], tensors))
    assert (found.code, found.message) == ("too-large", "more than 500,000 constants would have to be worked out")


def test_a_constant_that_is_too_large_to_work_out() -> None:
    nodes = [node("ConstantOfShape", ["size"], ["c"]), node("Reshape", ["x", "c"], ["y"], name="end")]
    found = problem(model(nodes, [X], ["y"], [whole("size", 2**40)]))
    assert (found.code, str(found.span)) == ("bad-model", "model.onnx: node end")
    assert found.message == "the values of `shape` are not in the file"


def test_a_division_by_nothing() -> None:
    nodes = [node("Div", ["one", "zero"], ["d"], name="half"), node("Reshape", ["x", "d"], ["y"])]
    found = problem(model(nodes, [X], ["y"], [whole("one", 1), whole("zero", 0)]))
    assert (found.message, str(found.span)) == ("a whole number is divided by 0", "model.onnx: node half")


@pytest.mark.thorough
def test_deep_networks_and_equal_names() -> None:
    count = 5_000
    names = ["x", *[f"t{place}" for place in range(count)]]
    nodes = [node("Relu", [names[place]], [names[place + 1]], name="same") for place in range(count)]
    start = time.process_time()
    graph, account = read_bytes(memoryview(model(nodes, [X], [names[-1]])), "model.onnx")
    assert time.process_time() - start < 10
    assert len(graph.nodes) == account.layers == count
    assert [node.name for node in graph.nodes[:3]] == ["same", "same1", "same2"]


def test_too_many_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_NODES == 200_000
    monkeypatch.setattr("cnncalc.convert.onnx_file.MAX_NODES", 1_000)
    found = problem(model([RELU] * 1_001, [X], ["y"]))
    assert (found.code, found.message) == ("too-large", "the file has more than 1,000 nodes")


@pytest.mark.thorough
def test_chains_of_products_are_looked_at_in_linear_time() -> None:
    names = ["x", *[f"t{place}" for place in range(5_000)]]
    nodes = [node("Mul", [names[place], names[place]], [names[place + 1]]) for place in range(5_000)]
    start = time.process_time()
    assert len(read_bytes(memoryview(model(nodes, [X], [names[-1]])), "model.onnx")[0].nodes) == 5_000
    assert time.process_time() - start < 10


def test_inputs_with_few_axes_or_none() -> None:
    """Features in one axis are no batch; where nothing is said of an input, its shape is asked for, or given."""
    steps, weights = [node("Relu", ["x"], ["y"])], message((1, "x"), (2, message((1, message((1, 1))))))
    features = read_bytes(memoryview(model(steps, [value_info("x", 7)], ["y"])), "net.onnx").graph
    assert features.shapes == [(7,), (7,)]
    assert "a single number" in problem(model(steps, [value_info("x")], ["y"])).message
    unsaid = memoryview(model(steps, [weights], ["y"]))
    assert "shape" in problem(bytes(unsaid)).message
    assert read_bytes(unsaid, "net.onnx", (3, 8, 9)).graph.shapes == [(3, 8, 9)] * 2


def test_names_that_would_control_a_terminal() -> None:
    found = problem(model([node("Nothing", ["x"], ["y"], name="\x1b[31mred\n")], [X], ["y"]))
    assert str(found.span) == r"model.onnx: node \x1b[31mred\n"


def test_names_are_bounded() -> None:
    found = problem(model([node("Relu", ["x"], ["y"], name="n" * 20_000)], [X], ["y"]))
    assert found.code == "too-large"
    graph, _ = read_bytes(memoryview(model([node("Relu", ["x"], ["y"], name="n" * 9_000)], [X], ["y"])), "m.onnx")
    assert len(graph.nodes[0].name) == 300


# -- files -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("make", "message"), [
    (lambda path: None, "there is no such file"),
    (lambda path: path.write_bytes(b""), "the file is empty"),
    (lambda path: path.mkdir(), "it is a folder, and no file"),
])  # fmt: skip
def test_what_is_no_file(tmp_path: Path, make: object, message: str) -> None:
    path = tmp_path / "model.onnx"
    make(path)  # type: ignore[operator]
    with pytest.raises(SpecError) as caught:
        read_model(str(path))
    assert caught.value.diagnostics[0].message == message


MEASURED = """
import sys
from cnncalc.convert import read_model
account = read_model(sys.argv[1]).account
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(account.parameters, int(peak.split()[1]) // 1024)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="the peak of a process's memory is read there")
def test_weights_are_not_read(tmp_path: Path) -> None:
    """A file of 400 MB, most of it a hole, is read in less memory than the weights of one layer take."""
    rows, columns = 10_000, 10_000
    size = 4 * rows * columns
    head = b"".join([b"\x08", varint(rows), b"\x08", varint(columns), b"\x10\x01", b"\x42\x01w"])
    start = head + b"\x4a" + varint(size)
    held = b"\x2a" + varint(len(start) + size) + start
    nodes = [node("MatMul", ["x", "w"], ["y"])]
    rest = message(*[(1, one) for one in nodes], (2, "net"), (11, value_info("x", 1, rows)), (12, message((1, "y"))))
    path = tmp_path / "large.onnx"
    with path.open("wb") as file:
        file.write(message((1, 8), (8, message((2, 17)))))
        file.write(b"\x3a" + varint(len(held) + size + len(rest)) + held)
        file.seek(size, os.SEEK_CUR)
        file.write(rest)
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(path)], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    parameters, megabytes = map(int, done.stdout.split())
    assert parameters == rows * columns
    assert megabytes < 80


def apart(name: str, location: str, offset: str | None = "8") -> bytes:
    """Three whole numbers that are in another file, as ONNX describes it; from its start where nothing is said."""
    place = [message((1, "location"), (2, location))]
    place += [] if offset is None else [message((1, "offset"), (2, offset))]
    return message((1, 3), (2, 7), (8, name), *[(13, entry) for entry in place], (14, 1))


def reshaping(folder: Path, location: str, offset: str | None = "8") -> bool:
    """Whether a model knows the shape that such numbers say."""
    content = model([node("Reshape", ["x", "s"], ["y"])], [X], ["y"], [apart("s", location, offset)])
    (folder / "net.onnx").write_bytes(content)
    try:
        return read_model(str(folder / "net.onnx")).graph.shapes[-1] == (4, 8)
    except SpecError as error:
        told = error.diagnostics[0].message
    assert told == "the values of `shape` are not in the file"
    return False


def test_shapes_are_read_from_a_file_beside_it(tmp_path: Path) -> None:
    """Nowhere else; and where they are not, they are not known."""
    whole = b"".join(value.to_bytes(8, "little", signed=True) for value in (9, 1, 4, -1))
    inner = tmp_path / "inner"
    (inner / "parts").mkdir(parents=True)
    for path in (inner / "data", inner / "parts" / "data", tmp_path / "data"):
        path.write_bytes(whole)
    (inner / "short").write_bytes(whole[:-1])
    os.mkfifo(inner / "pipe")
    assert reshaping(inner, "data")
    assert reshaping(inner, "./parts/data")
    beyond = ["../data", str(tmp_path / "data"), "parts/../data", "short", "missing", "parts", "pipe", ""]
    assert [location for location in beyond if reshaping(inner, location)] == []
    assert not any(reshaping(inner, "data", offset) for offset in ("", "-8", "x", "9" * 400, "9" * 17, "8".zfill(19)))
    assert reshaping(inner, "data", "8".zfill(18))
    (inner / "data").write_bytes(whole[8:])
    assert reshaping(inner, "data", None)
