"""ONNX files come in: small ones, made by tests/data/convert/make.py, against ONNX Runtime's results."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from convert.executing import agrees, rows
from convert.written import written
from sampling import together

from cnncalc.convert import Imported, read_model, recognised
from cnncalc.convert.onnx import read_bytes
from cnncalc.convert.wire import Wire
from cnncalc.diagnostics import SpecError

FILES = Path(__file__).parents[1] / "data" / "convert"
EXPECTED = json.loads((FILES / "expected.json").read_text(encoding="utf-8"))


def imported(name: str, **inputs: Any) -> Imported:
    return read_model(str(FILES / f"{name}.onnx"), **inputs)


# What each operator means is stated in ONNX's operator reference; the arguments here say the same in cnncalc's words.
SHIFTED = [
    "conv channels=12 kernel=1 bias=False", "attention heads=2 window=(2, 3) shift=1 scale=1.0 bias=relative",
    "conv channels=5 kernel=1 bias=False",
]  # fmt: skip

ROWS = {
    "conv_same_upper": ["conv channels=4 kernel=3 stride=2 padding=same"],
    "conv_same_lower": ["conv channels=4 kernel=3 stride=2 padding=same_lower"],
    "conv_valid": ["conv channels=4 kernel=3 stride=2"],
    "conv_asymmetric": ["conv channels=4 kernel=3 stride=(2, 1) padding=((0, 2), 1) dilation=(1, 2)"],
    "conv_depthwise": ["depthwise_conv kernel=3 padding=1 multiplier=2 bias=False"],
    "conv_grouped": ["conv channels=6 kernel=3 groups=2 bias=False"],
    "conv_1d": ["conv channels=3 kernel=3 padding=((2, 0),) bias=False"],
    "conv_3d": ["conv channels=3 kernel=(2, 3, 3) stride=(1, 2, 2) bias=False"],
    "conv_transpose_output_padding": [
        "conv_transpose channels=3 kernel=3 stride=2 padding=1 output_padding=(1, 0) bias=False"
    ],
    "conv_transpose_output_shape": ["conv_transpose channels=3 kernel=3 stride=2 padding=((1, 0), 0)"],
    "conv_transpose_same": ["conv_transpose channels=4 kernel=3 stride=2 padding=same groups=2 bias=False"],
    "initializers_are_inputs": ["conv channels=4 kernel=3 padding=1"],
    "weights_missing": ["conv channels=4 kernel=3 padding=1"],
    "weights_are_inputs": ["conv channels=4 kernel=3"],
    "batch_of_4": ["conv channels=4 kernel=3 padding=1", "flatten", "linear features=5 bias=False"],
    "batch_norm": ["batch_norm eps=0.001"],
    "avg_pool_count_include_pad_0": ["avg_pool kernel=3 stride=1 padding=1 count_include_pad=False"],
    "avg_pool_count_include_pad_1": ["avg_pool kernel=3 stride=1 padding=1"],
    "avg_pool_ceil": ["avg_pool kernel=(2, 3) stride=2 ceil_mode=True"],
    "avg_pool_of_one": ["adaptive_avg_pool size=(6, 7)"],
    "max_pool_ceil": ["max_pool kernel=(2, 3) stride=2 ceil_mode=True"],
    "max_pool_floor": ["max_pool kernel=(2, 3) stride=2"],
    "max_pool_dilated": ["max_pool kernel=2 stride=1 dilation=(2, 3)"],
    "max_pool_same": ["max_pool kernel=3 stride=2 padding=same"],
    "lp_pool": ["lp_pool kernel=2 stride=2"],
    "global_pools": ["global_avg_pool", "global_max_pool", "add"],
    "reduce_mean_keepdims_0": ["global_avg_pool", "flatten"],
    "reduce_mean_keepdims_1": ["global_avg_pool"],
    "reduce_mean_operand": ["global_avg_pool", "flatten"],
    "reduce_max": ["global_max_pool"],
    "reduce_mean_channels": ["reduce way=mean"],
    "gemm": ["linear features=4"],
    "gemm_not_transposed": ["linear features=4"],
    "gemm_alpha_beta": ["linear features=4"],
    "gemm_beta_0": ["linear features=4 bias=False"],
    "gemm_trans_a": ["linear features=4 bias=False"],
    "matmul_add": ["linear features=4"],
    "tokens": ["flatten over=positions", "layer_norm eps=1e-06", "conv channels=5 kernel=1", "permute axes=(1, 0)"],
    "act_relu": ["relu"],
    "act_leakyrelu": ["leaky_relu negative_slope=0.2"],
    "act_elu": ["elu alpha=0.5"],
    "act_selu": ["selu"],
    "act_sigmoid": ["sigmoid"],
    "act_hardsigmoid": ["hard_sigmoid alpha=0.2"],
    "act_hardswish": ["hard_swish"],
    "act_mish": ["mish"],
    "act_tanh": ["tanh"],
    "act_softplus": ["softplus"],
    "act_gelu": ["gelu approximate=tanh"],
    "act_softmax": ["softmax"],
    "act_logsoftmax": ["log_softmax"],
    "softmax_11": ["opaque output=(3, 2, 2) params=0 macs=0"],
    "softmax_11_flat": ["softmax"],
    "softmax_last": ["softmax"],
    "prelu": ["prelu slopes=3"],
    "prelu_one": ["prelu"],
    "clip_attributes": ["relu6"],
    "clip_operands": ["relu6"],
    "clip_low": ["relu"],
    "clip_other": ["opaque output=(2, 2, 2) params=0 macs=0"],
    "silu": ["silu"],
    "hard_swish_div": ["hard_swish"],
    "hard_swish_last": ["hard_swish"],
    "hard_swish_sigmoid": ["hard_swish"],
    "gelu_erf": ["gelu"],
    "gelu_tanh": ["gelu approximate=tanh"],
    "mish": ["mish"],
    "relu6_min_max": ["relu6"],
    "not_silu": ["sigmoid", "multiply", "add"],
    "layer_norm_channels": ["layer_norm eps=1e-06"],
    "layer_norm_last": ["permute axes=(2, 0, 1)", "layer_norm eps=1e-06", "permute axes=(1, 2, 0)"],
    "layer_norm_all": ["opaque output=(2, 3, 3) params=36 macs=0"],
    "group_norm_instance": ["group_norm groups=2"],
    "group_norm": ["group_norm groups=2"],
    "instance_norm": ["instance_norm scale=True shift=True"],
    "lrn": ["local_response_norm size=3 alpha=0.1 beta=0.5 k=2.0"],
    "lp_normalization": ["l2_norm"],
    "l2_norm": ["l2_norm"],
    "convnext_block": [
        "depthwise_conv kernel=3 padding=1",
        "layer_norm eps=1e-06",
        "conv channels=6 kernel=1",
        "gelu",
        "conv channels=4 kernel=1",
        "layer_scale",
        "add",
    ],
    "offset": ["offset axes=channels"],
    "channel_shuffle": ["channel_shuffle groups=2"],
    "channel_shuffle_computed": [
        "channel_shuffle groups=2",
        "slice channels=(3, 6)",
        "slice channels=(0, 3)",
        "concat",
    ],
    "pixel_shuffle": ["depth_to_space block=2"],
    "depth_to_space_dcr": ["depth_to_space block=2 order=dcr"],
    "depth_to_space_crd": ["depth_to_space block=2"],
    "space_to_depth": ["space_to_depth block=2 order=dcr"],
    "channels_last_input": ["conv channels=4 kernel=3"],
    "pad_conv": ["conv channels=4 kernel=3 stride=2 padding=((0, 1), (1, 2))"],
    "pad_conv_reflect": ["conv channels=4 kernel=3 padding=1 padding_mode=reflect"],
    "pad_conv_one": ["pad amount=1 mode=constant value=1.0", "conv channels=4 kernel=3"],
    "pad_avg_pool": ["avg_pool kernel=3 stride=2 padding=1"],
    "pad_alone": ["pad amount=((1, 2), (0, 1)) mode=replicate"],
    "pad_channels": ["pad amount=0 channels=(1, 2)"],
    "pad_crops": ["crop amount=((1, 0), (0, 2))"],
    "slice_positions": ["crop amount=((1, 0), 0)", "max_pool kernel=1 stride=(2, 1)", "crop amount=(0, (2, 1))"],
    "split_channels": ["slice channels=(0, 2)", "relu", "slice channels=(2, 5)", "concat"],
    "gather_channel": ["slice channels=(1, 2)"],
    "squeeze_to_flat": ["global_avg_pool", "flatten"],
    "flatten_computed": ["flatten"],
    "resize_nearest": ["upsample scale=2"],
    "resize_nearest_default": ["upsample scale=(2, 3)"],
    "resize_linear": ["upsample size=(5, 7) mode=bilinear"],
    "resize_align_corners": ["upsample size=(5, 7) mode=bilinear align_corners=True"],
    "resize_cubic": ["opaque output=(2, 6, 8) params=0 macs=0"],
    "resize_10": ["upsample scale=2"],
    "upsample_9": ["upsample scale=2"],
    "upsample_7": ["upsample scale=2"],
    "dropout": ["dropout rate=0.3", "relu"],
    "gate": ["global_avg_pool", "conv channels=2 kernel=1 bias=False", "sigmoid", "multiply"],
    "several": ["concat", "relu", "max_pool kernel=2 stride=2"],
    "function": ["silu", "silu"],
    "shared_weights": ["conv channels=2 kernel=3 padding=1 bias=False"] * 2,
    "constant_nodes": ["conv channels=3 kernel=1 bias=False", "multiply"],
    "quantised": ["conv channels=3 kernel=3 bias=False"],
    "stated": ["conv channels=4 kernel=3"],
    "unknown_stated": ["opaque output=(7, 3) params=0", "relu"],
    "foreign": ["opaque output=(3, 2, 2) params=54"],
    "attention_operator": [
        "permute axes=(1, 0)", "conv channels=24 kernel=1 bias=False", "attention heads=2", "permute axes=(1, 0)",
    ],
    "attention_windows": [
        "conv channels=12 kernel=1 bias=False", "attention heads=2 window=(2, 3) scale=0.5",
        "conv channels=5 kernel=1 bias=False",
    ],
    "attention_shifted": SHIFTED,
    "attention_spread": SHIFTED,
    "attention_cosines": [
        "conv channels=12 kernel=1 bias=False", "coordinates sizes=(3, 5)", "conv channels=5 kernel=1", "relu",
        "conv channels=2 kernel=1 bias=False", "sigmoid", "factor axes=one value=16.0",
        "attention heads=2 window=(2, 3) shift=1 mode=cosine bias=factor1", "conv channels=5 kernel=1 bias=False",
    ],
    "attention_cosines_folded": [
        "conv channels=12 kernel=1 bias=False", "parameter shape=(5, 3, 5)", "offset axes=channels", "relu",
        "conv channels=2 kernel=1 bias=False", "sigmoid", "factor axes=one value=16.0",
        "attention heads=2 window=(2, 3) shift=1 mode=cosine bias=factor1", "conv channels=5 kernel=1 bias=False",
    ],
    "products": [
        "matmul tensors=('input', 'input') over=positions", "matmul tensors=('matmul1', 'input')",
        "flatten over=positions",
    ],
    "pad_one_side": ["pad amount=((0, 2), (0, 2))"],
    "subtract": ["factor axes=one value=-1.0", "offset axes=one value=1.0", "factor axes=one value=0.5", "subtract"],
}  # fmt: skip
FAILS = {
    "dynamic",
    "stated_wrongly",
    "unknown",
    "control_flow",
    "training",
    "cycle",
    "opset_6",
}
OTHERS = {"attention", "attention_masked", "unused"}


def test_every_file_has_its_test() -> None:
    assert {path.stem for path in FILES.glob("*.onnx")} == {*ROWS, *FAILS, *OTHERS} == set(EXPECTED)


@together("name", ROWS)
def test_operators_become_these_rows(name: str) -> None:
    assert rows(imported(name)) == ROWS[name]


@together("name", [name for name in ROWS if name != "quantised"])
def test_every_element_of_the_file_is_counted_once(name: str) -> None:
    account = imported(name).account
    held = EXPECTED[name]["elements"]
    if name == "weights_are_inputs":  # the file holds none
        held = 4 * 2 * 3 * 3 + 4
    assert account.parameters + account.state + account.constants + sum(account.repeated.values()) == held
    assert account.is_whole
    assert not account.left_over
    assert bool(account.failures()) == bool(account.opaque)


RUN = [name for name in ROWS if "outputs" in EXPECTED[name]]


@together("name", RUN)
def test_the_rows_compute_what_onnx_runtime_computes(name: str) -> None:
    expected = EXPECTED[name]
    agrees(imported(name), expected["weights"], expected["data"], expected["outputs"])


def test_enough_is_computed() -> None:
    assert len(RUN) > 90


# -- the account -------------------------------------------------------------------------------------------------------


def test_the_closing_sentence() -> None:
    assert imported("batch_norm").account.sentence == (
        "batch_norm.onnx: 1 node as 1 layer; 6 parameters, all accounted for; nothing opaque"
    )
    assert imported("foreign").account.sentence == (
        "foreign.onnx: 1 node as 1 layer; 54 parameters, all accounted for; opaque: 1 x com.microsoft.FusedConv"
    )
    assert imported("unused").account.sentence == (
        "unused.onnx: 2 nodes as 1 layer; 0 parameters, 12 elements of the source left over; nothing opaque"
    )


def test_running_statistics_are_state() -> None:
    account = imported("batch_norm").account
    assert (account.parameters, account.state, account.constants) == (6, 6, 0)
    assert account.roles == {"bn.weight": "parameters", "bn.bias": "parameters", "m": "state", "v": "state"}


def test_what_exporters_have_worked_out_of_cosines_is_told() -> None:
    """The file's scales are no logarithms, and its coordinates are part of a product with them."""
    assert imported("attention_cosines").account.notes == []
    assert imported("attention_cosines_folded").account.notes == [
        "the file holds the scales of cosines, of which the layers hold the logarithms"
    ]


