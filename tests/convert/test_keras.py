"""Keras configs: figures and shapes against Keras' own, both generations' forms, and files that are wrong."""

from __future__ import annotations

import copy
import json
import random
import zipfile
from pathlib import Path
from typing import Any

import pytest
from convert.damaging import archive, places
from convert.executing import rows
from sampling import some, together

import cnncalc
from cnncalc.convert import Imported
from cnncalc.convert.archive import parse
from cnncalc.convert.keras import from_keras, read
from cnncalc.diagnostics import Error, SpecError

DATA = Path(__file__).parents[1] / "data" / "convert" / "keras"
FACTS = json.loads((DATA / "facts.json").read_text())
"""What Keras 3.15.1 says of each config; `make.py` beside it wrote both."""


def config(name: str) -> Any:
    return json.loads((DATA / f"{name}.json").read_text())


def macs(found: Imported) -> int:
    return sum(node.operation.macs or 0 for node in found.graph.nodes)


# -- against Keras -----------------------------------------------------------------------------------------------------


@together("name", FACTS)
def test_the_figures_are_keras(name: str) -> None:
    found, facts = read(str(DATA / f"{name}.json")), FACTS[name]
    assert found.account.opaque == {}
    assert (found.account.parameters, found.account.state) == (facts["params"], facts["state"])
    assert macs(found) == facts["macs"]
    assert found.account.compared > 0


def channels_first(shape: list[int], name: str) -> tuple[int, ...]:
    return tuple(shape) if name == "first" else (shape[-1], *shape[:-1])


@together("name", FACTS)
def test_every_layer_has_the_shape_that_keras_gives_it(name: str) -> None:
    graph, account = read(str(DATA / f"{name}.json"))
    for layer, shape in FACTS[name]["layers"].items():
        place = next(place for place in account.names if f".{place}".endswith(f".{layer}"))
        rows = graph.find(account.names[place]).layers
        assert all(graph.nodes[row].name.startswith(account.names[place]) for row in rows)
        assert graph.shapes[graph.nodes[rows[-1]].number] == channels_first(shape, name), layer
    outputs = [graph.shapes[tensor] for _, tensor in graph.outputs]
    assert outputs == [channels_first(shape, name) for shape in FACTS[name]["outputs"]]


def test_layers_that_are_called_twice_share_their_weights() -> None:
    graph, _ = read(str(DATA / "nested.json"))
    sharing = {node.name: node.shares.name for node in graph.nodes if node.shares is not None}
    assert sharing == {
        "tower-2.conv": "tower.conv",
        "tower-2.norm": "tower.norm",
        "head-2.map": "head.map",
        "shared-2": "shared",
    }
    assert [part.name for part in graph.parts] == ["tower", "tower-2"]


def test_the_second_results_of_models_that_are_called_twice() -> None:
    """What Keras 3.15 writes as the outputs of ``[functional(functional(a)), chain(chain(a))]``."""
    value = config("firsts")
    value["config"]["output_layers"] = [["functional", 2, 0], ["chain", 1, 0]]
    graph, _ = from_keras(value)
    assert [graph.node(tensor).name for _, tensor in graph.outputs] == [  # type: ignore[union-attr]
        "functional-2.left",
        "chain-2.right",
    ]


def test_inputs_are_taken_by_their_names() -> None:
    value = config("nested")
    value["config"]["input_layers"] = dict(reversed(value["config"]["input_layers"].items()))
    graph, _ = from_keras(value)
    assert [name for name, _ in graph.inputs] == ["right", "left"]
    assert graph.tensor_name(graph.find("tower.conv").node.inputs[0]) == "left"  # type: ignore[union-attr]


def test_weights_that_are_not_trained_are_state() -> None:
    frozen = [node.name for node in read(str(DATA / "line.json")).graph.nodes if node.frozen]
    assert frozen == ["frozen"]


def test_what_differs_is_noted() -> None:
    notes = read(str(DATA / "every_layer.json")).account.notes
    assert any(note.startswith("flatten: features are ordered channels first") for note in notes)
    assert any(note.startswith("rescaling: its scale and offset is left out") for note in notes)


def test_a_zip_file_holds_the_same(tmp_path: Path) -> None:
    path = tmp_path / "nested.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.json", "{}")
        archive.write(DATA / "nested.json", "config.json")
        archive.writestr("model.weights.h5", b"\x89HDF")
    assert read(str(path)).account.parameters == FACTS["nested"]["params"]


# -- Keras 2, whose configs state no shapes: tensors are [layer, call, tensor, keywords] -------------------------------


def layer(kind: str, called: str, /, *inbound: Any, **arguments: Any) -> dict[str, Any]:
    return {"class_name": kind, "name": called, "config": {**arguments, "name": called}, "inbound_nodes": list(inbound)}


def functional(*layers: dict[str, Any], last: str, shape: tuple[int | None, ...] = (None, 8, 8, 3)) -> dict[str, Any]:
    first = layer("InputLayer", "input_1", batch_input_shape=list(shape), dtype="float32")
    ends = {"input_layers": [["input_1", 0, 0]], "output_layers": [[last, 0, 0]]}
    inner = {"name": "model", "layers": [first, *layers], **ends}
    return {"class_name": "Functional", "config": inner, "keras_version": "2.11.0", "backend": "tensorflow"}


def conv(name: str, *inbound: Any, **arguments: Any) -> dict[str, Any]:
    given = {"filters": 4, "kernel_size": [3, 3], "strides": [1, 1], "padding": "same", "use_bias": True, **arguments}
    return layer("Conv2D", name, *inbound, **given)


