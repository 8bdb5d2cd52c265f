"""What the values of a body are called in its source."""

from __future__ import annotations

from collections.abc import Sequence
from keyword import iskeyword

from cnncalc.convert.keras_out.bodies import Body, Item, free
from cnncalc.convert.keras_out.calls import Call, Sketch, identifier


class Names:
    """The variable of every value of a body: `x` along a chain, branches by the join that they end in, and a value
    that is kept for later by the name of its step."""

    def __init__(
        self, sketch: Sketch, body: Body, inputs: dict[int, str], leaving: Sequence[int], reserved: set[str]
    ) -> None:
        self.of = dict(inputs)
        self.reserved = reserved | {"i"}
        self.shared: dict[str, str] = {}
        """The variable of every layer that is used more than once, by the layer's name."""
        for place in sorted(sketch.owners):
            name = identifier(sketch.graph.nodes[place].name)
            self.shared[name] = free(f"{name}_layer" if name[0].isalpha() else f"layer_{name}", self.reserved)
        self.labels = labels(sketch, body)
        self.takers: dict[int, list[Item]] = {}
        for item in body.items:
            for value in dict.fromkeys(item.call.inputs):
                self.takers.setdefault(value, []).append(item)
        last = {value: place for place, item in enumerate(body.items) for value in item.call.inputs}
        last |= dict.fromkeys(leaving, len(body.items))
        wanted = self._wanted(body)
        live: dict[int, str] = {value: name for value, name in inputs.items() if value in last}
        for place, item in enumerate(body.items):
            live = {value: name for value, name in live.items() if last[value] > place}
            value = item.call.output
            self.of[value] = self._allocate(wanted[value], value, set(live.values()) | set(inputs.values()))
            if value in last:
                live[value] = self.of[value]

    def _wanted(self, body: Body) -> dict[int, str]:
        """What each value would be called if nothing else had the name."""
        found: dict[int, str] = {}
        depth: dict[int, int] = {}
        for item in body.items:
            chained = [depth.get(value, 0) for value in item.call.inputs if len(self.takers[value]) == 1]
            depth[item.call.output] = 1 + max(chained, default=0)
        for item in reversed(body.items):
            value = item.call.output
            takers = self.takers.get(value, [])
            if len(takers) != 1:
                found[value] = "x" if not takers else self.labels.get(value, "x")
                continue
            taker = takers[0].call
            if len(taker.inputs) > 1 and taker.callee.startswith("layers."):
                lengths = [depth.get(each, 0) if len(self.takers[each]) == 1 else 0 for each in taker.inputs]
                place = taker.inputs.index(value)
                found[value] = branch(taker, place, place == lengths.index(max(lengths)))
            elif len(self.takers.get(taker.output, [])) == 1:
                found[value] = found[taker.output]
            else:
                found[value] = "x"
        return found

    def _allocate(self, wanted: str, value: int, live: set[str]) -> str:
        for name in (wanted, *([self.labels.get(value, "x")] if wanted == "x" else [])):
            if name not in live and name not in self.reserved:
                return name
        return free(wanted, live | self.reserved)


def branch(join: Call, place: int, longest: bool) -> str:
    """The variable of a branch: its number where a join has many, else what it is to the longest."""
    if len(join.inputs) > 2:
        return f"branch{place + 1}"
    if longest:
        return "x"
    return {"layers.Add": "shortcut", "layers.Multiply": "gate"}.get(join.callee, "branch")


def labels(sketch: Sketch, body: Body) -> dict[int, str]:
    """Names for values after the shortest name of their step, within the block."""
    graph = sketch.graph
    made = {item.call.output for item in body.items}
    found: dict[int, str] = {}
    for tensor in range(len(graph.inputs), len(graph.shapes)):
        value, node = sketch.values[tensor], graph.nodes[tensor - len(graph.inputs)]
        if value in made:
            for name in (node.name, *node.names):
                text = identifier(name).removeprefix(f"{body.name}_" if body.name else "")
                if text.isidentifier() and not iskeyword(text) and len(text) < len(found.get(value, text + "_")):
                    found[value] = text
    return found


def safe(name: str, reserved: set[str]) -> str:
    """A variable's name made of an input's."""
    return name if name.isidentifier() and not iskeyword(name) and name not in reserved else f"input_{name}"