def test_shared_weights_count_once() -> None:
    graph, account = imported("shared_weights")
    first, second = graph.nodes
    assert second.shares is first
    assert account.parameters == EXPECTED["shared_weights"]["elements"] == 36
    assert [node.name for node in graph.nodes] == ["head", "head1"]


def test_rows_are_called_after_weights_else_after_nodes() -> None:
    assert [node.name for node in imported("gemm").graph.nodes] == ["fc"]
    assert [node.name for node in imported("function").graph.nodes] == ["first", "second"]
    account = imported("convnext_block").account
    assert account.names["Conv_0"] == "dw"
    assert account.names["LayerNormalization_2"] == "norm"
    # both nodes of a composite are that row
    assert account.names["MatMul_3"] == account.names["Add_4"] == "conv1"


def test_a_row_says_where_it_comes_from() -> None:
    node = imported("function").graph.nodes[0]
    assert node.origin is not None
    assert str(node.origin.span) == "function.onnx: node first/Mul_2"


def test_attention_written_out_is_attention() -> None:
    graph, account = imported("attention")
    (node,) = [node for node in graph.nodes if node.kind == "attention"]
    assert node.operation.macs == 5 * 5 * 4 + 5 * 4 * 5
    assert account.failures() == []


def test_attention_with_a_mask_is_opaque_and_counted() -> None:
    graph, account = imported("attention_masked")
    assert list(account.opaque) == ["Attention"]
    assert [node.operation.macs for node in graph.nodes if node.kind == "opaque"] == [2 * 5 * 5 * 8]


