"""Pictures of comparisons: what is in them, read back from the SVG."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from sampling import together

from cnncalc.compare.selection import selection
from cnncalc.compare.settings import read_over
from cnncalc.compare.sweep import Sweep, compare, open_spec
from cnncalc.diagnostics import UsageFault
from cnncalc.render.chart import render
from cnncalc.tables.chart import Axis, Chart, Panel, Series, chart

SVG = "{http://www.w3.org/2000/svg}"


def swept(*specs: str, over: tuple[str, ...] = ()) -> Sweep:
    keys = ("params", "macs", "peak_memory", "field")
    return compare([open_spec(spec) for spec in specs], [read_over(text) for text in over], keys)


def drawn(picture: Chart) -> tuple[list[list[tuple[float, float]]], list[str]]:
    """The lines as pixels, and all texts; raises where the SVG is not well formed."""
    root = ElementTree.fromstring(render(picture))
    lines = [
        [(float(x), float(y)) for x, y in (pair.split(",") for pair in line.attrib["points"].split())]
        for line in root.iter(f"{SVG}polyline")
    ]
    return lines, [text.text or "" for text in root.iter(f"{SVG}text")]


def test_one_swept_number_is_lines() -> None:
    found = swept("mobilenet_v1", "mobilenet_v2", over=("width=0.25,0.5,1,2",))
    picture = chart(found, selection("params,peak_memory", arguments=["width"]))
    assert [panel.y.title for panel in picture.panels] == ["Params", "Peak"]
    assert [series.name for series in picture.panels[0].lines] == ["mobilenet_v1", "mobilenet_v2"]
    # Keras' MobileNet, and torchvision's mobilenet_v2
    assert (0.25, 470_072) in picture.panels[0].lines[0].points
    assert (1, 3_504_872) in picture.panels[0].lines[1].points
    lines, texts = drawn(picture)
    assert [len(line) for line in lines] == [4] * 4
    assert all(x < after for line in lines for (x, _), (after, _) in pairwise(line))
    assert all(y > after for line in lines[:2] for (_, y), (_, after) in pairwise(line))  # more is higher up
    assert {"width", "Params", "1", "10 M", "mobilenet_v1"} <= {text.partition(" (")[0] for text in texts}
    assert any(text.endswith(" MiB") for text in texts)


def test_several_settings_are_lines_of_their_own() -> None:
    found = swept("mobilenet_v2", over=("width=0.5,1", "size=64..256..64"))
    picture = chart(found, selection("macs", arguments=["width", "size"]))
    assert picture.panels[0].x.title == "size"
    assert picture.title == "mobilenet_v2 by size"
    assert [series.name for series in picture.panels[0].lines] == ["width=0.5", "width=1"]
    found = swept("mobilenet_v1", "mobilenet_v2", over=("width=0.5,1", "size=64..128..32"))
    picture = chart(found, selection("macs", arguments=["width", "size"]))
    assert picture.title == "by size"
    assert [series.name for series in picture.panels[0].lines] == [
        f"mobilenet_v{version}, width={width}" for version in (1, 2) for width in ("0.5", "1")
    ]


def test_two_figures_are_a_scatter_with_its_front() -> None:
    """torchvision: AlexNet has the fewest MACs of these, SqueezeNet 1.1 the fewest parameters."""
    found = swept("alexnet", "vgg11", "squeezenet1_1", "resnet18", "squeezenet1_0")
    panel = chart(found, selection(front="macs,params")).panels[0]
    assert panel.points is not None
    assert set(panel.points.names) == {"alexnet", "vgg11", "squeezenet1_1", "resnet18", "squeezenet1_0"}
    assert panel.lines[0].names == ("squeezenet1_1",)
    more = chart(found, selection(front="macs,+params")).panels[0]
    assert more.lines[0].names == ("squeezenet1_1", "alexnet", "vgg11")
    lines, texts = drawn(chart(found, selection("macs,params")))
    assert len(lines) == 1
    assert "squeezenet1_1" in texts


NETS = {
    "one": "args: {w: 4, k: 3, act: relu, bias: false}\ninput: [3, 16, 16]\nvariants: {one: {}, wide: {w: 6}}\n"
    "layers: [{conv: w, kernel: k, bias: bias, act: act}]\n",
    "two": "args: {w: 4, act: relu}\ninput: [3, 16, 16]\nlayers: [{conv: 2*w, kernel: 1, act: act}]\n",
    "flat": "args: {w: 4}\ninput: [3]\nlayers: [{linear: w}]\n",
}


@pytest.mark.usefixtures("nets")
@pytest.mark.parametrize(
    ("specs", "over", "title", "axis", "lines"),
    [
        (("one",), ("w=1,2",), "one by w", "w", ["one"]),
        (("one", "two"), ("w=1,2",), "by w", "w", ["one", "two"]),
        (("one",), ("w=1,2,3", "size=8,9"), "one by w", "w", ["size=8", "size=9"]),
        (("one",), ("w=1,2", "size=8,9,10"), "one by size", "size", ["w=1", "w=2"]),
        (("one", "two"), ("w=1", "size=8,9"), "by size", "size", ["one, w=1", "two, w=1"]),
        (("one",), ("act=relu,tanh,elu", "w=1,2"), "one by w", "w", ["act=relu", "act=tanh", "act=elu"]),
        (("one",), ("bias=true,false", "w=4"), "one by w", "w", ["bias=true", "bias=false"]),
        (("one",), ("variant=*", "w=1,2,3"), "one by w", "w", ["variant=one", "variant=wide"]),
    ],
)
def test_which_number_is_drawn_along_and_what_the_lines_are_called(
    specs: tuple[str, ...], over: tuple[str, ...], title: str, axis: str, lines: list[str]
) -> None:
    """The number of the most values; words and flags are no numbers, and tell lines apart."""
    arguments = [each.partition("=")[0] for each in over]
    picture = chart(swept(*specs, over=over), selection("macs", arguments=arguments))
    (panel,) = picture.panels
    assert (picture.title, panel.x, [series.name for series in panel.lines]) == (title, Axis(axis), lines)


@pytest.mark.usefixtures("nets")
def test_a_figure_that_does_not_apply_is_not_drawn() -> None:
    """A flat input has no receptive field: a network without one has no line, and a figure without a line no panel."""
    arguments = {"arguments": ["w"]}
    panels = chart(swept("one", "flat", over=("w=1,2",)), selection("params,field", **arguments)).panels
    assert [[series.name for series in panel.lines] for panel in panels] == [["one", "flat"], ["one"]]
    assert [series.points for series in panels[0].lines] == [((1, 27), (2, 54)), ((1, 4), (2, 8))]
    alone = chart(swept("flat", over=("w=1,2",)), selection("field,params", **arguments))
    assert [panel.y.title for panel in alone.panels] == ["Params"]
    with pytest.raises(UsageFault, match="none of the figures applies"):
        chart(swept("flat", over=("w=1,2",)), selection("field", **arguments))


@pytest.mark.usefixtures("nets")
def test_a_scatter_is_of_the_first_two_figures() -> None:
    """Networks that have not both are left out: a flat one has no receptive field."""
    found = swept("one", "two", "flat", over=("w=4",))
    panel = chart(found, selection("w", front="+field,params,macs", arguments=["w"])).panels[0]
    assert (panel.x.title, panel.y, panel.lines[0].name) == ("Field", Axis("Params"), "not beaten in both")
    assert panel.points == Series("", ((3, 108), (1, 32)), ("one, w=4", "two, w=4"))
    assert (panel.lines[0].names, panel.lines[0].points) == (("two, w=4", "one, w=4"), ((1, 32), (3, 108)))
    picture = chart(swept("one", "two", "flat"), selection("params,peak_memory,macs"))
    assert (picture.title, picture.panels[0].x, picture.panels[0].y) == (
        "Peak against Params",
        Axis("Params"),
        Axis("Peak", "bytes"),
    )
    assert picture.panels[0].points is not None
    assert picture.panels[0].points.names == ("one", "two", "flat")
    for front in ("field,params", "params,field"):
        with pytest.raises(UsageFault, match=f"`{front[:5]}.*` apply to none"):
            chart(swept("flat"), selection(front=front))


@pytest.mark.usefixtures("nets")
def test_twelve_lines_can_be_told_apart() -> None:
    def of(count: int) -> Chart:
        kernels = ",".join(f"[1, {size + 1}]" for size in range(count))
        return chart(swept("one", over=(f"k={kernels}", "w=4")), selection("macs", arguments=["k", "w"]))

    assert len(of(12).panels[0].lines) == 12
    with pytest.raises(UsageFault, match=r"13 lines are more than can be told apart \(12\)"):
        of(13)


@pytest.mark.parametrize(("count", "marks"), [(60, 60), (61, 0)])
def test_more_marks_than_sixty_are_left_out(count: int, marks: int) -> None:
    series = Series("", tuple((number, number) for number in range(count)))
    assert render(Chart("", (Panel(Axis("x"), Axis("y"), (series,)),))).count("<circle") == marks


def test_conditions_hold_and_what_does_not_build_is_left_out() -> None:
    found = swept("unet", over=("size=100..300..20",))
    points = chart(found, selection("macs", arguments=["size"])).panels[0].lines[0].points
    assert [x for x, _ in points] == [200, 220, 240, 260, 280, 300]
    less = chart(found, selection("macs", "size > 250", arguments=["size"])).panels[0].lines[0].points
    assert less == points[3:]


def test_names_never_lie_over_each_other() -> None:
    """Beside each point its name: those above or beside each other are all there, of two in one place the first."""
    points = ((1, 1), (1, 100), (100, 1), (100, 100), (50, 50), (50, 50.1), (50.1, 50))
    names = ("low", "above", "beside", "both", "one", "over", "next")
    series = Series("", points, names)
    _, texts = drawn(Chart("", (Panel(Axis("x"), Axis("y"), (series,), series),)))
    assert [text for text in texts if text in names] == ["low", "above", "beside", "both", "one"]


def test_names_are_no_markup() -> None:
    series = Series("a < b & c", ((1, 2), (2, 2)), ("x<y", "z"))
    picture = Chart("<i>", (Panel(Axis("x&y"), Axis("y", "bytes"), (series,), series),))
    _, texts = drawn(picture)
    assert {"<i>", "x&y", "a < b & c", "x<y"} <= set(texts)


PICTURE = Chart(
    "by hand",
    (
        Panel(
            Axis("k"),
            Axis("Peak", "bytes"),
            (
                Series("one", ((1, 0), (10, 2**20), (100, 2**21))),
                Series("two", ((2, 2**19), (20, 2**20))),
                *(Series(f"more {number}", ((number, number * 2**18),)) for number in range(3, 9)),
            ),
        ),
        Panel(Axis("size"), Axis("MACs"), (Series("front", ((150, 1e6), (160, 5e9), (170, 6e9))),)),
        Panel(
            Axis("Params"),
            Axis("MACs"),
            (Series("front", ((-1, 8), (3, 9))),),
            Series("", ((-1, 8), (3, 9), (3.01, 9), (0.5, 8.5)), ("left", "right", "over it", "a & b")),
        ),
    ),
)


def test_powers_of_ten_lie_evenly_and_inside_the_frame() -> None:
    """From 1 to 100 is more than 40 times: drawn in powers of ten, with room for a factor of 1.3 at either end."""
    lines, texts = drawn(PICTURE)
    (first, _), (middle, _), (last, _) = lines[0]
    assert middle - first == pytest.approx(last - middle, abs=0.2)
    frames = [float(at) for at in re.findall(r'd="M([\d.]+) [\d.]+V[\d.]+H[\d.]+" fill="none"', render(PICTURE))]
    ends = [float(at) for at in re.findall(r'V[\d.]+H([\d.]+)" fill="none"', render(PICTURE))]
    tenth = (middle - first) * math.log10(1.3)
    assert (first - frames[0], ends[0] - last) == (pytest.approx(tenth, abs=0.2), pytest.approx(tenth, abs=0.2))
    assert {"k (logarithmic)", "Peak", "MACs (logarithmic)", "size"} <= set(texts)


def test_a_picture_in_full(expected: Any) -> None:
    expected.check(Path(__file__).parents[1] / "golden" / "picture.svg", render(PICTURE))


@pytest.mark.parametrize("value", [0, 5, -3, 1e12])
def test_a_single_point_is_drawn(value: float) -> None:
    lines, _ = drawn(Chart("", (Panel(Axis("x"), Axis("y"), (Series("", ((value, value),)),)),)))
    assert len(lines[0]) == 1


def figures(*values: float) -> list[str]:
    """The figures along the horizontal axis of a line through these."""
    line = Series("", tuple((value, 1) for value in values))
    found = re.findall(
        r'text-anchor="middle"[^>]*>([^<]+)</text>', render(Chart("", (Panel(Axis("x"), Axis("y"), (line,)),)))
    )
    return [text for text in found if text[0].isdigit()]


@together(
    "values, shown",
    [
        ((300,), "270, 280, 290, 300, 310, 320, 330"),  # a tenth of room on both sides
        ((0, 10), "0, 2, 4, 6, 8, 10"),
        ((5, 10), "0, 2, 4, 6, 8, 10"),  # what is half or less begins at 0
        ((5.1, 10), "5, 6, 7, 8, 9, 10"),
        ((1, 39), "0, 10, 20, 30, 40"),
        ((1, 40), "1, 2, 5, 10, 20, 50"),  # forty times: powers of ten
        ((1, 591), "1, 2, 5, 10, 20, 50, 100, 200, 500"),  # 1.69 times that are less than three of them
        ((1, 592), "1, 10, 100"),
        ((1, 1e7), "1, 10, 100, 1 k, 10 k, 100 k, 1 M, 10 M"),
        ((1, 1e8), "10, 1 k, 100 k, 10 M"),
    ],
)
def test_the_figures_of_an_axis_are_round(values: tuple[float, ...], shown: str) -> None:
    assert ", ".join(figures(*values)) == shown


def test_what_is_no_picture() -> None:
    with pytest.raises(UsageFault, match="one swept number, or of two figures"):
        chart(swept("resnet18"), selection("params"))
    with pytest.raises(UsageFault, match="no network is left"):
        chart(swept("resnet18"), selection("params,macs", "params < 1 k"))


def test_the_file_is_written(tmp_path: Path, run: Callable[..., Any]) -> None:
    path = tmp_path / "picture.svg"
    done = run("compare", "lenet5", "--over", "size=32..48..4", "--plot", str(path))
    assert (done.code, "lenet5" in done.out) == (0, True)
    assert ElementTree.parse(path).getroot().tag == f"{SVG}svg"
    nowhere = run("compare", "lenet5", "--over", "size=32,36", "--plot", str(tmp_path / "no" / "picture.svg"))
    assert (nowhere.code, "cannot be written" in nowhere.err) == (1, True)
