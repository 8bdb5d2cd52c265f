"""``.pt2`` files come in: small ones, made by tests/data/convert/torch/make.py, against PyTorch's results."""

from __future__ import annotations

import json
import random
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from convert.damaging import archive, places
from convert.executing import agrees, rows
from sampling import together

import cnncalc
from cnncalc.convert import Imported, read_model, recognised
from cnncalc.convert.rows import MAX_NODES
from cnncalc.convert.torch.lowering import Lowering, lower
from cnncalc.convert.torch.program import Call, Exported, Tensor
from cnncalc.diagnostics import Diagnostic, SpecError

FILES = Path(__file__).parents[1] / "data" / "convert" / "torch"
EXPECTED = json.loads((FILES / "expected.json").read_text(encoding="utf-8"))


def imported(name: str, **inputs: Any) -> Imported:
    return read_model(str(FILES / f"{name}.pt2"), **inputs)


ATTENTION = [
    "permute axes=(1, 0)", "conv channels=24 kernel=1", "attention heads=2", "conv channels=8 kernel=1",
    "permute axes=(1, 0)",
]  # fmt: skip

# What each operator means is stated in PyTorch's documentation; the arguments here say the same in cnncalc's words.
ROWS = {
    "activations": [
        "leaky_relu negative_slope=0.2", "elu alpha=0.5", "silu", "gelu approximate=tanh", "hard_swish", "selu",
        "mish", "softplus", "hard_sigmoid", "relu6", "multiply", "add",
    ],
    "adaptive_avg_pool": ["adaptive_avg_pool size=(3, 2)"],
    "adaptive_max_pool": ["adaptive_max_pool size=(4, 2)"],
    "align_corners": ["upsample size=(5, 7) mode=bilinear align_corners=True"],
    "avg_pool": ["avg_pool kernel=(3, 2) stride=(3, 2) padding=(1, 0) count_include_pad=False"],
    "avg_pool_padded": ["avg_pool kernel=3 stride=2 padding=1"],
    "bilinear": ["upsample size=(5, 7) mode=bilinear"],
    "block": [
        "conv channels=4 kernel=3 stride=2 padding=1 bias=False", "batch_norm", "relu", "global_avg_pool", "flatten",
        "linear features=3",
    ],
    "conv_1d": ["conv channels=4 kernel=3 padding=2 bias=False"],
    "conv_3d": ["conv channels=3 kernel=(1, 2, 3) stride=(1, 2, 1)"],
    "conv_transpose": ["conv_transpose channels=6 kernel=3 stride=2 padding=1 output_padding=1 groups=2"],
    "depthwise": ["depthwise_conv kernel=3 padding=2 dilation=2 multiplier=2"],
    "dropout": ["relu", "dropout rate=0.3"],
    "gate": ["global_avg_pool", "conv channels=2 kernel=1", "relu", "conv channels=4 kernel=1", "sigmoid", "multiply"],
    "gate_expanded": ["global_avg_pool", "sigmoid", "multiply"],
    "halves": ["slice channels=(2, 4)", "conv channels=2 kernel=1", "slice channels=(0, 2)", "concat"],
    "in_place": ["conv channels=2 kernel=3 padding=1", "add", "relu"],
    "layer_norm": ["layer_norm", "layer_scale"],
    "max_pool": ["max_pool kernel=3 stride=2 padding=1 ceil_mode=True"],
    "max_pool_dilated": ["max_pool kernel=2 stride=1 dilation=2"],
    "mean": ["global_avg_pool", "flatten"],
    "nearest": ["upsample scale=2"],
    "nearest_to_size": ["upsample size=(5, 7)"],
    "norms": ["group_norm groups=2", "instance_norm scale=True shift=True", "batch_norm scale=False shift=False"],
    "pad": ["conv channels=3 kernel=3 stride=2 padding=((0, 1), (0, 1))"],
    "pad_reflect": ["pad amount=((2, 1), (1, 2)) mode=reflect"],
    "pixel_shuffle": ["depth_to_space block=2"],
    "pixel_unshuffle": ["space_to_depth block=2"],
    "prelu": ["prelu slopes=2"],
    "shared": ["conv channels=2 kernel=3 padding=1", "conv channels=2 kernel=3 padding=1"],
    "shuffle": ["channel_shuffle groups=3"],
    "shuffle_module": ["channel_shuffle groups=2"],
    "slices": [
        "slice channels=(1, 3)", "slice channels=(0, 2)", "concat", "max_pool kernel=1 stride=(2, 1)",
        "crop amount=(0, (1, 0))",
    ],
    "tokens": ["flatten over=positions", "conv channels=6 kernel=1", "permute axes=(1, 0)"],
    "two_inputs": ["conv channels=3 kernel=3 padding=1", "add"],
    "assigned": [
        "conv channels=4 kernel=3", "slice channels=(0, 2)", "offset axes=one value=1.0", "slice channels=(2, 4)",
        "concat", "slice channels=(2, 4)", "concat",
    ],
    "response_norm": [
        "conv channels=3 kernel=3", "global_response_norm", "global_response_norm", "permute axes=(1, 2, 0)",
    ],
    "mean_of_one": ["conv channels=3 kernel=4", "flatten"],
    "rms_norm": [
        "permute axes=(1, 0)", "l2_norm eps=0.0024494897427831783", "factor axes=one value=2.449489742783178",
        "layer_scale", "l2_norm eps=0.0024494897427831783", "factor axes=one value=2.449489742783178", "layer_scale",
        "permute axes=(1, 0)",
    ],
    "windows": [
        "pad amount=0 channels=(0, 1)", "permute axes=(2, 0, 1)", "conv channels=12 kernel=1",
        "attention heads=2 window=2 bias=relative", "conv channels=4 kernel=1", "crop amount=((0, 1), 0)",
        "permute axes=(1, 2, 0)",
    ],
    "windows_shifted": [
        "pad amount=((0, 1), 0)", "permute axes=(2, 0, 1)", "conv channels=12 kernel=1",
        "attention heads=2 window=3 shift=1 bias=relative", "conv channels=4 kernel=1", "crop amount=(0, (0, 1))",
        "permute axes=(1, 2, 0)",
    ],
    "windows_bounded": [
        "permute axes=(2, 0, 1)", "conv channels=12 kernel=1", "parameter shape=(2, 3, 3)", "sigmoid",
        "factor axes=one value=16.0", "attention heads=2 window=2 bias=mul", "conv channels=4 kernel=1",
        "permute axes=(1, 2, 0)",
    ],
    "cosines": [
        "pad amount=0 channels=(0, 1)", "permute axes=(2, 0, 1)", "conv channels=12 kernel=1",
        "coordinates sizes=(3, 3)", "conv channels=5 kernel=1", "relu", "conv channels=2 kernel=1 bias=False",
        "sigmoid", "factor axes=one value=16.0", "attention heads=2 window=2 mode=cosine bias=mul",
        "conv channels=4 kernel=1", "crop amount=((0, 1), 0)", "permute axes=(1, 2, 0)",
    ],
    "cosines_shifted": [
        "pad amount=((0, 1), 0)", "permute axes=(2, 0, 1)", "conv channels=18 kernel=1",
        "coordinates sizes=(5, 5)", "conv channels=5 kernel=1", "relu", "conv channels=3 kernel=1 bias=False",
        "sigmoid", "factor axes=one value=16.0", "attention heads=3 window=3 shift=1 mode=cosine bias=mul",
        "conv channels=6 kernel=1", "crop amount=(0, (0, 1))", "permute axes=(1, 2, 0)",
    ],
    "cosines_of_one_head": [
        "pad amount=((0, 1), 0)", "permute axes=(2, 0, 1)", "conv channels=12 kernel=1",
        "coordinates sizes=(5, 5)", "conv channels=5 kernel=1", "relu", "conv channels=1 kernel=1 bias=False",
        "sigmoid", "factor axes=one value=16.0", "attention heads=1 mode=cosine bias=mul",
        "conv channels=4 kernel=1", "crop amount=(0, (0, 1))", "permute axes=(1, 2, 0)",
    ],
    "grid": [
        "conv channels=24 kernel=1", "attention heads=2 grid=2 scale=0.3535533905932738 bias=relative", "add", "relu",
    ],
    "moved": ["conv channels=3 kernel=3", "layer_norm"],
    "merged": [
        "conv channels=3 kernel=3", "space_to_depth block=(2, 1) order=dcr", "space_to_depth block=(1, 2) order=dcr",
        "conv channels=5 kernel=1 bias=False", "permute axes=(1, 2, 0)",
    ],
    "rolled": [
        "conv channels=3 kernel=3", "offset axes=one value=1.0", "pad amount=((2, 0), (1, 0)) mode=circular",
        "crop amount=((0, 2), (0, 1))",
    ],
    "cuts": [
        "conv channels=4 kernel=1", "crop amount=(0, (0, 4))", "crop amount=(0, (4, 0))", "crop amount=(0, (1, 0))",
        "max_pool kernel=1 stride=(1, 3)", "reshape shape=(1, 4, 6)", "reshape shape=(1, 4, 6)", "concat",
        "permute axes=(1, 2, 0)", "add", "crop amount=((0, 2), 0)", "crop amount=((4, 0), 0)",
        "crop amount=((1, 1), 0)", "crop amount=((0, 4), 0)", "crop amount=((2, 2), 0)", "crop amount=((4, 0), 0)",
        "concat", "crop amount=(0, (0, 1))", "slice channels=(1, 9)", "slice channels=(0, 8)", "multiply",
        "permute axes=(2, 0, 1)", "pad amount=((1, 0), (1, 0)) mode=circular", "crop amount=((0, 1), (0, 1))",
        "permute axes=(1, 2, 0)", "permute axes=(2, 1, 0)",
    ],
    "sizes": [
        "conv channels=4 kernel=(4, 3) padding=((1, 2), 2) dilation=(1, 2)",
        "conv channels=4 kernel=2 stride=(2, 1) groups=2 bias=False", "pad amount=((2, 1), (1, 0))",
        "avg_pool kernel=(2, 3) stride=(1, 2) padding=(1, 0) ceil_mode=True",
        "max_pool kernel=(2, 1) stride=(2, 1) padding=(1, 0)", "max_pool kernel=(2, 1) stride=(2, 1) padding=(1, 0)",
        "add", "pad amount=((1, 0), (0, 1)) mode=circular", "upsample size=(5, 6) mode=bilinear align_corners=True",
        "adaptive_avg_pool size=(5, 3)", "adaptive_max_pool size=(5, 3)", "add",
        "batch_norm scale=False shift=False eps=0.01", "flatten over=positions", "permute axes=(1, 0)",
    ],
    "tiles": [
        "reshape shape=(12, 2, 2)", "permute axes=(1, 0, 2)", "reshape shape=(2, 2, 6) over=positions",
        "permute axes=(0, 2, 1, 3)", "reshape shape=(8, 3, 2)", "permute axes=(0, 2, 1)", "reshape shape=(4, 4, 3)",
        "conv channels=3 kernel=3",
    ],
    "of_one_sample": [
        "conv channels=4 kernel=3", "slice channels=(2, 4)", "slice channels=(0, 2)", "concat", "slice channels=(2, 4)",
        "slice channels=(0, 2)", "concat", "factor axes=one value=2.0", "subtract", "reshape shape=(2, 2, 2, 3)",
        "permute axes=(1, 2, 0, 3)", "reshape shape=(4, 2, 3)", "add", "slice channels=(1, 2)", "reshape shape=(2, 3)",
        "factor axes=one value=2.0", "slice channels=(3, 4)", "reshape shape=(2, 3)", "concat",
    ],
    "turned": ["conv channels=2 kernel=1", "slice channels=(3, 4) over=positions", "multiply"],
    "left_out": [
        "conv channels=4 kernel=3 bias=False", "avg_pool kernel=2 stride=2",
        "group_norm groups=2 scale=False shift=False", "max_pool kernel=2 stride=2", "add", "leaky_relu",
        "permute axes=(2, 0, 1)", "layer_norm scale=False shift=False", "elu", "gelu", "multiply",
        "permute axes=(1, 2, 0)", "subtract", "instance_norm", "softplus", "add",
        "conv_transpose channels=3 kernel=1 stride=2 bias=False", "conv_transpose channels=3 kernel=1 stride=2", "add",
        "pad amount=(0, (0, 1))", "permute axes=(2, 0, 1)", "l2_norm eps=0.0010918300671385692",
        "factor axes=one value=3.1622776601683795", "permute axes=(1, 2, 0)",
    ],
    "norms_of_parts": [
        "conv channels=3 kernel=3", "reduce way=norm", "multiply", "relu6", "relu", "factor axes=one value=2.0", "add",
        "layer_scale", "add", "multiply", "factor axes=one value=0.5", "add", "add", "softplus beta=2.0",
        "factor axes=one value=0.5", "subtract", "softplus beta=0.5", "tanh", "multiply", "add",
        "offset axes=one value=2.0", "relu6", "multiply", "factor axes=one value=0.16666666666666666", "add",
        "offset axes=one value=2.0", "relu6", "factor axes=one value=0.16666666666666666", "add", "global_avg_pool",
        "multiply", "global_max_pool", "add",
    ],
    "normed": ["conv channels=3 kernel=3 weight_norm=gain", "multiply"],
    "worked_out": [
        "conv channels=4 kernel=1", "slice channels=(1, 4)", "offset axes=one value=2.0", "offset axes=one value=1.0",
        "slice channels=(1, 3)", "factor axes=one value=1.5", "offset axes=one value=-1.0",
        "pad amount=((0, 0), (0, 1)) mode=circular", "crop amount=((0, 0), (1, 0))",
    ],
    "standardised": ["conv channels=4 kernel=2 bias=False weight_norm=standardize_gain"],
    "lines": [
        "conv_transpose channels=3 kernel=3 stride=2", "max_pool kernel=3 stride=1", "avg_pool kernel=2 stride=1",
        "upsample size=9", "upsample size=13 mode=bilinear", "adaptive_avg_pool size=6", "adaptive_max_pool size=6",
        "add", "avg_pool kernel=3 stride=2", "add",
    ],
    "rooms": [
        "conv_transpose channels=2 kernel=2", "max_pool kernel=2 stride=1", "avg_pool kernel=(1, 2, 2) stride=1",
        "pad amount=1", "max_pool kernel=3 stride=1", "add", "upsample size=(3, 4, 5)",
        "upsample size=(4, 4, 6) mode=bilinear", "adaptive_avg_pool size=(2, 2, 3)",
        "adaptive_max_pool size=(2, 2, 3)", "add", "global_avg_pool", "add", "reshape shape=(4, 3) over=positions",
        "adaptive_avg_pool size=(1, 3)", "max_pool kernel=(2, 1) stride=(2, 1)", "add",
    ],
    "attention": ATTENTION,
    "attention_written_out": ATTENTION,
    "multi_head_attention": ATTENTION,
    "multi_head_attention_with_shares": ATTENTION,
}  # fmt: skip
FAILS = {"assigned_turned", "open_size"}
OTHERS = {
    "unknown",
    "other_forms",
    "scattered",
    "rolls",
    "distances",
    "cosines_unbounded",
    "normed_by_inputs",
    "unused",
    "open_batch",
}