def test_what_is_left_over_is_listed() -> None:
    account = imported("unused").account
    assert account.left_over == {"left": 12}
    assert account.notes == ["1 node reaches no output and is left out"]
    (failure,) = account.failures()
    assert failure.code == "left-over"
    assert "`left (12)`" in failure.message


def test_an_unknown_operator_makes_totals_lower_bounds() -> None:
    (node,) = imported("foreign").graph.nodes
    assert node.operation.layer.unknown == ("macs", "receptive_field")
    assert imported("foreign").account.opaque == {"com.microsoft.FusedConv": ["fused"]}


def test_scaled_gemm_is_noted() -> None:
    assert imported("gemm_alpha_beta").account.notes == [
        "Gemm_0 multiplies by alpha 0.5 and beta 2: here that is part of its weights"
    ]


def test_shapes_that_the_file_states_are_compared() -> None:
    assert imported("stated").account.compared == 1
    with pytest.raises(SpecError) as caught:
        imported("stated_wrongly")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "shape-differs"
    assert diagnostic.message == "tensor `r`: the file states 1 x 2 x 6 x 8, cnncalc finds 1 x 2 x 6 x 7"
    assert str(diagnostic.span) == "stated_wrongly.onnx: node first"


# -- inputs ------------------------------------------------------------------------------------------------------------


