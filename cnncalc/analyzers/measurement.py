"""A graph under measurement: every quantity of it, worked out when it is first asked for, and once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from cnncalc.analyzers.quantities import GROUPS, QUANTITIES
from cnncalc.analyzers.quantity import Fold, Quantity, function
from cnncalc.graph import Graph
from cnncalc.records import NamedTuple
from cnncalc.values import added, magnitude

if TYPE_CHECKING:
    from cnncalc.analyzers.memory import Setting

T = TypeVar("T")


class Counting(NamedTuple):
    """How another tool counts, in place of our MACs."""

    tool: str
    values: list[int]
    """For every node in order."""
    total: int
    """Of the network: what its own source has beside the graph's layers is in it."""
    text: str
    """What is said of it under a table."""


class Measurement:
    """The quantities of one graph; receptive fields are those towards the input `of` (the first if absent).

    `setting` is how numbers are held, for bytes (32 bits each if absent), and how many samples there are (one): what is
    done for every sample, such as MACs, is done for all of them. `shared` is what measurements of several graphs
    remember together, by what only their analyzers know.
    """

    def __init__(
        self,
        graph: Graph,
        of: str | None = None,
        setting: Setting | None = None,
        shared: dict[Any, Any] | None = None,
    ) -> None:
        self.graph = graph
        self.of = of
        self.setting = setting
        self.shared: dict[Any, Any] = {} if shared is None else shared
        self.counting: Counting | None = None
        """What stands in for MACs, if they are counted by another tool's convention."""
        self._once: dict[Any, Any] = {}
        self._values: dict[str, list[Any]] = {}

    @property
    def batch(self) -> int:
        """How many samples are worked on together."""
        return 1 if self.setting is None else self.setting.batch

    def once(self, analyse: Callable[[Measurement], T]) -> T:
        """What `analyse` makes of this measurement; worked out once, however many quantities follow from it."""
        if analyse not in self._once:
            self._once[analyse] = analyse(self)
        return self._once[analyse]  # type: ignore[no-any-return]

    def values(self, key: str) -> list[Any]:
        """The value of a quantity, or of a group of them, for every node in order; None where it does not apply.

        Raises `KeyError` for a key that is no quantity's, and what its analyzer raises.
        """
        found = self._values.get(key)
        if found is None:
            if key in GROUPS:
                found = self.once(function(GROUPS[key].measure))
            elif QUANTITIES[key].group:
                found = self._parts(QUANTITIES[key])
            else:
                found = function(QUANTITIES[key].measure)(self)
            self._values[key] = found
        return found

    def _parts(self, quantity: Quantity) -> list[Any]:
        """A part of what a group measures, for every node; of equal objects it is taken once."""
        part, known = function(quantity.measure), {id(None): None}
        found: list[Any] = []
        for whole in self.values(quantity.group):
            if id(whole) not in known:
                known[id(whole)] = part(whole)
            found.append(known[id(whole)])
        return found

    def folded(self, quantity: Quantity, places: Sequence[int]) -> Any:
        """One value for the layers at these places: their sum, the greatest, or that of the first or last of them."""
        values = self.values(quantity.key)
        if len(places) == 1:
            return values[places[0]]
        if quantity.fold == Fold.SUM:
            return added([values[place] for place in places])
        if quantity.fold == Fold.MOST:
            return max([values[place] for place in places], key=magnitude, default=None)
        if quantity.fold == Fold.NOTHING:
            return None
        return values[places[0] if quantity.fold == Fold.FIRST else places[-1]]

    def total(self, key: str) -> Any:
        """The value of a quantity for the network as a whole; a sum of nothing is 0."""
        name = ("total", key)
        if name not in self._once:
            self._once[name] = self._total(QUANTITIES[key])
        return self._once[name]

    def _total(self, quantity: Quantity) -> Any:
        if quantity.group:
            whole = self.once(function(GROUPS[quantity.group].total))
            return None if whole is None else function(quantity.measure)(whole)
        if quantity.total is not None:
            return function(quantity.total)(self)
        if quantity.fold not in (Fold.SUM, Fold.MOST):
            return None
        return self.folded(quantity, range(len(self.graph.nodes))) or 0

    def figure(self, quantity: Quantity) -> Any:
        """The one number of the network by which it is compared; a lower bound where a part of it is not known."""
        if quantity.figure is None or quantity.figure.measure is None:
            return self.total(quantity.key)
        return self.once(function(quantity.figure.measure))

    @property
    def lower_bound(self) -> list[str]:
        """The totals with an unknown part, sorted."""
        return self.once(_unknown)


def _unknown(measured: Measurement) -> list[str]:
    return sorted({name for node in measured.graph.nodes for name in node.operation.layer.unknown})