def test_every_file_has_its_test() -> None:
    assert {path.stem for path in FILES.glob("*.pt2")} == {*ROWS, *FAILS, *OTHERS}


@together("name", ROWS)
def test_operators_become_these_rows(name: str) -> None:
    assert rows(imported(name)) == ROWS[name]


@together("name", ROWS)
def test_parameters_and_macs_are_pytorch_s(name: str) -> None:
    graph, account = imported(name)
    assert account.parameters == EXPECTED[name]["parameters"]
    assert sum(node.operation.macs or 0 for node in graph.nodes) == EXPECTED[name]["macs"]
    assert account.is_whole
    assert account.failures() == []
    assert account.compared >= account.nodes // 6  # not what is inside a composite, or makes a mask


@together("name", ROWS)
def test_the_rows_compute_what_pytorch_computes(name: str) -> None:
    expected = EXPECTED[name]
    agrees(imported(name), expected["weights"], expected["data"], [expected["output"]])


def test_rows_are_called_after_modules() -> None:
    graph, account = imported("block")
    assert [node.name for node in graph.nodes] == ["conv", "bn", "relu", "pool", "flatten", "fc"]
    assert account.sentence.endswith("block.pt2: 6 nodes as 6 layers; 95 parameters, all accounted for; nothing opaque")