def test_keras_2_functions_with_constants() -> None:
    """MobileNetV3's hard sigmoid as Keras 2 writes it."""
    found = from_keras(
        functional(
            conv("Conv", [["input_1", 0, 0, {}]]),
            layer("TFOpLambda", "tf.plus", ["Conv", 0, 0, {"y": 3.0, "name": None}], function="__operators__.add"),
            layer("ReLU", "re_lu", [["tf.plus", 0, 0, {}]], max_value=6.0),
            layer("TFOpLambda", "tf.times", ["re_lu", 0, 0, {"y": 1 / 6}], function="math.multiply"),
            layer("Multiply", "gate", [["Conv", 0, 0, {}], ["tf.times", 0, 0, {}]]),
            layer("TFOpLambda", "tf.mean", ["gate", 0, 0, {"axis": [1, 2]}], function="math.reduce_mean"),
            last="tf.mean",
        )
    )
    assert found.account.opaque == {}
    assert found.account.parameters == 3 * 3 * 3 * 4 + 4
    assert found.graph.shapes[-1] == (4,)


def test_keras_2_splits_by_sizes_of_which_one_is_the_rest() -> None:
    """`tf.split(x, [1, -1])`, and `[2, 1]`: sizes, where `keras.ops.split` has the places of the cuts."""
    for sizes, place, expected in (([1, -1], 1, (1, 3)), ([-1, 1], 1, (2, 3)), ([2, 1], 0, (0, 2)), (3, 2, (2, 3))):
        call = ["input_1", 0, 0, {"num_or_size_splits": sizes, "axis": -1}]
        value = functional(layer("TFOpLambda", "tf.split", call, function="split"), last="tf.split")
        value["config"]["output_layers"] = [["tf.split", 0, place]]
        graph = from_keras(value).graph
        taken = graph.node(graph.outputs[0][1])
        assert taken.operation.layer.channels == expected  # type: ignore[union-attr]


@pytest.mark.parametrize("constant", [1, 1.5, [0.5, 1.0, 2.0]])
def test_keras_2_takes_tensors_from_constants(constant: Any) -> None:
    """`tf.subtract(1.5, x)`: where the first argument is a constant, it stands in the place of a layer's name."""
    call = ["_CONSTANT_VALUE", -1, constant, {"y": ["input_1", 0, 0], "name": None}]
    found = from_keras(functional(layer("TFOpLambda", "less", call, function="math.subtract"), last="less"))
    assert [node.kind for node in found.graph.nodes] == ["identity"]
    text = "constants" if isinstance(constant, list) else constant
    assert found.account.notes == [f"less: Subtract of {text} is left out; no figure depends on it"]


def test_models_take_tensors_by_name_in_any_order() -> None:
    """A nested model that is called with a mapping, as Keras 2 and 3 write that."""
    ends = {
        name: layer("InputLayer", name, batch_input_shape=[None, 8, 8, size]) for name, size in (("a", 3), ("b", 5))
    }
    inner = functional(*ends.values(), conv("one", [["a", 0, 0, {}]]), conv("two", [["b", 0, 0, {}]]), last="one")
    inner["config"]["input_layers"] = [["a", 0, 0], ["b", 0, 0]]
    inner["config"]["output_layers"] = [["one", 0, 0], ["two", 0, 0]]
    del inner["config"]["layers"][0]
    wide = conv("wide", [["input_1", 0, 0, {}]], filters=5)
    tensor = {"class_name": "__keras_tensor__", "config": {"shape": None, "dtype": None}}
    taken = {name: ["wide" if name == "b" else "input_1", 0, 0] for name in ("b", "a")}
    histories = {name: {**tensor, "config": {"keras_history": history}} for name, history in taken.items()}
    for inbound in (
        {name: [*history, {}] for name, history in taken.items()},
        {"args": [histories], "kwargs": {}},
    ):
        nested = layer("Functional", "pair", inbound, **inner["config"])
        graph = from_keras(functional(wide, nested, last="pair")).graph
        assert [(node.name, node.inputs) for node in graph.nodes] == [
            ("wide", (0,)),
            ("pair.one", (0,)),
            ("pair.two", (1,)),
        ]


def test_keras_2_takes_parts_and_scales_the_second_of_a_sum() -> None:
    """Slices as Keras 2 writes them, and the layer of its Inception-ResNet v2."""
    whole, rows = {"start": None, "stop": None, "step": None}, {"start": 1, "stop": -2, "step": None}
    found = from_keras(
        functional(
            layer("SlicingOpLambda", "part", ["input_1", 0, 0, {"slice_spec": [whole, rows, whole, whole]}],
                  function="__operators__.getitem"),
            layer("ReLU", "relu", [["part", 0, 0, {}]]),
            layer("CustomScaleLayer", "one", [["part", 0, 0, {}], ["relu", 0, 0, {}]], scale=1),
            layer("CustomScaleLayer", "less", [["one", 0, 0, {}], ["relu", 0, 0, {}]], scale=0.17),
            last="less",
        )
    )  # fmt: skip
    assert [node.kind for node in found.graph.nodes] == ["crop", "relu", "add", "add"]
    assert found.graph.shapes[1:] == [(3, 5, 8)] * 4
    assert found.account.notes == ["less: the factor 0.17 is left out; no figure depends on it"]


@pytest.mark.parametrize(
    ("axis", "keeps", "expected"),
    [
        ([1, 2], True, (3, 1, 1)),
        ([1, 2], False, (3,)),
        ([-3, -2], False, (3,)),
        ([1], False, (3, 8)),
        (2, True, (3, 8, 1)),
        (-1, True, (1, 8, 8)),
        ([1, 2, 3], False, (1,)),
    ],
)
def test_keras_2_takes_means_over_axes(axis: Any, keeps: bool, expected: tuple[int, ...]) -> None:
    """Over all positions it is a pool; else it is opaque, in the shape that numpy gives."""
    call = ["input_1", 0, 0, {"axis": axis, "keepdims": keeps}]
    found = from_keras(functional(layer("TFOpLambda", "mean", call, function="math.reduce_mean"), last="mean"))
    assert found.graph.shapes[-1] == expected
    assert bool(found.account.opaque) == (expected[:1] != (3,) or len(expected) == 2 or expected[1:] == (8, 1))


