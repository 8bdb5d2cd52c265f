"""What blocks are called, by what they are made of, and tensors where the text has to name them, as in the source."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from cnncalc.convert.lift.fuse import Steps
from cnncalc.convert.lift.tree import Block, Item, size, taken_by_name
from cnncalc.convert.lift.wires import INPUT
from cnncalc.graph import Graph
from cnncalc.language.names import MAX_NAME, NAME, RESERVED
from cnncalc.layers import KINDS


def tensor_names(
    graph: Graph,
    steps: Steps,
    wanted: Iterable[int],
    called: Mapping[int, str],
    blocks: Sequence[Block],
    stands_for: Mapping[int, int],
) -> dict[int, str]:
    """A name for every wanted tensor: an input's, an output's where there are several, what a part of the source is
    called, or one like the source's.

    Inside blocks, whose tensors stand for some of the graph's, it is the last part of the source's.
    """
    single = len(graph.inputs) == 1
    found = {number: "input" if single else name for number, (name, _) in enumerate(graph.inputs)}
    if len(graph.outputs) > 1:
        for name, tensor in steps.outputs:
            found.setdefault(tensor, name)
    taken = {*found.values(), *RESERVED}
    last = last_of_parts(steps)
    automatic = re.compile(rf"(?:{'|'.join([*KINDS, *(block.name for block in blocks), 'group', 'for'])})\d+(?:\..*)?")
    wanted = sorted(wanted)
    for tensor in wanted:
        if tensor not in found:
            text = called.get(tensor) or part_ending_at(steps.names[tensor], last, tensor)
            found[tensor] = free_name(text, taken, automatic)
    for tensor in wanted:
        name = found[tensor]
        if any(name[: match.start()] in taken for match in re.finditer(r"\.", name)):
            found[tensor] = free_name(name.replace(".", "_"), taken, automatic)  # else a row's name would hide it
    found[INPUT] = "input"
    for block in blocks:
        taken = {*block.arguments, *RESERVED}
        for tensor in sorted(taken_by_name(block.items) - {INPUT}, reverse=True):
            name = re.split(r"[./]", steps.names[stands_for[tensor]].rstrip("./"))[-1]
            found[tensor] = free_name(name, taken, automatic)
    return found


def free_name(text: str, taken: set[str], automatic: re.Pattern[str]) -> str:
    """A name like `text`, none of those that are taken (and taken now), and none that steps get by themselves."""
    name = re.sub(r"[^\w.\-/]+", "_", text).strip("./")[-MAX_NAME + 20 :]
    if not name or automatic.fullmatch(name) or name.isdigit() or not NAME.fullmatch(name):
        name = re.sub(r"^([^\W\d]\D*?)_?(\d)", r"\1_\2", name) if name and not name.isdigit() else f"step_{name}"
    number = 2
    free = name
    while free in taken:
        free = f"{name}_{number}"
        number += 1
    taken.add(free)
    return free


def labels(graph: Graph, items: list[Item]) -> dict[int, str]:
    """What calls, and what is repeated, are called in the source, by their results; other steps count by themselves.

    That is the part of it whose layers are theirs, all of them and no others: ``layer1``.
    """
    paths = [path_of(node.name) for node in graph.nodes]
    spans: dict[tuple[str, ...], tuple[int, int]] = {}
    for place, path in enumerate(paths):
        for depth in range(1, len(path)):
            first, _ = spans.setdefault(path[:depth], (place, place))
            spans[path[:depth]] = (first, place)
    found: dict[int, str] = {}
    end = 0
    for item in items:
        node = graph.node(item.result) if item.result < len(graph.shapes) else None
        start, end = end, end if node is None else node.place + 1
        if node is None or item.names or (item.kind in KINDS and item.repeat == 1):
            continue
        here = paths[start:end]
        common = begin_of_both(min(here), max(here)) if here else ()
        if common not in spans:  # one layer alone
            common = common[:-1]
        if not common or spans[common][0] < start or spans[common][1] >= end:
            continue
        if not common[-1].isdigit() and common[-1] not in found.values():
            found[item.result] = common[-1]
    return found


def begin_of_both(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    """What two paths begin with alike; of the first and the last of many in order, what all do."""
    return tuple([part for place, part in enumerate(one) if one[: place + 1] == other[: place + 1]])


def path_of(name: str) -> tuple[str, ...]:
    """The modules around a layer: of ``layer1.0.conv1`` and of ``/layer1/layer1.0/conv1/Conv`` the same, and the
    operator."""
    parts = [part for part in name.split("/") if part]
    kept = [part for part, after in zip(parts, [*parts[1:], ""]) if not after.startswith(f"{part}.")]
    return tuple(".".join(kept).split("."))


def last_of_parts(steps: Steps) -> dict[str, int]:
    """For every part of the source, by the beginning of names, the result of its last step."""
    last: dict[str, int] = {}
    for tensor, name in sorted(steps.names.items()):
        for match in re.finditer(r"[./]", name):
            last[name[: match.start()]] = tensor
    return last


def part_ending_at(name: str, last: dict[str, int], tensor: int) -> str:
    """The outermost part of the source that ends with the node called `name`, or the node itself."""
    for match in re.finditer(r"[./]", name):
        if last[name[: match.start()]] == tensor and match.start():
            return name[: match.start()]
    return name


def block_name(items: list[Item]) -> str:
    """A name for a block, by what it is made of."""
    join = next((item for item in items if item.branches is not None), None)
    if join is None:
        return "stage" if len(items) > 4 else "unit"
    branches = join.branches or []
    longest = max((branch.items for branch in branches), key=size, default=[])
    kinds = [item.kind for item in longest]
    if join.kind == "multiply":
        return "inverted_bottleneck" if any(item.kind == "depthwise_conv" for item in items) else "squeeze_excite"
    if join.kind == "concat":
        if any(not branch.items for branch in branches):
            return "dense_layer"
        return "inception" if len(branches) > 2 else "split_unit"
    if "attention" in kinds:
        return "attention_block"
    if "depthwise_conv" in kinds:
        return "inverted_residual"
    kernels = [item.values.get("kernel") for item in longest if item.kind == "conv"]
    if len(kernels) > 1 and set(kernels) == {1}:
        return "mlp"
    return "bottleneck" if kernels.count(1) > 1 else "residual"