def test_shared_weights_count_once() -> None:
    first, second = imported("shared").graph.nodes
    assert second.shares is first


def test_an_unknown_operator_is_opaque_with_its_shape() -> None:
    graph, account = imported("unknown")
    assert account.opaque == {"aten.cumsum.default": ["cumsum"]}
    assert graph.shapes[-1] == (3, 2, 2)
    assert [failure.code for failure in account.failures()] == ["opaque"]


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        ("scattered", [(3, 4, 1), (3, 4, 2), (3, 4, 2)]),
        ("rolls", [(4, 6, 6), (4, 2, 3, 6), (3, 5)]),
        ("distances", [(5, 4)]),
    ],
)
def test_what_is_moved_or_multiplied_by_opaque_rows(name: str, shapes: list[tuple[int, ...]]) -> None:
    """Weights and MACs count: every second row, constants among rows, rolls within windows, products with some of them,
    a parameter times a buffer."""
    graph, account = imported(name)
    expected = EXPECTED[name]
    assert [node.operation.output for node in graph.nodes if node.kind == "opaque"] == shapes
    assert (account.parameters, sum(node.operation.macs or 0 for node in graph.nodes)) == (
        expected["parameters"],
        expected["macs"],
    )


def test_forms_that_no_row_has_are_opaque() -> None:
    """ELUs with scales, rounded quotients, a softplus that is straight from 3 on, averages by another divisor."""
    found = imported("other_forms")
    whole, pooled = ("opaque output=(2, 3, 3) params=0", "opaque output=(2, 1, 1) params=0")
    assert rows(found) == [
        "conv channels=2 kernel=1",
        *[whole] * 3,
        *[pooled] * 2,
        "add",
        whole,
        "add",
        f"{whole} macs=0",
    ]
    assert found.account.roles["least"] == "constants"