@together(
    "function, given, what",
    [
        ("reshape", {"shape": [-1]}, "Reshape"),
        ("reshape", {"shape": 192}, "Reshape"),
        ("math.add", {}, "the addition"),
        ("math.add", {"y": [[1, 2, 3], [4, 5, 6]]}, "the addition"),
        ("math.multiply", {"y": [1, 2]}, "the multiplication"),
        ("math.multiply", {"y": []}, "the multiplication"),
        ("pad", {"paddings": [[1, 0], [0, 0], [0, 0], [0, 0]]}, "Pad"),
        ("pad", {"paddings": [[0, 1], [0, 0], [0, 0], [0, 0]]}, "Pad"),
        ("pad", {"paddings": [1, 0, 0, 0]}, "Pad"),
        ("pad", {"paddings": [[0, 0], [1, 1], [0, 0]]}, "Pad"),
        ("math.cumsum", {"axis": 1}, "math.cumsum"),
    ],
)
def test_operations_of_keras_2_that_are_in_no_row(function: str, given: dict[str, Any], what: str) -> None:
    """The batch is no axis of a layer, and constants differ from channel to channel at most."""
    value = functional(layer("TFOpLambda", "a", ["input_1", 0, 0, given], function=function), last="a")
    with pytest.raises(SpecError, match=f"does not know `{what}`, and the config does not say what shape it gives"):
        from_keras(value)


@pytest.mark.parametrize(
    ("function", "given", "expected"),
    [
        ("nn.softmax", {}, ["softmax"]),
        ("nn.leaky_relu", {}, ["leaky_relu negative_slope=0.2"]),
        ("nn.gelu", {}, ["gelu"]),
        ("math.add", {"y": ["_CONSTANT_VALUE", -1, 2.0]}, ["identity"]),
        ("pad", {"paddings": [0, 1, [0, 2], 0]}, ["pad amount=((1, 1), (0, 2))"]),
        ("pad", {"paddings": [[0, 0], [0, 0], [1, 0], [0, 2]]}, ["pad amount=((0, 0), (1, 0)) channels=(0, 2)"]),
        ("split", {"num_or_size_splits": 1, "axis": -1}, ["slice channels=(0, 3)"]),
    ],
)
def test_operations_of_keras_2_with_what_is_left_out(function: str, given: dict[str, Any], expected: list[str]) -> None:
    """TensorFlow's defaults: over the last axis, a slope of 0.2, the exact form of gelu."""
    value = functional(layer("TFOpLambda", "a", ["input_1", 0, 0, given], function=function), last="a")
    assert rows(from_keras(value)) == expected


def test_keras_2_counts_the_calls_of_a_nested_model_from_one() -> None:
    tower = functional(conv("conv", [["input_1", 0, 0, {}]], filters=3), last="conv")["config"]
    nested = layer("Functional", "tower", [["input_1", 0, 0, {}]], [["tower", 1, 0, {}]], **tower)
    total = layer("Add", "add", [["tower", 1, 0, {}], ["tower", 2, 0, {}]])
    graph, account = from_keras(functional(nested, total, last="add"))
    assert account.parameters == 3 * 3 * 3 * 3 + 3
    assert [node.name for node in graph.nodes] == ["tower.conv", "tower-2.conv", "add"]
    assert graph.nodes[-1].inputs == (1, 2)


def test_nested_models_that_are_not_trained_are_state() -> None:
    """A flag of a model holds for all of its layers, also for those of models within it."""
    for flags in ((False, True), (True, False), (True, True)):
        inner = functional(conv("conv", [["input_1", 0, 0, {}]]), last="conv")["config"]
        middle = layer("Functional", "inner", [["input_1", 0, 0, {}]], **inner | {"trainable": flags[1]})
        outer = functional(middle, last="inner")["config"]
        nested = layer("Functional", "outer", [["input_1", 0, 0, {}]], **outer | {"trainable": flags[0]})
        found = from_keras(functional(nested, conv("head", [["outer", 0, 0, {}]]), last="head"))
        inside, head = 3 * 3 * 3 * 4 + 4, 3 * 3 * 4 * 4 + 4
        assert found.account.state == (0 if all(flags) else inside)
        assert found.account.parameters == head + inside - found.account.state


def test_a_sequential_of_keras_1_is_a_list() -> None:
    first = layer("Convolution2D", "conv", filters=2, kernel_size=3, batch_input_shape=[None, 8, 8, 1])
    graph, _ = from_keras(
        {"class_name": "Sequential", "config": [first, layer("Flatten", "flat"), layer("Dense", "out", units=5)]}
    )
    assert graph.shapes[-1] == (5,)
    assert graph.inputs == (("input", (1, 8, 8)),)


def test_what_is_cut_off_around_a_center() -> None:
    """Keras begins a CenterCrop at ``int(difference / 2)``."""
    value = functional(layer("CenterCrop", "crop", [["input_1", 0, 0, {}]], height=3, width=4), last="crop")
    assert from_keras(value).graph.nodes[0].operation.layer.amount == ((2, 3), (2, 2))  # type: ignore[attr-defined]
    for height, width in ((9, 4), (4, 9)):  # where it resizes first
        value = functional(layer("CenterCrop", "c", [["input_1", 0, 0, {}]], height=height, width=width), last="c")
        found = from_keras(value)
        assert (list(found.account.opaque), found.graph.shapes[-1]) == (["CenterCrop"], (3, height, width))


def test_outputs_are_called_after_their_layers_or_their_keys() -> None:
    layers = [layer("ReLU", name, [["input_1", 0, 0, {}]]) for name in ("first", "second")]
    ends = [[name, 0, 0] for name in ("first", "second")]
    for output, names in ((ends, ["first", "second"]), (dict(zip(("left", "right"), ends)), ["left", "right"])):
        value = functional(*layers, last="first")
        value["config"]["output_layers"] = output
        assert [name for name, _ in from_keras(value).graph.outputs] == names


