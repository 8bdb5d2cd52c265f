"""Darknet's files: figures against Darknet itself, its rules for each section, and files that are wrong.

The networks are written here from their papers' tables; the figures are those that Darknet (commit f6afaab) gives for
its own file of the same name: ``darknet ops yolov3.cfg`` prints twice the multiplications, and what ``darknet reset
yolov3.cfg "" weights`` writes has 20 bytes and four per element of parameters and statistics.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from convert import exporting, importing
from sampling import together

import cnncalc
from cnncalc.convert import Imported
from cnncalc.convert.darknet import from_text, read
from cnncalc.diagnostics import Diagnostic, Error, SpecError


def section(word: str, **options: object) -> str:
    return f"[{word}]\n" + "".join(f"{key}={value}\n" for key, value in options.items()) + "\n"


def net(size: int, channels: int = 3) -> str:
    return section("net", batch=1, width=size, height=size, channels=channels)


def conv(filters: int, size: int, stride: int = 1, activation: str = "leaky", batch_normalize: int = 1) -> str:
    return section(
        "convolutional",
        batch_normalize=batch_normalize,
        filters=filters,
        size=size,
        stride=stride,
        pad=1,
        activation=activation,
    )


def stages() -> str:
    """Darknet-53's convolutions: table 1 of YOLOv3."""
    text = conv(32, 3)
    for filters, repeats in ((64, 1), (128, 2), (256, 8), (512, 8), (1024, 4)):
        text += conv(filters, 3, 2)
        for _ in range(repeats):
            text += conv(filters // 2, 1) + conv(filters, 3) + section("shortcut", **{"from": -3}, activation="linear")
    return text


def darknet53() -> str:
    return net(256) + stages() + section("avgpool") + conv(1000, 1, 1, "linear", 0) + section("softmax", groups=1)


def head(filters: int, out: int = 255) -> str:
    pair = conv(filters, 1) + conv(2 * filters, 3)
    return pair * 3 + conv(out, 1, 1, "linear", 0) + section("yolo", classes=80)


def branch(filters: int, layer: int) -> str:
    return (
        section("route", layers=-4)
        + conv(filters, 1)
        + section("upsample", stride=2)
        + section("route", layers=f"-1, {layer}")
    )


def yolov3(size: int) -> str:
    return net(size) + stages() + head(512) + branch(256, 61) + head(256) + branch(128, 36) + head(128)


def yolov3_tiny(size: int) -> str:
    text = net(size)
    for number, filters in enumerate((16, 32, 64, 128, 256, 512)):
        text += conv(filters, 3) + section("maxpool", size=2, stride=2 if number < 5 else 1)
    text += conv(1024, 3) + conv(256, 1) + conv(512, 3) + conv(255, 1, 1, "linear", 0) + section("yolo")
    return text + branch(128, 8) + conv(256, 3) + conv(255, 1, 1, "linear", 0) + section("yolo")


def vgg16() -> str:
    text = net(256) + section("crop", crop_height=224, crop_width=224)
    for filters, repeats in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        text += conv(filters, 3, 1, "relu", 0) * repeats + section("maxpool", size=2, stride=2)
    for _ in range(2):
        text += section("connected", output=4096, activation="relu") + section("dropout", probability=0.5)
    return text + section("connected", output=1000, activation="linear") + section("softmax") + section("cost")


PUBLISHED = {
    "darknet53": (darknet53(), 41_609_928, 41_645_640, 18_570_231_808),
    "yolov3": (yolov3(608), 61_949_149, 62_001_757, 140_691_900_416),
    "yolov3-tiny": (yolov3_tiny(416), 8_852_366, 8_858_734, 5_564_961_792),
    "vgg-16": (vgg16(), 138_357_544, 138_357_544, 30_940_528_640),
}
"""A text; its parameters (elements less the statistics), elements, and operations."""


def macs(found: Imported) -> int:
    return sum(node.operation.macs or 0 for node in found.graph.nodes)


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_figures_are_darknets(name: str) -> None:
    text, parameters, elements, operations = PUBLISHED[name]
    found = from_text(text)
    assert found.account.opaque == {}
    assert (found.account.parameters, found.account.parameters + found.account.state) == (parameters, elements)
    assert 2 * macs(found) == operations


def test_yolov3_at_416_has_its_published_operations() -> None:
    """65.86 Bn in the table of https://pjreddie.com/darknet/yolo/ for YOLOv3-416."""
    found = from_text(yolov3(608), inputs=(3, 416, 416))
    assert round(2 * macs(found) / 1e9, 2) == 65.86
    assert [(name, found.graph.shapes[tensor]) for name, tensor in found.graph.outputs] == [
        ("yolo_82", (255, 13, 13)),
        ("yolo_94", (255, 26, 26)),
        ("yolo_106", (255, 52, 52)),
    ]


# -- the rules of its sections -----------------------------------------------------------------------------------------


def last(text: str, size: int = 9, channels: int = 8) -> tuple[int, ...]:
    return from_text(net(size, channels) + text).graph.shapes[-1]


SIZES = [
    (section("maxpool", size=2, stride=2), (8, 5, 5)),
    (section("maxpool", size=2, stride=1), (8, 9, 9)),
    (section("maxpool", size=3, stride=2, padding=0), (8, 4, 4)),
    (conv(4, 3, 2), (4, 5, 5)),
    (section("convolutional", filters=4, size=3, stride=2, padding=2), (4, 6, 6)),
    (section("local", filters=2, size=3, stride=1, pad=1), (2, 9, 9)),
    (section("deconvolutional", filters=2, size=4, stride=2, padding=1), (2, 18, 18)),
    (section("reorg", stride=3), (72, 3, 3)),
    (section("upsample", stride=3), (8, 27, 27)),
    (section("avgpool"), (8, 1, 1)),
    # what darknet's parser.c takes where nothing is said
    (section("convolutional"), (1, 9, 9)),
    (section("deconvolutional"), (1, 9, 9)),
    (section("connected"), (1,)),
    (section("maxpool"), (8, 9, 9)),
    (section("maxpool", stride=3), (8, 3, 3)),
    (section("upsample"), (8, 18, 18)),
    (section("local"), (1, 9, 9)),
    (section("reorg"), (8, 9, 9)),
    (section("normalization"), (8, 9, 9)),
    (section("crop"), (8, 1, 1)),
    # the least that options may be
    (section("conv", filters=1, size=1, stride=1, groups=1, dilation=1, stride_x=1, stride_y=1, padding=0), (1, 9, 9)),
    (section("deconv", filters=1, size=1, stride=1, pad=0), (1, 9, 9)),
    (section("conn", output=1, batch_normalize=0), (1,)),
    (section("max", size=1, stride=1), (8, 9, 9)),
    (section("upsample", stride=1), (8, 9, 9)),
    (section("local", filters=1, size=1, stride=1, pad=0), (1, 9, 9)),
    (section("reorg", stride=1, reverse=0), (8, 9, 9)),
    (section("crop", crop_height=1, crop_width=1), (8, 1, 1)),
    (section("lrn", size=1), (8, 9, 9)),
    # half of an even size, a total of three, a remainder, and two axes that differ
    (section("conv", size=4, pad=1, stride_x=3), (1, 10, 4)),
    (section("conv", size=3, stride=2, stride_y=1), (1, 7, 4)),
    (section("deconv", size=4, stride=2, pad=1), (1, 16, 16)),
    (section("max", size=4, stride=1), (8, 9, 9)),
    (section("local", size=3, stride=2, filters=2), (2, 4, 4)),
    (section("local", size=9), (1, 1, 1)),
    (section("crop", crop_height=9, crop_width=4), (8, 9, 4)),
    (section("reorg", stride=2, reverse=1), (2, 18, 18)),
]


@together("text, shape", SIZES)
def test_sections_have_the_sizes_that_darknet_prints(text: str, shape: tuple[int, ...]) -> None:
    """``darknet ops`` on `net(9, 8)` and the section lists its output, width first, or the one after it its input."""
    assert last(text) == shape


def test_a_local_layer_has_weights_at_every_position() -> None:
    """YOLOv1's: 7 x 7 positions of 256 kernels of 3 x 3 x 1024, and as many offsets as outputs."""
    found = from_text(net(7, 1024) + section("local", filters=256, size=3, pad=1, activation="leaky"))
    products = 7 * 7 * 256 * 3 * 3 * 1024
    assert found.account.opaque == {"local": ["local_0"]}
    assert (found.account.parameters, macs(found)) == (products + 7 * 7 * 256, products)


def test_a_route_takes_parts_of_channels() -> None:
    found = from_text(net(9, 8) + conv(8, 1) + section("route", layers=-1, groups=2, group_id=1))
    (node,) = [node for node in found.graph.nodes if node.kind == "slice"]
    assert node.operation.layer.channels == (4, 8)  # type: ignore[attr-defined]


def test_a_shortcut_strides_and_fills_channels_with_zeros() -> None:
    """``shortcut_cpu`` adds every second position of the channels that both have."""
    found = from_text(net(8, 4) + conv(4, 1) + conv(6, 3, 2) + section("shortcut", **{"from": -2}))
    assert [node.kind for node in found.graph.nodes[-3:]] == ["max_pool", "pad", "add"]
    assert found.graph.shapes[-1] == (6, 4, 4)


def test_an_activation_that_is_not_given_is_logistic() -> None:
    found = from_text(net(9, 8) + section("convolutional", filters=2))
    assert [node.kind for node in found.graph.nodes] == ["conv", "sigmoid"]


def test_batch_normalisation_takes_the_place_of_the_bias() -> None:
    found = from_text(net(9, 8) + conv(16, 3))
    assert [node.name for node in found.graph.nodes] == ["conv_0", "conv_0.norm", "conv_0.act"]
    assert (found.account.parameters, found.account.state) == (8 * 16 * 9 + 2 * 16, 2 * 16)


def test_a_shared_convolution_counts_once() -> None:
    first = conv(8, 3)
    found = from_text(net(9, 8) + first + first.replace("[convolutional]", "[convolutional]\nshare_index=0"))
    assert found.account.parameters == 8 * 8 * 9 + 2 * 8


READ = {
    "yolov3-tiny": yolov3_tiny(96),
    "activations": net(8) + "".join(
        section("convolutional", filters=2, size=1, activation=word)
        for word in ("logistic", "relu", "leaky", "linear", "elu", "selu", "gelu", "swish", "mish", "tanh", "relu6")
    ),
    "kernels": net(12)
    + section("convolutional", filters=6, size=3, stride_x=2, stride_y=1, pad=1, groups=3, dilation=2),
    "parts": net(9, 8) + conv(8, 1) + section("route", layers="-1, 0", groups=2, group_id=1) + section("dropout"),
    "scaled": net(8, 4) + conv(4, 1) + section("avgpool") + section("scale_channels", **{"from": 0}),
    "norms": net(8, 4) + section("batchnorm") + section("l2norm") + section("softmax", spatial=1) + section("softmax"),
    "rows of numbers": "[net]\ninputs=10\n" + section("connected", output=4, batch_normalize=1, activation="relu")
    + section("connected", output=2, activation="linear") + section("softmax"),
    "crop": net(12) + section("crop", crop_width=8, crop_height=6) + conv(4, 1)
    + section("upsample", stride=2, scale=2) + section("normalization", size=5, alpha=0.1, beta=0.5, kappa=2),
    "reorg": net(12) + section("reorg", stride=2) + conv(8, 1) + section("reorg", stride=2, reverse=1),
    "pools": net(9) + section("maxpool", size=3, stride=1, padding=2) + section("maxpool", stride=3),
    "shortcuts": net(8, 4) + conv(6, 1) + conv(4, 3, 2) + section("shortcut", **{"from": -2}, activation="leaky")
    + conv(4, 1) + section("shortcut", **{"from": "-2,-1"}),
    "other channels": net(8, 4) + conv(6, 1) + conv(3, 1) + section("shortcut", **{"from": -2})
    + conv(6, 1) + section("shortcut", **{"from": 1}) + conv(6, 3, 2) + section("shortcut", **{"from": -2}),
    "two axes": section("net", height=8, width=6, channels=4) + section("conv", filters=5, size=3)
    + section("conv", filters=2, stride=2) + section("shortcut", **{"from": -2})
    + section("local", filters=2, size=2),
    "local": section("net", height=4, width=8, channels=3) + section("local", filters=2, size=3, stride=2),
    "shares": net(8, 4) + section("conv", filters=4, activation="linear") + section("conv", filters=4, share_index=0)
    + section("conv", filters=4, share_index=-1, activation="relu"),
    "rows that follow": net(8) + section("conv", size=8, filters=5) + section("conv", filters=2)
    + section("route", layers=0) + section("route", layers="-3,", groups=1) + section("softmax")
    + section("route", layers="0,1", groups=1) + section("activation", activation="relu")
    + section("logistic") + section("activation") + section("dropout", probability=0.25) + section("cost"),
    "pointwise": net(8) + conv(2, 1) + section("conv", activation="hardtan"),
    "a column": section("net", height=2, width=1, channels=3) + section("softmax"),
    "a stride of two axes": section("net", height=8, width=6, channels=4) + section("conv", filters=4)
    + section("conv", filters=4, stride=2) + section("shortcut", **{"from": -2}),
    "an input of one": "[net]\ninputs=1\n[connected]\n",
    "spelling": "# a network\n[ network ]\n height = 8 ; high\nwidth=+6\nwidth=7\nchannels=2 # deep\n\n"
    + "  [conv]\nsize=3\n",
    "net": section("net", height=8, width=6, channels=2, max_crop=9) + conv(2, 3),
    **{f"section {place}": net(9, 8) + text for place, (text, _) in enumerate(SIZES)},
}  # fmt: skip


def test_what_is_read(request: pytest.FixtureRequest) -> None:
    """Letter by letter, and with their help what is wrong."""
    found = {name: importing.told(from_text, text) for name, text in READ.items()}
    found |= {name: f"{wrong(text)}\n" for name, (text, _) in WRONG.items()}
    exporting.check(importing.GOLDEN / "darknet.txt", found, request.config.getoption("--rewrite"))


# -- files that are wrong ----------------------------------------------------------------------------------------------

WRONG = {
    "empty": ("", "net.cfg"),
    "no net": (conv(3, 3), "net.cfg:1:1"),
    "no layers": (net(8), "net.cfg:1:1"),
    "option first": ("width=3\n", "net.cfg:1:1"),
    "no equals": ("[net]\nwidth 3\n", "net.cfg:2:1"),
    "open bracket": ("[net\n", "net.cfg:1:1"),
    "no width": ("[net]\nheight=3\nchannels=3\n[softmax]\n", "net.cfg:1:1"),
    "word": (net(8) + "[convolutional]\n  filters = many\n", "net.cfg:8:13"),
    "negative": (net(8) + "[convolutional]\nfilters=-4\n", "net.cfg:8:9"),
    "digits": (net(8) + f"[convolutional]\nfilters={'9' * 5_000}\n", "net.cfg:8:9"),
    "huge": (net(8) + f"[convolutional]\nfilters={5 * 10**17}\nsize=3\npad=1\n", "net.cfg:7:1"),
    "too large a kernel": (net(8) + "[convolutional]\nsize=9\n", "net.cfg:8:6"),
    "groups": (net(8) + "[convolutional]\nfilters=4\ngroups=2\n", "net.cfg:9:8"),
    "stride 0": (net(8) + "[maxpool]\nsize=2\nstride=0\n", "net.cfg:9:8"),
    "activation": (net(8) + "[convolutional]\nactivation=laeky\n", "net.cfg:8:12"),
    "later layer": (net(8) + "[route]\nlayers = -1\n", "net.cfg:8:10"),
    "route of itself": (net(8) + conv(4, 1) + "[route]\nlayers=1\n", "net.cfg:16:8"),
    "no layers option": (net(8) + conv(4, 1) + "[route]\n", "net.cfg:15:1"),
    "shapes": (net(8) + conv(4, 1) + conv(4, 2) + "[shortcut]\nfrom=-2\n", "net.cfg:24:6"),
    "unknown section": (net(8) + "[convolutionl]\n", "net.cfg:7:1"),
    "flat": ("[net]\ninputs=10\n[maxpool]\nsize=2\n", "net.cfg:3:1"),
    "no input": ("[net]\ninputs=0\n[connected]\n", "net.cfg:2:8"),
    "a word that would control a terminal": (net(8) + "[\x1b[31mconv]\n", "net.cfg:7:1"),
    "a value that would": (net(8) + "[conv]\nfilters\t=\t\x1b[31m4\n", "net.cfg:8:11"),
    "behind the bracket": ("[net] x\n", "net.cfg:1:1"),
    "no name": (net(8) + " = 3\n", "net.cfg:7:2"),
    "a long line": (net(8) + f"  size: {'3' * 200}\n", "net.cfg:7:3"),
    "nothing": (net(8) + "[conv]\nfilters=\n", "net.cfg:8:9"),
    "19 digits": (net(8) + f"[conv]\nfilters={'9' * 19}\n", "net.cfg:8:9"),
    "18 digits": (net(8) + f"[route]\nlayers=-{'9' * 18}\n", "net.cfg:8:8"),
    "raised": (net(8) + "[conv]\nfilters=²\n", "net.cfg:8:9"),
    "below nothing": (net(8) + "[conv]\npadding = -1 # no\n", "net.cfg:8:11"),
    "yes": (net(8) + "[conv]\npad=yes\n", "net.cfg:8:5"),
    "many letters": (net(8) + f"[dropout]\nprobability={'much' * 11}\n", "net.cfg:8:13"),
    "endless": (net(8) + "[dropout]\nprobability=1e300\n", "net.cfg:8:13"),
    "no number": (net(8) + "[lrn]\nalpha=nan\n", "net.cfg:8:7"),
    "long activation": (net(8) + f"[conv]\nactivation={'z' * 41}\n", "net.cfg:8:12"),
    "before the first": (net(8) + conv(4, 1) + "[route]\nlayers=-1,-2\n", "net.cfg:16:8"),
    "part": (net(8) + conv(4, 1) + "[route]\nlayers=0\ngroups=2\ngroup_id=2\n", "net.cfg:18:10"),
    "too large a local": ("[net]\nheight=4\nwidth=8\nchannels=3\n[local]\nsize=5\n", "net.cfg:6:6"),
    "too wide a local": ("[net]\nheight=8\nwidth=4\nchannels=3\n[local]\nsize=5\n", "net.cfg:6:6"),
    "too large a crop": (net(8) + "[crop]\ncrop_height=8\ncrop_width=9\n", "net.cfg:9:12"),
    "flat shortcut": (net(8) + conv(4, 1) + "[connected]\noutput=4\n[shortcut]\nfrom=-2\n", "net.cfg:18:6"),
    "other strides": (net(8) + conv(4, 1) + "[conv]\nstride_x=2\n[shortcut]\nfrom=-2\n", "net.cfg:18:6"),
    "one axis": (net(8) + conv(4, 1) + "[crop]\ncrop_height=8\ncrop_width=3\n[shortcut]\nfrom=0\n", "net.cfg:19:6"),
    "shares of another": (net(8) + conv(4, 1) + "[conv]\nfilters=4\nsize=3\nshare_index=0\n", "net.cfg:18:13"),
}


def wrong(text: str) -> Diagnostic:
    """The one error of a text."""
    with pytest.raises(SpecError) as caught:
        from_text(text)
    (found,) = caught.value.diagnostics
    return found


@together("case", WRONG)
def test_a_wrong_file_is_an_error_at_its_line(case: str) -> None:
    text, place = WRONG[case]
    assert str(wrong(text).span) == place


def test_a_misspelt_word_is_suggested() -> None:
    for text, name in ((net(8) + "[convolutionl]\n", "convolutional"), (net(8) + conv(3, 1, 1, "laeky"), "leaky")):
        assert wrong(text).help == f"did you mean `{name}`?"


def test_a_file_is_bounded_and_text(tmp_path: Path) -> None:
    path = tmp_path / "a.cfg"
    text = net(8).encode() + conv(3, 3).encode()
    path.write_bytes(text + b"#" * (4 * 2**20 - len(text)))
    assert read(str(path)).graph.name == "a"
    path.write_bytes(path.read_bytes() + b"#")
    with pytest.raises(SpecError, match=r"it has more than 4,194,304 bytes, the limit of a \.cfg file"):
        read(str(path))
    path.write_bytes(b"[net]\n\xff\xfe")
    with pytest.raises(SpecError, match="it is not UTF-8: byte 6"):
        read(str(path))
    with pytest.raises(SpecError, match="there is no such file"):
        read(str(tmp_path / "b.cfg"))


def test_sections_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnncalc.convert.darknet_file.MAX_NODES", 3)
    assert len(from_text(net(8) + conv(3, 1) * 2).graph.nodes) == 6
    found = wrong(net(8) + conv(3, 1) * 3)
    assert (found.message, str(found.span)) == ("it has more than 3 sections", "net.cfg:23:1")


def test_a_network_is_called_after_its_file() -> None:
    names = [from_text(net(8) + conv(3, 1), source).graph.name for source in ("a.b/c.d.cfg", "net", "nets/x.cfg")]
    assert names == ["c.d", "network", "x"]


def test_inputs_that_are_given() -> None:
    """By their name or without one; a file that has a size of its own is read at another."""
    text = "[net]\nchannels=3\n" + conv(3, 1)
    for inputs in ((3, 4, 6), {"input": (3, 4, 6)}):
        assert from_text(text, "net.cfg", inputs).graph.shapes[-1] == (3, 4, 6)
    assert from_text(net(8) + conv(3, 1), "net.cfg", {}).graph.shapes[-1] == (3, 8, 8)
    with pytest.raises(SpecError, match="there is no input `x`"):
        from_text(net(8) + conv(3, 1), "net.cfg", {"input": (3, 4, 6), "x": (3, 4, 6)})


@pytest.mark.thorough
def test_mutated_files_give_an_answer_or_an_error() -> None:
    lines = (yolov3_tiny(96) + section("connected", output=7) + section("softmax")).splitlines()
    generator, outcomes = random.Random(9), set()
    junk = ("", "0", "-1", "1", "7", "1e9", "99999999", "leaky", "-1,-2", "=", "[route]", "[yolo]", "\x00", "½")
    for _ in range(600):
        changed = list(lines)
        place = generator.randrange(len(changed))
        if generator.random() < 0.2:
            del changed[place]
        elif "=" in changed[place]:
            changed[place] = changed[place].partition("=")[0] + "=" + generator.choice(junk)
        else:
            changed[place] = generator.choice(junk)
        try:
            outcomes.add(from_text("\n".join(changed)).account.sentence != "")
        except Error as error:
            outcomes.add("error" if error.diagnostics[0].span else "an error without a place")
    assert outcomes == {True, "error"}


@pytest.mark.parametrize(("inputs", "last"), [((9, 10, 3), True), ((3, 9, 10), False)])
def test_sizes_from_outside_are_in_the_order_of_the_layout(inputs: tuple[int, ...], last: bool, tmp_path: Path) -> None:
    path = tmp_path / "net.cfg"
    path.write_text("[net]\nheight=8\nwidth=8\nchannels=3\n\n[maxpool]\nsize=2\nstride=2\n")
    for given in (inputs, {"input": inputs}):
        graph = cnncalc.load(path, inputs=given, channels_last=last).graph
        assert graph.inputs == (("input", (3, 9, 10)),)
    assert cnncalc.load(path, channels_last=last).graph.inputs == (("input", (3, 8, 8)),)