@pytest.mark.parametrize(
    ("argument", "kind"),
    [({}, "torch.Attention"), ({"enable_gqa": False}, "torch.Attention"), ({"enable_gqa": True}, "aten.known")],
)
def test_an_operator_with_an_argument_that_nobody_asks_for_is_not_known(argument: dict[str, bool], kind: str) -> None:
    """With `enable_gqa` several heads of q share one of k and v (PyTorch's documentation of scaled dot products)."""
    tensors = {name: Tensor(name) for name in ("query", "key", "value")}
    call = Call("aten.known", {**tensors, **argument}, ["out"], "known", ())
    shapes = dict.fromkeys([*tensors, "out"], (1, 2, 5, 4))
    types = dict.fromkeys(shapes, "float")
    exported = Exported([call], shapes, types, {}, set(), {}, list(tensors), ["out"])

    def known(low: Lowering, given: dict[str, Any]) -> None:
        low.emit("torch.Attention", [low.operand(given[name]) for name in tensors])

    assert [operator.kind for operator in lower(exported, "net", "net", {"known": known}).operators] == [kind]


def test_an_opaque_row_counts_what_its_constants_are_worked_out_of() -> None:
    """A bias by layers from coordinates, which are not learned: 2*5 + 5 + 5*2 weights, 9*(2*5 + 5*2) MACs."""
    (graph, account), expected = imported("cosines_unbounded"), EXPECTED["cosines_unbounded"]
    assert "opaque output=(4, 2, 4, 4) params=25 macs=180" in rows(imported("cosines_unbounded"))
    assert account.parameters == expected["parameters"]
    assert sum(node.operation.macs or 0 for node in graph.nodes) == expected["macs"]
    assert account.roles["coordinates"] == "constants"