def test_hard_sigmoid_was_steeper_in_keras_2() -> None:
    value = functional(conv("conv", [["input_1", 0, 0, {}]], activation="hard_sigmoid"), last="conv")
    assert from_keras(value).graph.nodes[-1].operation.layer.alpha == 0.2  # type: ignore[attr-defined]


# -- sizes from outside, and classes that are not known ----------------------------------------------------------------


def test_open_sizes_are_asked_for_by_axis() -> None:
    value = functional(conv("conv", [["input_1", 0, 0, {}]]), last="conv", shape=(None, None, None, 3))
    with pytest.raises(SpecError) as caught:
        from_keras(value)
    (found,) = caught.value.diagnostics
    assert found.message == "the input `input_1` leaves height and width open: 3x?x?, channels first"
    assert found.help == "give it: `--input 3x224x224`"
    assert from_keras(value, (3, 10, 12)).graph.shapes[-1] == (4, 10, 12)
    assert not from_keras(value, (3, 10, 12)).account.compared
    assert from_keras(value, {"input_1": (3, 9, 9)}).graph.shapes[-1] == (4, 9, 9)


@pytest.mark.parametrize(
    ("shape", "open_axes", "example"),
    [
        ((None, None), "features open: ?", "224"),
        ((None, 7, None), "channels open: ?x7", "224x7"),
        ((None, None, 4), "length open: 4x?", "4x224"),
        ((None, 5, None, None), "channels and width open: ?x5x?", "224x5x224"),
        ((None, None, 5, 6, 1), "depth open: 1x?x5x6", "1x224x5x6"),
    ],
)
def test_open_sizes_of_any_rank(shape: tuple[int | None, ...], open_axes: str, example: str) -> None:
    with pytest.raises(SpecError) as caught:
        from_keras(functional(layer("ReLU", "a", [["input_1", 0, 0, {}]]), last="a", shape=shape))
    (found,) = caught.value.diagnostics
    assert found.message == f"the input `input_1` leaves {open_axes}, channels first"
    assert found.help == f"give it: `--input {example}`"


def test_a_shape_that_differs_names_both() -> None:
    value = config("first")
    arguments = value["config"]["layers"][2]["inbound_nodes"][0]["args"]
    arguments[0]["config"]["shape"][1] = 9
    with pytest.raises(SpecError, match=r"conv: the file states 9 x 16 x 20, cnncalc finds 8 x 16 x 20"):
        from_keras(value)


def test_other_input_sizes_leave_stated_shapes_behind() -> None:
    found = from_keras(config("first"), (3, 32, 40))
    assert found.account.compared == 0
    assert found.account.parameters == FACTS["first"]["params"]


def unknown(value: dict[str, Any]) -> dict[str, Any]:
    value["config"]["layers"][1] |= {"class_name": "Mystery", "module": "builtins", "registered_name": "Custom>Mystery"}
    return value


def test_an_unknown_class_is_opaque_with_the_stated_shape() -> None:
    found = from_keras(unknown(config("first")))
    assert found.account.opaque == {"Mystery": ["conv"]}
    assert found.graph.nodes[0].operation.output == (8, 16, 20)
    assert set(found.graph.nodes[0].operation.layer.unknown) >= {"params", "macs"}
    assert [failure.code for failure in found.account.failures()] == ["opaque"]


def test_code_is_opaque_and_has_no_weights() -> None:
    value = config("first")
    value["config"]["layers"][1]["class_name"] = "Lambda"
    found = from_keras(value)
    assert found.account.opaque == {"Lambda": ["conv"]}
    assert set(found.graph.nodes[0].operation.layer.unknown) == {"macs", "receptive_field"}


def test_groups_of_a_channel_each() -> None:
    """-1 is Instance Normalization in Keras' documentation, until the layer is built: then it is the number."""
    value = functional(layer("GroupNormalization", "a", [["input_1", 0, 0, {}]], groups=-1), last="a")
    assert rows(from_keras(value)) == ["group_norm groups=3 eps=0.001"]


@pytest.mark.parametrize(("module", "is_keras"), [("keras.layers", True), ("mine.layers", False), ("", True)])
def test_a_class_of_another_package_may_be_anything(module: str, is_keras: bool) -> None:
    value = config("first")
    value["config"]["layers"][1]["module"] = module
    assert from_keras(value).account.opaque == ({} if is_keras else {"Conv2D": ["conv"]})


def test_an_unknown_class_needs_a_stated_shape() -> None:
    with pytest.raises(SpecError, match="does not know `Mystery`, and the config does not say what shape it gives"):
        from_keras(unknown(config("first")), (3, 32, 40))


# -- files that are wrong ----------------------------------------------------------------------------------------------


def cyclic() -> dict[str, Any]:
    ring = [["b", 0, 0, {}]], [["a", 0, 0, {}]]
    return functional(layer("ReLU", "a", ring[0]), layer("ReLU", "b", ring[1]), last="b")


def ending(output: Any) -> dict[str, Any]:
    value = functional(last="input_1")
    value["config"]["output_layers"] = output
    return value


