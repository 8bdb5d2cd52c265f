"""Examples that run: a small network for every layer kind and every form of the language, with what comes of it.

A kind states its example itself, and its figures are those that `explain` gives of it; the forms stand in the table
here.  Nothing is worked out but how it is drawn.
"""

from __future__ import annotations

from collections.abc import Iterable

from cnncalc.explain import explain
from cnncalc.geometry import AXES, GLOBAL, AxisMap, Reach, dims
from cnncalc.graph import Graph, Node
from cnncalc.language.library import find, load_file
from cnncalc.language.model import Block, Parameter
from cnncalc.language.source import Scalar
from cnncalc.layers import KINDS
from cnncalc.layers.base import Layer
from cnncalc.network import loads
from cnncalc.reference import overview, page
from cnncalc.report import Report
from cnncalc.schema import MODIFIER_DOCS

MOST_UNITS = 6
"""Output positions that a drawing shows."""
TOPICS = ("Output", "Parameters", "MACs")
"""What is told of a kind's example."""

SPEC_FORMS = {
    "from": """\
input: [3, 8, 8]
layers:
  - {conv: 4, kernel: 1, name: thin}
  - {conv: 8, kernel: 3, from: input}
  - {conv: 8, kernel: 3, from: thin, name: from_thin}
outputs: [conv1, from_thin]
""",
    "parts": """\
input: [2, 16]
layers:
  - {conv_transpose: 1, kernel: 4, stride: 2, parts: 2}
""",
    "repeat": """\
input: [3, 8, 8]
layers:
  - {conv: 8*2**i, kernel: 3, padding: half, repeat: 3, name: c$i}
""",
    "if": """\
args: {deep: false}
input: [3, 8, 8]
layers:
  - {conv: 8, kernel: 3}
  - {conv: 8, kernel: 3, if: deep}
  - {relu, if: x.height > 4}
""",
    "gather": """\
input: [8, 8, 8]
layers:
  - {conv: 4, kernel: 3, padding: half, repeat: 3, gather: concat}
""",
    "name": """\
input: [3, 8, 8]
layers:
  - {conv: 4, kernel: 3, padding: half, name: wide}
  - {conv: 4, kernel: 3, padding: half}
  - add: [x, wide]
""",
    "share": """\
input: [4, 8, 8]
layers:
  - {conv: 4, kernel: 3, name: head}
  - {conv: 4, kernel: 3, from: input, share: head, name: again}
outputs: [head, again]
""",
    "learned": """\
input: [1, 8]
layers:
  - {conv: 1, kernel: 3, bias: false, weights: [1, 0, -1], learned: false}
""",
    "layers": """\
input: [4, 8, 8]
layers:
  - layers: [{conv: 4, kernel: 3, padding: half}, relu]
    repeat: 2
    name: stage
""",
    "for": """\
input: [3, 32, 32]
layers:
  - for: [k, channels, n]
    in: [[1, 8, 1], [2, 16, 2]]
    layers:
      - {conv: channels, kernel: 3, padding: half, repeat: n, name: stage$k}
      - {max_pool: 2}
""",
    "norm": """\
defaults:
  group_norm: {groups: 4}
input: [3, 8, 8]
layers:
  - {conv: 8, kernel: 3, norm: batch}
  - {conv: 8, kernel: 3, norm: group_norm}
""",
    "act": """\
defaults:
  leaky_relu: {negative_slope: 0.1}
input: [3, 8, 8]
layers:
  - {conv: 8, kernel: 3, act: leaky_relu}
  - {conv: 8, kernel: 1, act: sigmoid}
""",
    "defaults": """\
defaults:
  conv: {kernel: 3, padding: half, bias: false, norm: batch, act: relu}
input: [3, 8, 8]
layers:
  - {conv: 8}
  - {conv: 8, act: none}
""",
    "args": """\
args: {width: 1.0, classes: 10}
variants: {whole: {}, half: {width: 0.5}}
input: [3, 8, 8]
layers:
  - {conv: int(64*width), kernel: 3}
  - flatten
  - {linear: classes}
""",
    "blocks": """\
blocks:
  residual:
    args: {channels: required, stride: 1}
    layers:
      - add:
          - [{conv: channels, kernel: 3, stride: stride, padding: half}]
          - [{conv: channels, kernel: 1, stride: stride, if: stride > 1 or x.channels != channels}]
input: [8, 8, 8]
layers:
  - {residual: 8, name: same}
  - {residual: 16, stride: 2, name: smaller}
""",
    "inputs": """\
blocks:
  joined:
    inputs: [fine, coarse]
    layers:
      - {upsample, size: fine.size, from: coarse}
      - concat: [fine, x]
input: {fine: [4, 8, 8], coarse: [8, 4, 4]}
layers:
  - {joined, from: [fine, coarse]}
""",
    "outputs": """\
args: {aux: true}
input: [3, 8, 8]
layers:
  - {conv: 8, kernel: 3, name: features}
  - {conv: 2, kernel: 1, name: side, if: aux}
  - {conv: 4, kernel: 1, from: features, name: heat}
outputs: [heat, {side, if: aux}]
""",
    "import": """\
import: {common: blocks, resnet: resnet}
input: [64, 8, 8]
layers:
  - common.squeeze_excite
  - {resnet.basic_block: 64}
""",
    "expect": """\
input: [3, 8, 8]
layers:
  - {conv: 8, kernel: 3, name: stem}
expect:
  params: 224
  macs: <= 10 k
  output: [8, 6, 6]
  receptive_field: 3
  layers: {stem: {params: 224}}
""",
}
"""A spec for every modifier and every other form that is no layer kind."""

