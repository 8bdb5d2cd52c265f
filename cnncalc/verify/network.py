"""The executor against the analyzers: a network is run, and what was observed is compared with what is reported.

Five claims of every layer are compared: its output's shape, the weights that it reads, the products that it makes, how
many numbers exist while it runs, and the input positions that influence its units.
The executor gets all of these without the code that reports them.
"""

from __future__ import annotations

from collections import Counter

from cnncalc.geometry import dims
from cnncalc.graph import Graph
from cnncalc.records import NamedTuple
from cnncalc.verify.fields import UNSEEN, Fields, Progress
from cnncalc.verify.numbers import Observed, observe


class Verification(NamedTuple):
    """The comparison of a whole network."""

    title: str
    layers: list[Observed]
    plain: bool
    """Whether the plain path ran too."""
    lengthened: list[str]
    """Axes that were lengthened to have interior positions, and to how much."""

    @property
    def differences(self) -> list[tuple[str, str]]:
        """Layers, and in what they differ."""
        return [(layer.name, difference) for layer in self.layers for difference in layer.differences]

    @property
    def sentence(self) -> str:
        """What was run and compared; or how many layers differ."""
        wrong = len({name for name, _ in self.differences})
        if wrong:
            return f"{self.title}: {wrong} of the {len(self.layers)} layers that were executed differ from the report"
        params, state = sum(layer.params for layer in self.layers), sum(layer.state for layer in self.layers)
        products = sum(layer.products for layer in self.layers)
        shapes = sum(layer.ran for layer in self.layers)
        fields = Counter(layer.field for layer in self.layers)
        listed = ", ".join(f"{count:,} {field}" for field, count in fields.items())
        return (
            f"{self.title}: verified by execution: {shapes:,} output shapes, {params:,} parameters and "
            f"{state:,} of state, each read once, {products:,} products; receptive fields: {listed}"
        )

    @property
    def remarks(self) -> list[str]:
        """How it was run."""
        ways = "8-bit integers with whole weights; norms, gates, averages and smooth activations rounded to 8 bits"
        found = [f"run at full size in {ways}{', by the plain and the fast path' if self.plain else ''}"]
        if self.lengthened:
            found.append(f"dependency sets also at {', '.join(self.lengthened)}, for interior positions")
        return found


def verify(graph: Graph, progress: Progress | None = None, processes: int = 1) -> Verification:
    """Run a network and compare it, layer by layer, with what the analyzers report; up to an output of another shape.

    `processes` share the large convolutions.  Raises `Fault` for a pattern of positions beyond the limits.
    """
    layers, plain = observe(graph, progress, processes)
    lengthened = []
    if layers and layers[-1].shape != graph.nodes[len(layers) - 1].operation.output:
        return Verification(_title(graph), layers, plain, [])
    for number, (name, shape) in enumerate(graph.inputs):
        results, sizes = Fields(graph, number, progress).compare()
        for place, (field, differences) in enumerate(results):
            layer = layers[place]
            text = field if layer.field == UNSEEN else layer.field
            layers[place] = layer._replace(field=text, differences=layer.differences + differences)
        if sizes != shape[1:]:
            lengthened.append(f"{name} {dims(sizes)}")
    return Verification(_title(graph), layers, plain, lengthened)


def _title(graph: Graph) -> str:
    inputs = ", ".join("x".join(map(str, shape)) for _, shape in graph.inputs)
    return f"{graph.title} @ {inputs}"