WRONG: dict[str, tuple[Any, str]] = {
    "cycle": (cyclic(), "node b"),
    "self": (functional(layer("ReLU", "a", [["a", 0, 0, {}]]), last="a"), "node a"),
    "missing layer": (functional(layer("ReLU", "a", [["c", 0, 0, {}]]), last="a"), "node a"),
    "missing call": (functional(layer("ReLU", "a", [["input_1", 4, 0, {}]]), last="a"), "node a"),
    "missing tensor": (functional(layer("ReLU", "a", [["input_1", 0, 7, {}]]), last="a"), "node a"),
    "missing second call": (
        functional(layer("ReLU", "a", [["input_1", 0, 0, {}]]), layer("ELU", "b", [["a", 1, 0, {}]]), last="b"),
        "node b",
    ),
    "missing second tensor": (functional(layer("ReLU", "a", [["input_1", 0, 1, {}]]), last="a"), "node a"),
    "negative tensor": (functional(layer("ReLU", "a", [["input_1", 0, -1, {}]]), last="a"), "node a"),
    "kernel by name": (functional(conv("a", [["input_1", 0, 0, {}]], kernel_size={"height": 3}), last="a"), "node a"),
    "missing output": (functional(last="zz"), "config"),
    "no kernel": (functional(conv("a", [["input_1", 0, 0, {}]], kernel_size=None), last="a"), "node a"),
    "sizes that do not fit": (
        functional(
            conv("a", [["input_1", 0, 0, {}]]),
            conv("b", [["input_1", 0, 0, {}]], filters=7),
            layer("Maximum", "c", [["a", 0, 0, {}], ["b", 0, 0, {}]]),
            last="c",
        ),
        "node c",
    ),
    "ranks that do not join": (
        functional(
            layer("Flatten", "a", [["input_1", 0, 0, {}]]),
            layer("Concatenate", "b", [["input_1", 0, 0, {}], ["a", 0, 0, {}]]),
            last="b",
        ),
        "node b",
    ),
    "one that is added": (functional(layer("Add", "a", [["input_1", 0, 0, {}]]), last="a"), "node a"),
    "none that is joined": (functional(layer("Concatenate", "a", []), last="a"), "node a"),
    **{
        f"a shape of {target!r}": (
            functional(layer("Reshape", "a", [["input_1", 0, 0, {}]], target_shape=target), last="a"),
            "node a",
        )
        for target in (5, "ab", None, [], ["a", 3], [-2, -96], [-1, -1, 3], [-1, 0], [-1, 7], [64, 2], [64, True, 3])
    },
    "axes that are a number": (
        functional(layer("Permute", "a", [["input_1", 0, 0, {}]], dims=3), last="a"),
        "node a",
    ),
    "axes that are words": (
        functional(layer("Permute", "a", [["input_1", 0, 0, {}]], dims=[1, "b", 2]), last="a"),
        "node a",
    ),
    "axes twice": (functional(layer("Permute", "a", [["input_1", 0, 0, {}]], dims=[1, 1, 2]), last="a"), "node a"),
    **{
        f"{function} by {given}": (
            functional(layer("TFOpLambda", "a", ["input_1", 0, 0, given], function=function), last="a"),
            "node a",
        )
        for function, given in (
            (5, {}),
            ("split", {"num_or_size_splits": [1, "a"], "axis": -1}),
            ("split", {"num_or_size_splits": 2, "axis": -1}),
            ("split", {"num_or_size_splits": 0, "axis": -1}),
            ("split", {"num_or_size_splits": 3}),
            ("transpose", {"perm": [1, 0, 2, 3]}),
            ("transpose", {"perm": [0, 1, 2, "a"]}),
            ("transpose", {}),
            ("expand_dims", {}),
            ("reshape", {"shape": [-1]}),
            ("reshape", {"shape": [-1, "a"]}),
        )
    },
    "negative": (functional(conv("a", [["input_1", 0, 0, {}]], filters=-5), last="a"), "node a"),
    "huge": (functional(conv("a", [["input_1", 0, 0, {}]], filters=10**40), last="a"), "node a"),
    "activation": (functional(conv("a", [["input_1", 0, 0, {}]], activation="zap"), last="a"), "node a"),
    "activation of no kind": (
        functional(conv("a", [["input_1", 0, 0, {}]], activation={"class_name": "Zap", "config": {}}), last="a"),
        "node a",
    ),
    "activation of nothing": (
        functional(conv("a", [["input_1", 0, 0, {}]], activation={"class_name": "ReLU", "config": None}), last="a"),
        "node a",
    ),
    "dtype": (functional(conv("a", [["input_1", 0, 0, {}]], dtype="real"), last="a"), "node a"),
    "axis": (functional(layer("Concatenate", "a", [["input_1", 0, 0, {}]], axis=9), last="a"), "node a"),
    "a number without end": (
        functional(layer("LeakyReLU", "a", [["input_1", 0, 0, {}]], negative_slope=1e300), last="a"),
        "node a",
    ),
    "causal padding of two sizes": (
        functional(conv("a", [["input_1", 0, 0, {}]], padding="causal", kernel_size=[3, 2]), last="a"),
        "node a",
    ),
    "an object that is no constant": (
        functional(
            layer(
                "TFOpLambda",
                "a",
                ["input_1", 0, 0, {"y": {"class_name": "Thing", "config": {"value": 2.0}}}],
                function="math.multiply",
            ),
            last="a",
        ),
        "node a",
    ),
    "a constant without a value": (
        functional(
            layer("TFOpLambda", "a", ["input_1", 0, 0, {"y": ["_CONSTANT_VALUE", -1]}], function="math.multiply"),
            last="a",
        ),
        "node a",
    ),
    "an end that is a number": (ending(5), "config"),
    "no end": (ending([]), "config"),
    "an end that is a name": (ending("input_1"), "config"),
    "an end within an end": (ending([["input_1", 0]]), "config"),
    "twice": (functional(layer("ReLU", "input_1"), last="input_1"), "node input_1"),
    "no layers": ({"class_name": "MyModel", "config": {"units": 3}}, "config"),
    "nothing": ({}, "config"),
}


@together("case", WRONG)
def test_a_wrong_config_is_an_error_at_its_layer(case: str) -> None:
    value, place = WRONG[case]
    with pytest.raises(SpecError) as caught:
        from_keras(value)
    (found,) = caught.value.diagnostics
    assert str(found.span).endswith(place)


def nest(depth: int) -> str:
    """Models in models."""
    inner: dict[str, Any] = {"class_name": "ReLU", "config": {"name": "r"}}
    for _ in range(depth):
        inner = {"class_name": "Sequential", "config": {"name": "s", "layers": [inner]}}
    inner["config"]["build_input_shape"] = [None, 4]
    return json.dumps(inner)