def test_a_gain_by_inputs_is_left_over() -> None:
    """The rows have one of each output channel."""
    _, account = imported("normed_by_inputs")
    assert [each.code for each in account.failures()] == ["left-over"]
    assert account.parameters == EXPECTED["normed_by_inputs"]["parameters"] - 2


def test_what_is_left_over_is_listed() -> None:
    account = imported("unused").account
    assert account.left_over == {"left.weight": 12, "left.bias": 4}
    assert account.parameters + 16 == EXPECTED["unused"]["parameters"]


def test_an_open_batch_is_one_sample() -> None:
    assert rows(imported("open_batch")) == ROWS["block"]


def test_an_open_size_is_given() -> None:
    assert imported("open_size", inputs=(3, 9)).graph.shapes[-1] == (4, 11)


def test_from_python() -> None:
    network = cnncalc.Network.from_torch(FILES / "block.pt2")
    assert network.params().totals.params == EXPECTED["block"]["parameters"]
    assert network.account is not None
    assert network.account.is_whole


# -- errors ------------------------------------------------------------------------------------------------------------


def problem(source: str, inputs: Any = None) -> Diagnostic:
    """The one error of a source."""
    with pytest.raises(SpecError) as caught:
        read_model(source, inputs)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.span is not None
    assert diagnostic.help
    return diagnostic


def saved(path: Path, text: bytes = b"{}", member: str = "net/models/model.json", count: int = 1) -> str:
    return str(archive(path, text, member, count))


def test_a_part_changed_in_place_is_refused() -> None:
    found = problem(str(FILES / "assigned_turned.pt2"))
    assert "changes a tensor in place" in found.message
    assert "run_decompositions" in found.help


def test_a_part_of_nothing_is_changed_in_place(tmp_path: Path) -> None:
    """A slice whose tensor is given by another name, and then added to."""
    document = program("assigned")
    module = document["graph_module"]
    del module["graph"]["nodes"][3:]
    module["graph"]["nodes"][1]["inputs"][0]["name"] = "of"
    for output in (module["graph"]["outputs"][0], module["signature"]["output_specs"][0]["user_output"]["arg"]):
        output["as_tensor"]["name"] = "add_"
    found = problem(saved(tmp_path / "net.pt2", json.dumps(document).encode()))
    assert found.message == "`Slice` needs 1 operand, it has 0"


def test_an_open_size_is_asked_for() -> None:
    found = problem(str(FILES / "open_size.pt2"))
    assert (found.code, found.help) == ("dynamic-shape", "give the sizes, for example `--input 3x224`")


def test_a_program_has_its_sizes() -> None:
    found = problem(str(FILES / "block.pt2"), (2, 9, 9))
    assert (found.code, found.message) == ("fixed-size", "it is a program for inputs of 2 x 7 x 8 alone")