def test_the_batch_is_left_out() -> None:
    graph = imported("batch_of_4").graph
    assert graph.inputs == (("input", (2, 3, 3)),)
    assert [graph.shapes[tensor] for _, tensor in graph.outputs] == [(5,)]


def test_a_channels_last_input_becomes_channels_first() -> None:
    graph, account = imported("channels_last_input")
    assert graph.inputs == (("input", (2, 6, 7)),)
    assert account.notes == ["the input `x` has its channels last in the file; here they are first"]


def test_other_sizes_of_a_channels_last_input_are_channels_first_too() -> None:
    assert imported("channels_last_input", inputs=(2, 9, 8)).graph.inputs == (("input", (2, 9, 8)),)


def test_several_inputs_and_outputs_keep_their_names() -> None:
    graph = imported("several").graph
    assert graph.inputs == (("left", (2, 4, 4)), ("right", (3, 4, 4)))
    assert [name for name, _ in graph.outputs] == ["sum", "small"]


def test_dynamic_sizes_are_asked_for() -> None:
    with pytest.raises(SpecError) as caught:
        imported("dynamic")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "dynamic-shape"
    assert diagnostic.message == "the input `x` is N x 2 x height x width: `height`, `width` may be any size"
    assert diagnostic.help == "give the sizes, for example `--input 2x224x224`"
    graph = imported("dynamic", inputs=(2, 6, 7)).graph
    assert [graph.shapes[tensor] for _, tensor in graph.outputs] == [(4, 4, 5)]
    assert imported("dynamic", inputs={"x": (2, 6, 7)}).graph.inputs == (("input", (2, 6, 7)),)