DOCS = MODIFIER_DOCS | {
    "layers": "Steps together, as one: with a name, a condition, repeated, or as a branch.",
    "for": "Steps once per row of a list, or so many times; the row's names are bound in them, and in their names.",
    "norm": "A normalisation after a convolution or a linear layer: `batch`, or the name of a kind, with its defaults.",
    "act": "An activation after a layer, and after its normalisation: the name of a kind, with its defaults.",
    "defaults": "Arguments that every step of a kind in this file takes, unless it gives them itself.",
    "args": "Arguments of the file, which `--set` changes; `variants` are named sets of them.",
    "blocks": "Steps with arguments, called as a layer kind is; the first argument is the main one.",
    "inputs": "The names of several tensors that a block takes by `from`.",
    "outputs": "The tensors that leave the network, each perhaps under a condition; the last step if absent.",
    "import": "Blocks of other files, of this folder or bundled, called as `alias.block`.",
    "expect": "What must hold; `cnncalc check` compares.",
}
"""What each of the forms is for."""


# -- layer kinds -------------------------------------------------------------------------------------------------------


def of_kind(name: str) -> str:
    """All about one kind: its page, its example, what that reads, and what its numbers come from."""
    text = spec_of(KINDS[name])
    graph = loads(text).graph
    lines = []
    for node in _made(graph, name):
        lines += ["", f"{node.name}: {_shapes(graph, node)}", *_reads(node), *_explained(graph, node)]
    return f"{page(name)}\nfor example:\n\n{_indented(text.splitlines())}{_indented(lines)}"


def spec_of(kind: type[Layer]) -> str:
    """The small network that shows a kind."""
    steps = [*kind.shown_after, kind.example or kind.kind]
    return f"input: {kind.shown_on}\nlayers:\n" + "".join(f"  - {step}\n" for step in steps)


def _made(graph: Graph, name: str) -> list[Node]:
    """What a kind's step has made: the layers of this kind, or all of its step where it is made of others."""
    last = graph.nodes[-1].origin
    found = [node for node in graph.nodes if node.kind == name]
    return found[-1:] or [node for node in graph.nodes if node.origin == last]


def _shapes(graph: Graph, node: Node) -> str:
    taken = ", ".join(dims(graph.shapes[tensor]) for tensor in node.inputs)
    return f"{taken} -> {dims(node.operation.output)}" if taken else dims(node.operation.output)


def _explained(graph: Graph, node: Node) -> list[str]:
    """The formulas of its output, parameters and products, with the example's numbers put in."""
    topics = [topic for topic in explain(Report(graph, "summary"), node.name).topics if topic.title in TOPICS]
    wide = max(len(topic.title) for topic in topics)
    return [
        f"{topic.title if number == 0 else '':<{wide}}  {line}"
        for topic in topics
        for number, line in enumerate(topic.lines)
    ]


# -- what is read ------------------------------------------------------------------------------------------------------