@pytest.mark.parametrize("name", ["net.pt", "net.pth"])
def test_pickles_are_not_read(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(b"\x80\x02cos\nsystem\n")
    found = problem(str(path))
    assert found.code == "pickle"
    assert "torch.export.save" in found.help


def test_a_pickle_under_another_name_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "net.pt2"
    path.write_bytes(b"\x80\x02cos\nsystem\n")
    assert "pickle" in problem(str(path)).message


def test_a_zip_file_of_weights_is_no_program(tmp_path: Path) -> None:
    found = problem(saved(tmp_path / "net.pt2", b"\x80\x02.", "archive/data.pkl"))
    assert found.message == "it is a file of pickled Python objects, which could run code, and not a program of PyTorch"


@pytest.mark.thorough
def test_zip_files_are_bounded_before_they_are_read(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="more than 10,000 members"):
        read_model(saved(tmp_path / "many.pt2", count=10_002))
    with pytest.raises(SpecError, match="the limit of a description"):
        read_model(saved(tmp_path / "bomb.pt2", b" " * (33 * 2**20)))


BLOCK = json.loads(zipfile.ZipFile(FILES / "block.pt2").read("block/models/model.json"))
JUNK: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**70,
    1.5,
    "",
    "x",
    "a\nb",
    [],
    {},
    [[]],
    {"as_int": -3},
    {"as_none": True},
)


@pytest.mark.thorough
def test_damaged_programs_are_read_or_refused(tmp_path: Path) -> None:
    random.seed(4)
    text = json.dumps(BLOCK)
    every = [place for place in places(BLOCK) if place[0] == "graph_module" and len(place) > 2]
    for _ in range(250):
        document = json.loads(text)
        for place in random.sample(every, random.choice((1, 1, 2))):
            inner = document
            try:
                for key in place[:-1]:
                    inner = inner[key]
                inner[place[-1]] = random.choice(JUNK)
            except (KeyError, IndexError, TypeError):
                continue  # an earlier change took it away
        wrong: list[Diagnostic] = []
        try:
            sentence = read_model(saved(tmp_path / "net.pt2", json.dumps(document).encode())).account.sentence
        except SpecError as error:
            wrong, sentence = error.diagnostics, "refused"
        assert sentence
        assert all(diagnostic.span is not None and diagnostic.message for diagnostic in wrong)


def program(name: str) -> Any:
    """The JSON of a file."""
    with zipfile.ZipFile(FILES / f"{name}.pt2") as file:
        return json.loads(file.read(f"{name}/models/model.json"))


@pytest.mark.parametrize("name", ["block", "cuts", "sizes"])
def test_numbers_that_might_depend_on_a_size(name: str, tmp_path: Path) -> None:
    """torch's schema writes such a number, or a list of them, as a union of its value and its name."""
    document = program(name)
    changed = set()
    for call in document["graph_module"]["graph"]["nodes"]:
        for given in call["inputs"]:
            ((kind, held),) = given["arg"].items()
            if kind == "as_ints":
                given["arg"] = {"as_sym_ints": [{"as_int": value} for value in held]}
            elif kind == "as_int":
                given["arg"] = {"as_sym_int": {"as_int": held}}
            changed |= given["arg"].keys()
    assert changed >= {"as_sym_int", "as_sym_ints"}
    path = tmp_path / "net.pt2"
    assert rows(read_model(saved(path, json.dumps(document).encode()))) == ROWS[name]


@pytest.mark.parametrize("count", [MAX_NODES, MAX_NODES + 1])
def test_lists_of_arguments_are_bounded(count: int, tmp_path: Path) -> None:
    document = program("block")
    document["graph_module"]["graph"]["nodes"][0]["inputs"][3]["arg"] = {"as_ints": [1] * count}
    found = problem(saved(tmp_path / "net.pt2", json.dumps(document).encode()))
    assert (found.message == "an argument is a list that torch does not write") == (count > MAX_NODES)


def stated(tmp_path: Path, sizes: list[Any]) -> str:
    """What is wrong with a program whose first operator gives these sizes."""
    document = program("block")
    graph = document["graph_module"]["graph"]
    graph["tensor_values"][graph["nodes"][0]["outputs"][0]["as_tensor"]["name"]]["sizes"] = sizes
    return problem(saved(tmp_path / "net.pt2", json.dumps(document).encode())).message


@pytest.mark.parametrize("count", [16, 17])
def test_axes_are_bounded(count: int, tmp_path: Path) -> None:
    message = stated(tmp_path, [{"as_int": 1}] * count)
    assert message.startswith(f"a tensor has {count} axes") == (count > 16)


@pytest.mark.parametrize(("size", "is_one"), [(-1, False), (0, True), (2**63 - 1, True), (2**63, False), (True, False)])
def test_sizes_have_64_bits(size: int, is_one: bool, tmp_path: Path) -> None:
    """A tensor may be empty: then the sizes do not agree."""
    assert stated(tmp_path, [{"as_int": size}, *[{"as_int": 1}] * 3]).startswith("a size is") == (not is_one)