def test_another_input_size_than_the_files_own() -> None:
    graph, account = imported("stated", inputs=(2, 9, 9))
    assert [graph.shapes[tensor] for _, tensor in graph.outputs] == [(4, 7, 7)]
    assert account.compared == 0
    assert account.notes == ["at another input size than the file's own, its stated shapes are not compared"]


@pytest.mark.parametrize(
    ("inputs", "code", "message"),
    [
        ((3, 4), "wrong-rank", "the input `input` has 3 axes besides the batch, 3 x 4 has 2"),
        ({"y": (2, 6, 7)}, "unknown-input", "there is no input `y`"),
        ((5, 6, 7), "bad-model", "a kernel of 4 x 2 x 3 x 3 in 1 group does not fit the 5 input channels"),
    ],
)
def test_sizes_that_do_not_fit(inputs: Any, code: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        imported("stated", inputs=inputs)
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.code, diagnostic.message[: len(message)]) == (code, message)


# -- what cannot be read -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "code", "message", "place"),
    [
        ("unknown", "unsupported", "cnncalc does not know the operator `NonMaxSuppression`, and the file states no "
         "shape for its result", "unknown.onnx: node nms"),
        ("control_flow", "unsupported", "`If` runs the graph in its `else_branch`: control flow has no layer",
         "control_flow.onnx: node choice"),
        ("training", "unsupported", "it normalises by the statistics of the batch: this is a training graph",
         "training.onnx: node bn1"),
        ("cycle", "bad-model", "it takes `b`, which no node before it gives", "cycle.onnx: node first"),
        ("opset_6", "unsupported", "the file is of opset 6; cnncalc reads opset 7 and later", "opset_6.onnx"),
    ],
)  # fmt: skip
def test_errors_name_the_node(name: str, code: str, message: str, place: str) -> None:
    with pytest.raises(SpecError) as caught:
        imported(name)
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.code, diagnostic.message, str(diagnostic.span)) == (code, message, place)


def test_formats_are_recognised_by_their_suffix() -> None:
    found = recognised("some/Model.ONNX")
    assert found is not None
    assert found.name == "ONNX"
    assert recognised("resnet50") is None
    assert recognised("net.yaml") is None


def test_a_composite_of_composites() -> None:
    """HardSwish, x*relu6(x + 3)/6, with the bounds as Max and Min."""
    lines = ["low: [] 0.0", "high: [] 6.0", "three: [] 3.0"]
    lines += ["a = Add(x, three)", "b = Max(a, low)", "c = Min(b, high)", "m = Mul(x, c)", "y = Div(m, high)"]
    assert rows(read_bytes(written(lines, [1, 2, 4, 4], [1, 2, 4, 4]), "net.onnx")) == ["hard_swish"]


# -- near misses -------------------------------------------------------------------------------------------------------


def numbers(content: bytes) -> list[int]:
    """Where the decimal scalars of a file stand."""
    wire, found = Wire(memoryview(content)), []
    for graph in wire.message(0, len(content)):
        for entry in wire.message(graph.start, graph.end) if graph.number == 7 else ():
            fields = wire.message(entry.start, entry.end) if entry.number == 5 else []
            if any(field.number == 2 and field.start == 1 for field in fields):
                found += [each.start for each in fields if each.number == 9 and each.end - each.start == 4]
    return found


NO_MATTER = ("quantised", "clip_other", "prelu_one")
"""Files whose numbers are no arguments of a row."""


