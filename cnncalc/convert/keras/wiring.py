"""Who takes whom within a Keras model, and in what order its layers are called."""

from __future__ import annotations

from collections.abc import Iterator

from cnncalc.convert.archive import shown
from cnncalc.convert.keras.config import Entry, Model, Reference, Sizes
from cnncalc.convert.rows import origin
from cnncalc.diagnostics import Fault, SpecError, suggestion

Key = tuple[str, int]
"""A call: the layer's name, and the number of its use."""


class Wiring:
    """Who takes whom within a model."""

    def __init__(self, model: Model, source: str, place: str) -> None:
        self.model = model
        self.source = source
        self.place = place
        self.inputs = {reference.layer for reference in model.inputs}
        ends = [reference for _, reference in model.outputs]
        every = [(entry, call.tensors) for entry in model.entries.values() for call in entry.calls]
        references = [reference for _, taken in every for reference in taken] + ends
        self._stated: dict[tuple[str, int], dict[int, Sizes | None]] = {}
        self._first = _first_calls(model, references)
        for reference in references:
            known = self._stated.setdefault((reference.layer, self.call(reference)), {})
            known[reference.tensor] = reference.stated or known.get(reference.tensor)

    def call(self, reference: Reference) -> int:
        """The position among the layer's calls."""
        return reference.call - self._first.get((reference.layer, reference.is_end), 0)

    def stated(self, entry: Entry, call: int) -> list[Sizes | None]:
        """The shapes of a call's results, as its takers state them; nothing where some result has no taker."""
        known = self._stated.get((entry.name, call), {})
        return [known[number] for number in sorted(known)] if known.keys() == set(range(len(known))) else []

    def tensor(self, reference: Reference, results: dict[Key, list[int]], taker: Entry | None) -> int:
        """The graph's tensor that a reference means."""
        found = results[reference.layer, self.call(reference)]
        if not 0 <= reference.tensor < len(found):
            message = f"`{shown(reference.layer)}` gives {len(found)} tensors, number {reference.tensor} is taken"
            raise self.fail(message, taker)
        return found[reference.tensor]

    def order(self) -> Iterator[tuple[Entry, int]]:
        """Every call once, as the config lists them, but after what it takes; raises `SpecError` for a cycle."""
        done: set[Key] = {(name, 0) for name in self.inputs}
        under_way: set[Key] = set()
        for entry in self.model.entries.values():
            if entry.name in self.inputs:
                continue
            for number in range(len(entry.calls)):
                pending = [(entry, number)]
                while pending:
                    taker, call = pending[-1]
                    key = (taker.name, call)
                    if key in done:
                        pending.pop()
                        continue
                    missing = [self.giver(ref, taker) for ref in taker.calls[call].tensors]
                    missing = [(giver, at) for giver, at in missing if (giver.name, at) not in done]
                    if not missing:
                        done.add(key)
                        under_way.discard(key)
                        pending.pop()
                        yield taker, call
                        continue
                    under_way.add(key)
                    for giver, at in missing:
                        if (giver.name, at) in under_way:
                            raise self.fail(f"it takes what depends on itself, by `{shown(giver.name)}`", taker)
                    pending.append(missing[0])
        for _, reference in self.model.outputs:
            giver, at = self.giver(reference, None)
            if (giver.name, at) not in done:
                raise self.fail(f"the output `{shown(giver.name)}` is never called", None)

    def giver(self, reference: Reference, taker: Entry | None) -> tuple[Entry, int]:
        """The call that gives a tensor; raises `SpecError` where there is none."""
        entry, call = self.model.entries.get(reference.layer), self.call(reference)
        if entry is None:
            names = list(self.model.entries)
            help = suggestion(shown(reference.layer), names[:2_000])
            raise self.fail(f"it takes `{shown(reference.layer)}`, which is no layer", taker, help)
        if not 0 <= call < len(entry.calls) and not (entry.name in self.inputs and call == 0):
            message = (
                f"it takes call {reference.call} of `{shown(entry.name)}`, which is called {len(entry.calls)} times"
            )
            raise self.fail(message, taker)
        return entry, call

    def fail(self, message: str, taker: Entry | None, help: str = "") -> SpecError:
        node = f"{self.place}{taker.name}" if taker else self.place.removesuffix(".")
        place = origin(self.source, shown(node)) if node else origin(self.source)
        return SpecError([Fault("wiring", message, None, help).at(place)])


def _first_calls(model: Model, references: list[Reference]) -> dict[tuple[str, bool], int]:
    """What the calls of models within are counted from, where it is 1, by layer and for the ends of `model`.

    The making of a functional model is its first call.  Keras 2 counts it everywhere, Keras 3 where a model's outputs
    are listed, and not where a layer says what it takes.
    """
    used: dict[tuple[str, bool], set[int]] = {}
    for reference in references:
        if (entry := model.entries.get(reference.layer)) and entry.model:
            used.setdefault((reference.layer, reference.is_end), set()).add(reference.call)
    found = {}
    for (name, is_end), calls in used.items():
        entry = model.entries[name]
        every = calls | (used.get((name, not is_end), set()) if model.is_legacy else set())
        counted = len(entry.calls) in every or (is_end and entry.model and entry.model.is_functional)
        if 0 not in every and (model.is_legacy or counted):
            found[name, is_end] = 1
    return found