def doubling(levels: int) -> str:
    """Each model calls the one within it twice: 2**levels calls from a few lines."""
    value = functional(layer("ReLU", "r", [["input_1", 0, 0, {}]]), last="r", shape=(None, 4))["config"]
    for _ in range(levels):
        inner = layer("Functional", "m", [["input_1", 0, 0, {}]], [["m", 1, 0, {}]], **value)
        value = functional(inner, last="m", shape=(None, 4))["config"]
        value["output_layers"] = [["m", 2, 0]]
    return json.dumps({"class_name": "Functional", "config": value})


TEXTS = {
    "truncated": (DATA / "nested.json").read_text()[:2_000],
    "empty": "",
    "a list": "[1, 2]",
    "brackets": "[" * 100_000,
    "braces": '{"config":' * 100_000,
    "digits": '{"config": ' + "9" * 100_000 + "}",
    "surrogate": '{"class_name": "\\ud800", "config": {"layers": [{"class_name": "\\udfff", "config": {}}]}}',
    "nested models": nest(60),
    "deep arguments": json.dumps(functional(last="input_1")).replace(
        '"inbound_nodes": []', '"inbound_nodes": [' + "[" * 400 + "]" * 400 + "]"
    ),
    "doubling": doubling(30),
}


@pytest.mark.parametrize("case", TEXTS)
def test_a_hostile_text_is_an_error(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnncalc.convert.keras.MAX_NODES", 5_000)
    path = tmp_path / "model.json"
    path.write_text(TEXTS[case])
    with pytest.raises(SpecError) as caught:
        read(str(path))
    assert str(path) in str(caught.value)
    str(caught.value).encode()


def test_invalid_json_is_located() -> None:
    with pytest.raises(SpecError) as caught:
        from_keras('{"class_name": "Sequential",\n "config": }')
    span = caught.value.diagnostics[0].span
    assert str(span) == "config:2:12"
    assert span is not None
    assert span.end == 13


def saved(path: Path, text: bytes = b"{}", member: str = "config.json", count: int = 1) -> str:
    return str(archive(path, text, member, count))


@pytest.mark.thorough
def test_zip_files_are_bounded_before_they_are_read(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="more than 10,000 members"):
        read(saved(tmp_path / "many.keras", count=10_002))
    with pytest.raises(SpecError, match="the limit of a description"):
        read(saved(tmp_path / "bomb.keras", b" " * (33 * 2**20)))
    with pytest.raises(SpecError, match=r"without `config\.json`"):
        read(saved(tmp_path / "other.keras", member="other.json"))
    whole = Path(saved(tmp_path / "whole.keras", (DATA / "first.json").read_bytes())).read_bytes()
    for size in (10, len(whole) // 2, len(whole) - 3):
        (tmp_path / "cut.keras").write_bytes(whole[:size])
        with pytest.raises(SpecError, match="zip file"):
            read(str(tmp_path / "cut.keras"))


def test_an_end_within_the_end_of_a_zip_file_hides_nothing(tmp_path: Path) -> None:
    """The zip library takes the last 22 bytes as they are, whatever is written in them."""
    path = Path(saved(tmp_path / "many.keras", count=10_002))
    path.write_bytes(path.read_bytes()[:-6] + b"PK\x05\x06\0\0")
    with pytest.raises(SpecError, match="cut off"):
        read(str(path))


def test_a_zip_file_with_numbers_of_64_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What Python's zip library writes where there are more members than 16 bits count, read back."""
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 0)
    path = tmp_path / "large.keras"
    saved(path, (DATA / "first.json").read_bytes())
    assert read(str(path)).account.parameters == read(str(DATA / "first.json")).account.parameters
    whole = bytearray(path.read_bytes())
    record = whole.index(b"PK\x06\x06")
    whole[record + 32 : record + 40] = (10_001).to_bytes(8, "little")
    path.write_bytes(whole)
    with pytest.raises(SpecError, match="more than 10,000 members"):
        read(str(path))
    whole[record] = 0
    path.write_bytes(whole)
    with pytest.raises(SpecError, match="damaged"):
        read(str(path))


def test_a_file_that_keras_saves() -> None:
    """keras.applications.ResNet50(weights=None).to_json(), Keras 3.15, zipped as in ``model.save``: count_params()."""
    account = read(str(DATA / "resnet50.keras")).account
    assert account.parameters + account.state == 25_636_712
    assert account.parameters == 25_583_592  # of the trainable weights
    assert account.opaque == {}


def test_weights_are_no_config(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    with pytest.raises(SpecError, match="it is an HDF5 file"):
        read(str(path))
    with pytest.raises(SpecError, match="there is no such file"):
        read(str(tmp_path / "missing.json"))


JUNK: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    3,
    10**30,
    1.5,
    float("inf"),
    "",
    "same",
    "relu",
    [],
    {},
    [None],
    [1, 2],
    2**62,
)


@pytest.mark.thorough
@pytest.mark.every
@pytest.mark.parametrize("name", FACTS)
def test_mutated_configs_give_an_answer_or_an_error(name: str) -> None:
    source, generator, outcomes = config(name), random.Random(name), set()
    paths = places(source)
    for _ in some(range(120), each=3):
        value = copy.deepcopy(source)
        *path, last = generator.choice(paths)
        inner = value
        for key in path:
            inner = inner[key]
        if generator.random() < 0.2:
            del inner[last]
        else:
            inner[last] = generator.choice(JUNK)
        try:
            outcomes.add(from_keras(json.dumps(value)).account.sentence != "")
        except Error as error:
            outcomes.add("error" if error.diagnostics[0].span else "an error without a place")
    assert outcomes == {True, "error"}


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ([-2, -96], "`target_shape` needs a list of sizes, got `[…]`"),
        ([True, 192], "`target_shape` needs a list of sizes, got `[…]`"),
        ([-1, -1, 3], "192 elements do not fit the shape (-1, -1, 3)"),
        ([-1, 0], "192 elements do not fit the shape (-1, 0)"),
        ([-1, 7], "192 elements do not fit the shape (-1, 7)"),
        ([64, 2], "192 elements do not fit the shape (64, 2)"),
        ([], "192 elements do not fit the shape ()"),
    ],
)
def test_shapes_that_do_not_fit(target: list[Any], message: str) -> None:
    with pytest.raises(SpecError) as caught:
        from_keras(functional(layer("Reshape", "a", [["input_1", 0, 0, {}]], target_shape=target), last="a"))
    assert caught.value.diagnostics[0].message == message