@pytest.mark.parametrize("count", [5, 6])
def test_nodes_are_bounded(count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program has 6."""
    monkeypatch.setattr("cnncalc.convert.torch.pt2.MAX_NODES", count)
    source = str(FILES / "block.pt2")
    if count < 6:
        assert problem(source).message == "it has more than 5 nodes"
    else:
        assert len(read_model(source).graph.nodes) == 6


def test_only_the_number_of_samples_may_be_open(tmp_path: Path) -> None:
    document = program("open_batch")
    tensors = document["graph_module"]["graph"]["tensor_values"]
    (name,) = [
        spec["user_input"]["arg"]["as_tensor"]["name"]
        for spec in document["graph_module"]["signature"]["input_specs"]
        if "user_input" in spec
    ]
    tensors[name]["sizes"][1] = {"as_expr": {"expr_str": "channels"}}
    found = problem(saved(tmp_path / "net.pt2", json.dumps(document).encode()))
    assert found.code == "dynamic-shape"


@pytest.mark.parametrize(("names", "place"), [(True, "conv (conv2d)"), (False, "conv (result)")])
def test_nodes_without_names_are_called_after_their_results(names: bool, place: str, tmp_path: Path) -> None:
    """Older versions of torch wrote none."""
    text = json.dumps(program("block")).replace('"as_tensor": {"name": "conv2d"}', '"as_tensor": {"name": "result"}')
    document = json.loads(text.replace('"conv2d": {"dtype"', '"result": {"dtype"'))
    node = document["graph_module"]["graph"]["nodes"][0]
    assert node["name"] == "conv2d"
    node["inputs"][3]["arg"] = {"as_string": "far"}
    if not names:
        del node["name"]
    path = saved(tmp_path / "net.pt2", json.dumps(document).encode())
    assert str(problem(path).span) == f"{path}: node {place}"


def test_a_bound_that_is_a_size(tmp_path: Path) -> None:
    """As ``x[:, : x.shape[2]]`` is written where that size is open."""
    document = program("slices")
    node = document["graph_module"]["graph"]["nodes"][0]
    assert node["inputs"][3]["name"] == "end"
    node["inputs"][3]["arg"] = {"as_sym_int": {"as_name": "sym_size"}}
    found = problem(saved(tmp_path / "net.pt2", json.dumps(document).encode()))
    assert (found.code, found.message) == ("dynamic-shape", "it takes a part whose size is open")


@pytest.mark.parametrize("end", [2**63 - 1, 2**63, -(2**63), -(2**63) - 1])
def test_bounds_have_64_bits(end: int, tmp_path: Path) -> None:
    document = program("slices")
    document["graph_module"]["graph"]["nodes"][0]["inputs"][3]["arg"] = {"as_int": end}
    found = problem(saved(tmp_path / "net.pt2", json.dumps(document).encode()))
    assert ("needs whole numbers, of 64 bits" in found.message) == (end not in (2**63 - 1, -(2**63)))


def test_types_by_torch_s_numbers(tmp_path: Path) -> None:
    """torch.serialization's schema: 1 to 5 are whole numbers, 6 to 8 and 13 decimal ones, 12 truth values.

    A fixed tensor is a constant of an opaque row if it is of decimal numbers.
    """
    document = program("other_forms")
    told = {}
    for number in (*range(1, 9), 12, 13):
        document["graph_module"]["graph"]["tensor_values"]["b_least"]["dtype"] = number
        found = read_model(saved(tmp_path / f"{number}.pt2", json.dumps(document).encode()))
        told[number] = found.account.roles.get("least")
    assert told == {**dict.fromkeys((1, 2, 3, 4, 5, 12)), **dict.fromkeys((6, 7, 8, 13), "constants")}


# -- code --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["net.py:Net", "torchvision.models:resnet50", "package:make.net", "sub/net.py:f"])
def test_only_this_form_runs_code(source: str) -> None:
    found = recognised(source)
    assert found is not None
    assert found.calls


@pytest.mark.parametrize(
    "source", ["net.py", "torchvision.models", "resnet50", "a:b:c", "net.py:", ":Net", "net.py:a-b"]
)
def test_nothing_else_does(source: str) -> None:
    assert recognised(source) is None


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a module that says when it is run, and needs torch, which is not there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    (tmp_path / "net.py").write_text(
        "print('it runs')\nclass Net:\n    pass\ndef broken():\n    raise ValueError('no')\n"
    )
    (tmp_path / "needs.py").write_text("import torch\n")
    return tmp_path


def test_running_code_is_said_first(code: Path, run: Any) -> None:
    done = run("summary", "net.py:broken", "--input", "3x8x8")
    assert done.code == 1
    assert done.out == ""
    lines = done.err.splitlines()
    assert lines[:2] == ["runs the code of net.py", "it runs"]
    assert lines[2:] == [
        "error[their-code]: calling `broken()` raised ValueError: no (net.py:5)",
        "  --> net.py:broken",
        "help: make it run in Python first",
    ]


WRAP = "call it in a function of your own that needs no arguments"
FIRST = "make it run in Python first"
LISTED = ", ".join(f"`f{number}`" for number in range(10, 22))


@pytest.mark.parametrize(
    ("lines", "told", "help"),
    [
        (["def net(size):", "    pass"], "net() missing 1 required positional argument: 'size'\n", WRAP),
        (["def net():", "    return 1 + 'a'"], "unsupported operand type(s) for +: 'int' and 'str' (net.py:2)", FIRST),
        (["def net():", "    raise ValueError('no argument')"], "ValueError: no argument (net.py:2)", FIRST),
        (["import json", "def net():", "    json.loads('{')"], "(net.py:3)", FIRST),
        (["def net():", "    raise SystemExit(3)"], "SystemExit: 3 (net.py:2)", FIRST),
        (["import nowhere_at_all"], "No module named 'nowhere_at_all' (net.py:1)", "install `nowhere_at_all` where"),
        (["net = 5"], "`net` is no module, and cannot be called", "name a `torch.nn.Module`, a Keras model, or"),
        (["def other(): pass", "_net = other"], "`net.py` has no `net`", "it has `other`"),
        (["def net():", "    exec('1 / 0')"], "ZeroDivisionError: division by zero (net.py:2)", FIRST),
        (["raise ValueError(__name__)"], "ValueError: net (net.py:1)", FIRST),
        (["def net():", "    raise ValueError('x' * 240)"], f"ValueError: {'x' * 240} (net.py:2)", FIRST),
        (["def net():", "    raise ValueError('x' * 241)"], f"ValueError: {'x' * 240}… (net.py:2)", FIRST),
        ([f"def f{number}(): pass" for number in range(10, 23)], "`net.py` has no `net`", f"it has {LISTED}\n"),
        (["one = 1"], "`net.py` has no `net`", "name what the file defines"),
    ],
)
def test_what_their_code_raises_is_told_with_its_last_line(
    lines: list[str], told: str, help: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", list(sys.path))
    monkeypatch.delitem(sys.modules, "net", raising=False)
    (tmp_path / "net.py").write_text("\n".join(lines) + "\n")
    done = run("summary", "net.py:net", "--input", "3x8x8")
    assert done.code == 1
    assert told in done.err
    assert f"help: {help}" in done.err


@pytest.mark.parametrize("line", ["net = Made()", "net = Made", "net = lambda: Made()"])
def test_a_keras_model_is_one_or_what_gives_one(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Any
) -> None:
    """A model is not called, a class is, whatever it has."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", list(sys.path))
    monkeypatch.delitem(sys.modules, "net", raising=False)
    config = FILES.parent / "keras" / "first.json"
    made = "class Made:\n    name = 'made'\n    def to_json(self):\n        return open(CONFIG).read()\n"
    (tmp_path / "net.py").write_text(f"CONFIG = {str(config)!r}\n{made}    def __call__(self): pass\n{line}\n")
    done = run("summary", "net.py:net", "--format", "json")
    assert done.code == 0
    assert json.loads(done.out)["totals"]["params"] == 308