def _reads(node: Node) -> list[str]:
    """What an output position reads of each input, in words or drawn."""
    operation = node.operation
    found = operation.layer.reaches(operation.inputs, operation.output)
    lines = []
    for number, reach in found:
        which = f" of input {number + 1}" if len(operation.inputs) > 1 else ""
        lines += _read(reach, operation.inputs[number][1:], which)
    return lines


def _read(reach: Reach, sizes: tuple[int, ...], which: str) -> list[str]:
    if reach is None:
        return [f"Reads its own position{which}"]
    if reach == GLOBAL:
        return [f"Reads every position{which}"]
    assert isinstance(reach, tuple)
    axis, width = reach[0], sizes[0]
    alike = "" if len(reach) == 1 else ", as along the others" if len(set(reach)) == 1 else ""
    return [f"Reads{which}, along the {AXES[len(reach)][0]}{alike}:", *drawn(axis, width)]


def drawn(axis: AxisMap, width: int) -> list[str]:
    """An axis map as a picture: a column per input position, padding as dots; a row per output position."""
    units = min(axis.output(width), MOST_UNITS)
    read = [axis.reads(unit) for unit in range(units)]
    places = [place for row in read for place in row]
    low, high = min([0, *places]), max([width - 1, *places])
    head = "".join(str(place % 10) if 0 <= place < width else "." for place in range(low, high + 1))
    rows = ["".join("#" if place in row else " " for place in range(low, high + 1)).rstrip() for row in read]
    more = ["  ..."] if axis.output(width) > units else []
    return [f"  input    {head}", *(f"  output {unit} {row}" for unit, row in enumerate(rows)), *more]


# -- forms, and the library --------------------------------------------------------------------------------------------


def of_form(name: str) -> str:
    """All about a modifier or another form: what it is for, an example, and the rows that this makes."""
    text = SPEC_FORMS[name]
    graph = loads(text).graph
    rows = [f"{node.name:<24} {_shapes(graph, node)}" for node in graph.nodes]
    return f"{name}: {DOCS[name]}\n\nfor example:\n\n{_indented(text.splitlines())}\nmakes:\n\n{_indented(rows)}"


def told(name: str | None) -> str:
    """The page of a kind or a form; without a name every kind and every form in a line."""
    if name is None:
        wide = max(map(len, SPEC_FORMS))
        lines = [f"  {form:<{wide}}  {DOCS[form]}" for form in SPEC_FORMS]
        last = [
            "",
            "`cnncalc layers FORM` shows it at work; `cnncalc layers blocks` lists the bundled blocks, too.",
            "",
        ]
        return overview() + "\n" + "\n".join(["forms of the language:", *lines, *last])
    if name in KINDS:
        return of_kind(name)
    return of_form(name) + (f"\n{library()}" if name == "blocks" else "")


def to_dict(name: str | None = None) -> list[dict[str, str]]:
    """One form, or all of them, as plain data."""
    return [
        {"form": form, "doc": DOCS[form], "example": SPEC_FORMS[form]} for form in SPEC_FORMS if name in (None, form)
    ]


def library() -> str:
    """The bundled blocks: how each is called, with its defaults, and what it is."""
    file = load_file(find("blocks")[0])
    lines = [
        "The bundled blocks, called as `common.squeeze_excite` after `import: {common: blocks}`.",
        "`import: {common: {file: blocks, act: silu}}` gives those with convolutions another activation.",
        "",
    ]
    texts = file.source.text.splitlines()
    for name, block in file.blocks.items():
        _, _, comment = texts[block.span.line - 1].partition("#")
        lines += [_call(name, block), f"    {comment.strip()}"]
    return "\n".join(lines) + "\n"


def _call(name: str, block: Block) -> str:
    """A call of a block with its defaults written out."""
    arguments = [f"{argument}: {_default(parameter)}" for argument, parameter in block.args.items()]
    arguments[:1] = [arguments[0].replace(next(iter(block.args)), f"common.{name}", 1)] if arguments else []
    taken = [f"from: [{', '.join(block.inputs)}]"] if block.inputs else []
    return f"  - {{{', '.join([*arguments, *taken])}}}"


def _default(parameter: Parameter) -> str:
    if parameter.default is None:
        return "required"
    node = parameter.default.node
    if isinstance(node, Scalar):
        return node.text
    return str(list(parameter.default.evaluate({})))


def _indented(lines: Iterable[str]) -> str:
    return "".join(f"  {line}\n" if line else "\n" for line in lines)