@pytest.mark.parametrize(
    ("axis", "told"),
    [(0, "the batch"), (-4, "the batch"), (-5, "`-5`"), (4, "`4`"), ("a", "`a`"), (None, "`None`"), (True, "`True`")],
)
def test_axes_that_are_none(axis: Any, told: str) -> None:
    value = functional(layer("Concatenate", "a", [["input_1", 0, 0, {}]], axis=axis), last="a")
    with pytest.raises(SpecError) as caught:
        from_keras(value)
    assert caught.value.diagnostics[0].message == f"`axis` is {told}, for a tensor of 3 axes and the batch"


def test_lists_in_lists() -> None:
    """Pairs of pairs are the deepest that Keras writes; equal numbers are one."""
    for levels, fits in ((1, True), (3, True), (4, False)):
        value = functional(conv("a", [["input_1", 0, 0, {}]], kernel_size=within(3, levels)), last="a")
        if fits:
            assert rows(from_keras(value)) == ["conv channels=4 kernel=3 padding=same"]
            continue
        with pytest.raises(SpecError):
            from_keras(value)


@pytest.mark.parametrize("size", [[3, 4, 5], [3, 0], [2, 1.5], 0, 1.5, "3", None])
def test_kernels_of_transposed_convolutions(size: Any) -> None:
    value = functional(layer("Conv2DTranspose", "a", [["input_1", 0, 0, {}]], filters=2, kernel_size=size), last="a")
    with pytest.raises(SpecError) as caught:
        from_keras(value)
    told = "`kernel` needs a whole number above 0, or one for each of 2 axes"
    assert caught.value.diagnostics[0].message == told
    value["config"]["layers"][1]["config"]["kernel_size"] = [1, 2]
    assert rows(from_keras(value)) == ["conv_transpose channels=2 kernel=(1, 2)"]


def test_an_unknown_class_of_an_open_shape() -> None:
    value = unknown(config("first"))
    shape = value["config"]["layers"][2]["inbound_nodes"][0]["args"][0]["config"]["shape"]
    shape[2] = None
    with pytest.raises(SpecError, match=r"does not know `Mystery`, and the config leaves its shape open: 8x\?x20"):
        from_keras(value)


def test_a_layer_that_nobody_takes() -> None:
    found = from_keras(functional(conv("a", [["input_1", 0, 0, {}]]), layer("ReLU", "b", [["a", 0, 0, {}]]), last="a"))
    assert [node.name for node in found.graph.nodes] == ["a", "b"]


def test_tensors_of_other_ranks_are_not_joined() -> None:
    with pytest.raises(SpecError, match="its tensors have different numbers of axes"):
        from_keras(WRONG["ranks that do not join"][0])


def test_a_vector_of_one_is_not_shaped_to_nothing() -> None:
    value = functional(layer("Reshape", "a", [["input_1", 0, 0, {}]], target_shape=[]), last="a", shape=(None, 1, 1))
    with pytest.raises(SpecError, match=r"1 elements do not fit the shape \(\)"):
        from_keras(value)


class Made:
    """A model, which is asked for its own config."""

    def __init__(self, name: str, text: str = "") -> None:
        self.name, self.text = name, text

    def to_json(self) -> str:
        if not self.text:
            raise NotImplementedError("of a class of its own")
        return self.text


def test_all_that_a_network_is_made_of(tmp_path: Path) -> None:
    text = json.dumps(config("first"))
    path = tmp_path / "first.json"
    path.write_text(text)
    found = [from_keras(source) for source in (config("first"), text, f"\n {text}", path, str(path), Made("a", text))]
    assert {each.account.parameters for each in found} == {FACTS["first"]["params"]}
    places = [each.account.sentence.partition(":")[0] for each in found]
    assert places == ["config", "config", "config", str(path), str(path), "a"]
    network = cnncalc.Network.from_keras
    assert {network(source).params().totals.params for source in (text, path, str(path), Made("a", text))} == {
        FACTS["first"]["params"]
    }


@pytest.mark.parametrize(("name", "place"), [("mine", "mine"), ("", "model")])
def test_a_model_without_a_config(name: str, place: str) -> None:
    with pytest.raises(SpecError, match="it has no config: of a class of its own") as caught:
        from_keras(Made(name))
    assert str(caught.value.diagnostics[0].span) == place


def test_an_input_that_is_not_there() -> None:
    two = config("nested")
    for given, help in (("lefft", "did you mean `left`?"), ("zzz", "inputs are `left`, `right`")):
        with pytest.raises(SpecError) as caught:
            from_keras(two, {given: (3, 16, 16)})
        (found,) = caught.value.diagnostics
        assert (found.message, found.help) == (f"there is no input `{given}`", help)


def test_a_given_shape_has_as_many_axes_as_is_stated() -> None:
    with pytest.raises(SpecError, match="the input has 3 axes, `3 x 10` has 2"):
        from_keras(config("first"), (3, 10))