def test_modules_are_found_in_the_working_folder_and_beside_their_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [place for place in sys.path if place])
    (tmp_path / "found_here.py").write_text("def broken():\n    raise ValueError('no')\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "found_beside.py").write_text("WHY = 'nor here'\n")
    (tmp_path / "sub" / "taker.py").write_text(
        "from found_beside import WHY\ndef broken():\n    raise ValueError(WHY)\n"
    )
    told = run("summary", "found_here:broken", "--input", "3x8x8").err
    assert "calling `broken()` raised ValueError: no (found_here.py:2)" in told
    told = run("summary", "sub/taker.py:broken", "--input", "3x8x8").err
    assert "calling `broken()` raised ValueError: nor here (taker.py:3)" in told


def test_a_missing_torch_names_the_extra(code: Path, run: Any) -> None:
    for source in ("net.py:Net", "needs.py:Net"):
        done = run("summary", source, "--input", "3x8x8")
        assert done.code == 1
        assert "help: install it: `pip install 'cnncalc[torch]'`" in done.err


def test_unknown_names_are_suggested(code: Path, run: Any) -> None:
    assert "did you mean `Net`?" in run("summary", "net.py:Nett", "--input", "3x8x8").err
    assert "there is no such file\n  --> none.py\n" in run("summary", "none.py:Net", "--input", "3x8x8").err


def test_checking_a_folder_runs_nothing(code: Path, run: Any) -> None:
    (code / "net.yaml").write_text("input: [3, 8, 8]\nlayers: [relu]\n")
    for argument in (".", "net.py:Net"):
        assert "runs" not in run("check", argument).err