def test_a_composite_with_another_number_is_another_network() -> None:
    """A GELU is one by its constants: with any of them changed, some row or argument is another."""
    changed = 0
    for path in sorted(FILES.glob("*.onnx")):
        content = path.read_bytes()
        places = numbers(content)
        if path.stem not in ROWS or path.stem in NO_MATTER:
            continue
        for place in places:
            (value,) = struct.unpack_from("<f", content, place)
            other = content[:place] + struct.pack("<f", value * 1.5 + 0.25) + content[place + 4 :]
            try:
                found = rows(read_bytes(memoryview(other), path.name))
            except SpecError:
                continue
            assert found != ROWS[path.stem], f"{path.name}: {value}"
            changed += 1
    assert changed > 25


def changed(name: str, tensor: str, change: Callable[[list[float]], list[float]]) -> Imported:
    """A file, whose tensor of decimal numbers, or of whole ones, has been changed."""
    content = bytearray((FILES / f"{name}.onnx").read_bytes())
    wire = Wire(memoryview(bytes(content)))
    (graph,) = [field for field in wire.message(0, len(content)) if field.number == 7]
    for entry in wire.message(graph.start, graph.end):
        fields = {each.number: each for each in wire.message(entry.start, entry.end)} if entry.number == 5 else {}
        if 9 in fields and content[fields[8].start : fields[8].end] == tensor.encode():
            form = "<%dq" if tensor == "index" else "<%df"
            raw = fields[9]
            count = (raw.end - raw.start) // struct.calcsize(form % 1)
            values = list(struct.unpack(form % count, content[raw.start : raw.end]))
            content[raw.start : raw.end] = struct.pack(form % count, *change(values))
            return read_bytes(memoryview(bytes(content)), f"{name}.onnx")
    raise AssertionError(tensor)


def is_attention(found: Imported) -> bool:
    return any(node.kind == "attention" for node in found.graph.nodes)


@together(
    "name, tensor, step",
    [
        ("attention_shifted", "mask", 17),
        ("attention_shifted", "index", 5),
        ("attention_spread", "bias", 13),
        ("attention_cosines", "coordinates", 7),
    ],
)
def test_a_bias_or_a_mask_with_another_element_is_none(name: str, tensor: str, step: int) -> None:
    """A mask hides just what was no neighbour; equal offsets have equal biases, if there are some; coordinates grow."""
    count = math.prod({"mask": (4, 6, 6), "index": (6, 6), "bias": (2, 6, 6), "coordinates": (3, 5, 2)}[tensor])
    assert is_attention(changed(name, tensor, list))
    for place in range(0, count, step):

        def change(values: list[float], place: int = place) -> list[float]:
            other = {"mask": -100 - values[place], "index": (values[place] + 1) % 15}.get(tensor, values[place] + 0.25)
            return [*values[:place], other, *values[place + 1 :]]

        assert not is_attention(changed(name, tensor, change)), place


@pytest.mark.parametrize(("factor", "hides"), [(0.5, True), (0.49, False), (100, True)])
def test_a_mask_hides_from_minus_50_on(factor: float, hides: bool) -> None:
    """The papers' code adds -100, or what is infinite."""
    found = changed("attention_shifted", "mask", lambda values: [value * factor for value in values])
    assert is_attention(found) == hides


LINES = [-1.0, 0.0, 1.0], [-1.0, -0.5, 0.0, 0.5, 1.0]


@together(
    "rows, columns, notes",
    [
        (*LINES, 0),
        ([-2.0, 0.0, 2.0], LINES[1], 1),
        (LINES[0], [-1.0, -0.25, 0.0, 0.25, 1.0], 1),
        ([0.0] * 3, LINES[1], None),
        (LINES[0], [-1.0, -0.5, -0.5, 0.5, 1.0], None),
        (LINES[0], [1.0, 0.5, 0.0, -0.5, -1.0], None),
        ([0.0, 1.0, 2.0], LINES[1], None),
        (LINES[0], [-1.0, -0.5, 0.0, 0.5, 1.5], None),
    ],
)
def test_coordinates_grow_and_are_odd_about_the_middle(
    rows: list[float], columns: list[float], notes: int | None
) -> None:
    """Those of other distances are noted; others are none."""
    found = changed(
        "attention_cosines", "coordinates", lambda values: [n for a in rows for b in columns for n in (a, b)]
    )
    assert is_attention(found) == (notes is not None)
    assert notes is None or len(found.account.notes) == notes


def test_coordinates_have_the_rows_first() -> None:
    def exchanged(values: list[float]) -> list[float]:
        return [values[place ^ 1] for place in range(len(values))]

    assert not is_attention(changed("attention_cosines", "coordinates", exchanged))