def test_sizes_that_are_stated_may_be_given_again() -> None:
    assert from_keras(config("first"), (3, 16, 20)).account.compared == from_keras(config("first")).account.compared
    assert not from_keras(config("first"), (3, 16, 21)).account.compared


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ([None, -1, 8, 3], "the config does not say the shape of the input `input_1`"),
        (["a", 8, 8, 3], "the config does not say the shape of the input `input_1`"),
        ("3x8x8", "the config does not say the shape of the input `input_1`"),
        ([], "the config does not say the shape of the input `input_1`"),
        ([None, 0, 8, 3], "the output 3 x 0 x 8 would be empty"),
    ],
)
def test_shapes_that_say_nothing(shape: Any, message: str) -> None:
    value = functional(layer("ReLU", "a", [["input_1", 0, 0, {}]]), last="a")
    value["config"]["layers"][0]["config"]["batch_input_shape"] = shape
    with pytest.raises(SpecError) as caught:
        from_keras(value)
    assert caught.value.diagnostics[0].message == message


def within(value: Any, levels: int) -> Any:
    """A value in so many lists."""
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("more", [0, 1])
def test_nesting_is_bounded(more: int) -> None:
    """32 levels of models within models, of lists in an argument, and of lists around an output."""
    call = ["input_1", 0, 0, {"y": within(1.0, 32 + more)}]
    sources = {
        "models are nested deeper than 32 levels": nest(33 + more),
        "the arguments are nested deeper than 32 levels": functional(
            layer("TFOpLambda", "a", call, function="math.add"), last="a"
        ),
        "an end of the model names no layer, call and tensor": ending(within(["input_1", 0, 0], 32 + more)),
    }
    for message, source in sources.items():
        try:
            told = from_keras(source).account.failures()
        except SpecError as error:
            told = [each.message for each in error.diagnostics]
        assert told == ([message] if more else [])


def test_layers_and_calls_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    value = functional(layer("ReLU", "a", [["input_1", 0, 0, {}]]), layer("ELU", "b", [["a", 0, 0, {}]]), last="b")
    monkeypatch.setattr("cnncalc.convert.keras.MAX_NODES", 2)
    monkeypatch.setattr("cnncalc.convert.keras.config.MAX_NODES", 3)
    assert len(from_keras(value).graph.nodes) == 2
    monkeypatch.setattr("cnncalc.convert.keras.MAX_NODES", 1)
    with pytest.raises(SpecError, match="more than 1 calls of layers"):
        from_keras(value)
    monkeypatch.setattr("cnncalc.convert.keras.config.MAX_NODES", 2)
    with pytest.raises(SpecError, match="it has more than 2 layers"):
        from_keras(value)


def test_calls_of_keras_1_and_2_with_and_without_arguments() -> None:
    for inbound in (["input_1", 0, 0], ["input_1", 0, 0, None], ["input_1", 0, 0, {}], ["input_1", 0, 0, {"mask": 1}]):
        found = from_keras(functional(layer("ReLU", "a", [inbound]), last="a"))
        assert [(node.kind, node.inputs) for node in found.graph.nodes] == [("relu", (0,))]


def test_a_layer_s_name_means_all_of_its_rows() -> None:
    """Also where no row has that name, and where the rows before have others."""
    before = layer("ReLU", "before", [["input_1", 0, 0, {}]])
    arguments = {"filters": 4, "kernel_size": 3, "activation": "relu"}
    found = from_keras(
        functional(before, layer("SeparableConv2D", "one", [["before", 0, 0, {}]], **arguments), last="one")
    )
    graph, account = found
    assert [node.name for node in graph.nodes] == ["before", "one.depthwise", "one.pointwise", "one.act"]
    one = graph.find("one")
    assert (one.tensor, list(one.layers)) == (graph.nodes[3].number, [1, 2, 3])
    assert account.names["one"] == "one"


def test_a_name_of_no_letters_is_none() -> None:
    arguments = {"filters": 4, "kernel_size": 3}
    graph, account = from_keras(functional(layer("SeparableConv2D", "!", ["input_1", 0, 0, {}], **arguments), last="!"))
    assert account.names["!"] == graph.nodes[0].name != graph.nodes[1].name
    assert "" not in graph.names


@pytest.mark.parametrize(
    ("size", "compared"),
    [([None, 8, 8, 3], 2), ([None, None, 8, 3], 2), ([None, 8, 9, 3], 0), ([None, 8, 3], 0), (None, 1)],
)
def test_a_model_on_other_sizes_than_it_was_built_with(size: Any, compared: int) -> None:
    """What its config states of its layers holds where its input is of the size that it had then."""
    inner = [
        {**layer(kind, name), "build_config": {"input_shape": [None, 8, 8, 3]}}
        for kind, name in (("ReLU", "a"), ("ELU", "b"))
    ]
    if size is None:
        del inner[0]["build_config"]
    elif size == [None, 8, 9, 3]:
        inner[1]["build_config"]["input_shape"] = size
    chain = layer("Sequential", "chain", [["input_1", 0, 0, {}]], layers=inner, build_input_shape=size)
    graph, account = from_keras(functional(chain, last="chain"))
    assert [node.name for node in graph.nodes] == ["chain.a", "chain.b"]
    assert account.compared == compared


def test_a_model_without_layers_is_no_part() -> None:
    inner = functional(last="input_1")["config"]
    nested = layer("Functional", "nothing", [["input_1", 0, 0, {}]], **inner)
    graph, _ = from_keras(functional(nested, layer("ReLU", "a", [["nothing", 0, 0, {}]]), last="a"))
    assert graph.parts == []
    assert [node.name for node in graph.nodes] == ["a"]


def test_half_of_a_pair_of_utf_16_is_replaced() -> None:
    """No output could print it."""
    assert parse(b'{"name": "\\ud83d", "whole": "\\ud83d\\ude00", "plain": "d"}', "x.json") == {
        "name": "?",
        "whole": "\U0001f600",
        "plain": "d",
    }


def test_a_layer_that_leaves_out_where_its_channels_are_has_them_where_the_model_has() -> None:
    value = config("first")
    layers = [each for each in value["config"]["layers"] if "data_format" in each["config"]]
    assert len(layers) > 1
    del layers[0]["config"]["data_format"]
    assert from_keras(value).graph.shapes == from_keras(config("first")).graph.shapes
