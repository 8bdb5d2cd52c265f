"""Attention: scaled dot products between positions, of the whole map, of windows, or of a grid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import exp, isqrt, log, prod, sqrt
from typing import TYPE_CHECKING

from cnncalc.diagnostics import Fault
from cnncalc.geometry import AXES, GLOBAL, Intervals, Reach, Shape, Taps, dims, own
from cnncalc.layers.activation import log_sum
from cnncalc.layers.base import Layer, Multiplies, Weight, divisor_help, field
from cnncalc.layers.memory import Kept
from cnncalc.layers.normalisation import squares
from cnncalc.layers.types import BIAS, BIAS_WORDS, COUNT, NUMBER, SIZES, SOME_EXTRA, SOME_SIZES, Sizes, words
from cnncalc.layers.windows import per_axis, spatial
from cnncalc.records import NamedTuple

if TYPE_CHECKING:
    from cnncalc.layers.kernels import Kernels, T

LARGEST_SCALE = log(100)
"""To which the learned logarithms of the scales are clipped (Liu et al. 2022, Swin Transformer V2, section 3.3)."""


class Frame(NamedTuple):
    """The keys of a query along one axis, resolved: a window, a part of a grid, or the whole axis (`window` is 0)."""

    size: int
    window: int = 0
    shift: int = 0
    grid: int = 0
    table: int = 0
    """The size that a table of relative positions was declared for."""

    @property
    def keys(self) -> int:
        """How many keys a query has on this axis."""
        return self.window or self.grid or self.size

    @property
    def apart(self) -> int:
        """The distance between neighbouring keys."""
        return self.size // self.grid if self.grid else 1

    def taps(self) -> Taps:
        """For every query the keys, those of a shifted window beyond the axis where its mask cuts them off."""
        if self.grid:
            return [range(place % self.apart, self.size, self.apart) for place in range(self.size)]
        wide = self.window or self.size
        firsts = [(place - self.shift) // wide * wide + self.shift for place in range(self.size)]
        return [range(first, first + wide) for first in firsts]

    def spans(self) -> Intervals:
        """The same as an axis map: a window cut at the borders, as masking makes a shifted one."""
        wide, shift = self.window, self.shift
        before, after = (shift - wide, shift - 1), (shift, shift + wide - 1)
        return Intervals(self.size, wide, tuple(before if place < shift else after for place in range(wide)))


def _stride(queries: int, keys: int) -> int:
    """Every how manieth key is a query, where that gives so many."""
    return -(-keys // queries)


class Attention(Layer, kind="attention"):
    """Scaled dot-product attention (Vaswani et al. 2017): each position gathers values by the likeness of keys to it.

    Of one tensor the thirds of its channels are q, k and v; of two the first is q, the halves of the second are k and
    v; of three each is one.  The output has the channels of v at the positions of q.  Projections are convolutions
    with kernel 1 before and after it.  Products: queries x keys of a query x (channels of q + channels of v).
    """

    heads: int = field(COUNT, "heads: equal parts of the channels")
    window: Sizes | None = field(SOME_SIZES, "size of the windows that attend within themselves", None)
    shift: Sizes | None = field(SOME_EXTRA, "positions by which the windows are shifted", None)
    grid: Sizes | None = field(SOME_SIZES, "positions that attend to each other, evenly over the whole map", None)
    scale: float | None = field(NUMBER, "factor of the products; 1/sqrt(channels of q per head) if left out", None)
    mode: str = field(
        words("softmax", "cosine", "linear"),
        "`cosine` normalises q and k, with a learned scale per head; `linear` is relu, normalised by its sum",
        "softmax",
    )
    bias: str = field(BIAS, "what is added to the products, by position", "none")  # type: ignore[assignment]
    maps: Sizes | None = field(SIZES, "size of the map behind tokens that take no bias", None)
    key_maps: Sizes | None = field(SIZES, "the same of the keys; that of the queries if left out", None)

    takes = (1, 3)
    wanders = True
    example = "{attention: 8, window: 4, bias: relative}"
    shown_on = "[96, 8, 8]"

    def named(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        return () if self.bias in BIAS_WORDS else (("bias", (self.bias,)),)

    # -- shapes: what fits is checked once, by `out_shape`

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        self._check_tensors(inputs)
        self._check_frames(inputs)
        if self.mode == "linear" and (self.window is not None or self.grid is not None or self.bias != "none"):
            help = "leave them out, or leave `mode` out"
            raise Fault("attention", "`mode: linear` has no windows, no grid and no bias", "mode", help)
        if self.scale is not None and self.mode != "softmax":
            raise Fault("attention", f"`mode: {self.mode}` has no `scale`", "scale", "leave it out")
        self._check_bias(inputs)
        q, _, v = self.tensors(inputs)
        return (v[0], *q[1:])

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[Shape, Shape, Shape]:
        """The shapes of q, k and v."""
        given = inputs[: len(inputs) - len(self.named())]
        if len(given) == 3:
            return given[0], given[1], given[2]
        count = 4 - len(given)
        part = (given[-1][0] // count, *given[-1][1:])
        return given[0] if count == 2 else part, part, part

    def _check_tensors(self, inputs: tuple[Shape, ...]) -> None:
        """Raise `Fault` where q, k and v do not fit each other."""
        given = inputs[: len(inputs) - len(self.named())]
        for shape in given:
            spatial(shape, self.kind)
        count, channels = 4 - len(given), given[-1][0]
        if channels % count:
            names = "q, k and v are thirds" if count == 3 else "k and v are halves"
            raise Fault("attention", f"{names}, and {count} does not divide {channels} channels", None, PROJECT)
        q, k, v = self.tensors(inputs)
        if q[0] != k[0]:
            message = f"q and k need equal channels, got {q[0]} and {k[0]}"
            raise Fault("attention", message, None, f"project k to {q[0]} channels, with `{{conv: {q[0]}, kernel: 1}}`")
        if k[1:] != v[1:]:
            message = f"k and v need equal positions, got {dims(k[1:])} and {dims(v[1:])}"
            raise Fault("attention", message, None, "make k and v of one tensor")
        for channels, name in ((q[0], "query"), (v[0], "value")):
            if channels % self.heads:
                message = f"{self.heads} heads do not divide the {channels} {name} channels"
                raise Fault("heads", message, "heads", divisor_help(self.heads, "head", (q[0], v[0])))

    def frames(self, inputs: tuple[Shape, ...]) -> tuple[Frame, ...] | None:
        """The keys of a query per axis; None where it has all of them."""
        if self.window is None and self.grid is None:
            return None
        queries, _, _ = self.tensors(inputs)
        sizes = queries[1:]
        declared = per_axis(self.given, len(sizes), self.framing)
        if self.grid is not None:
            return tuple(Frame(size, grid=min(wide, size), table=wide) for size, wide in zip(sizes, declared))
        shifts = per_axis(0 if self.shift is None else self.shift, len(sizes), "shift")
        found = []
        for size, wide, shift in zip(sizes, declared, shifts):
            found.append(Frame(size, min(wide, size), shift % wide if wide < size else 0, table=wide))
        return tuple(found)

    @property
    def framing(self) -> str:
        """The field that says what attends to each other."""
        return "window" if self.grid is None else "grid"

    @property
    def given(self) -> Sizes:
        """The declared size of a window, or of a grid."""
        declared = self.window if self.grid is None else self.grid
        assert declared is not None, "asked where something frames"
        return declared

    def _check_frames(self, inputs: tuple[Shape, ...]) -> None:
        """Raise `Fault` where windows, or a grid, do not fit the map."""
        q, k, _ = self.tensors(inputs)
        rank, name = len(q) - 1, self.framing
        if self.window is not None and self.grid is not None:
            raise Fault("attention", "`attention` takes `window` or `grid`, not both", "grid", "write two layers")
        if self.shift is not None and self.window is None and any(per_axis(self.shift, rank, "shift")):
            help = "give `window`, or leave `shift` out"
            raise Fault("attention", "`shift` moves windows, and there is no `window`", "shift", help)
        if self.window is None and self.grid is None:
            return
        if q[1:] != k[1:]:
            message = f"a {name} needs q and k on one map, got {dims(q[1:])} and {dims(k[1:])}"
            help = f"give q, k and v of one map, or leave `{name}` out: then every query has all keys"
            raise Fault("attention", message, name, help)
        if isinstance(self.given, tuple) and len(self.given) > rank == 1:
            message = f"`{name}` has {len(self.given)} entries, but tokens have no map"
            side = isqrt(q[1])
            shape = f"[{side}, {side}]" if side * side == q[1] else "[height, width]"
            raise Fault("wrong-rank", message, name, f"put `{{reshape: {shape}, over: positions}}` before it")
        for axis, frame in enumerate(self.frames(inputs) or ()):
            if frame.size % (frame.window or frame.grid):
                raise self._uneven(q, axis, frame)

    def _uneven(self, shape: Shape, axis: int, frame: Frame) -> Fault:
        """The fault of a window that does not divide an axis, with the lines that pad and cut it."""
        names = AXES[len(shape) - 1]
        every = list(zip(names, per_axis(self.given, len(names), self.framing)))
        pads, cuts = (
            "[" + ", ".join(f"[0, -{tensor}.{name} % {wide}]" for name, wide in every) + "]"
            for tensor in ("x", "input")
        )
        message = f"{self.framing} {frame.window or frame.grid} does not divide the {names[axis]} {frame.size}"
        help = f"put `{{pad: {pads}}}` before the projections, and `{{crop: {cuts}}}` after them"
        return Fault("window-division", message, self.framing, help)

    # -- bias

    def map_sizes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, Shape]:
        """The maps of q and of k that take a bias."""
        q, k, _ = self.tensors(inputs)
        found = []
        for shape, given in ((q, self.maps), (k, self.key_maps or self.maps)):
            found.append(shape[1:] if given is None else given if isinstance(given, tuple) else (given,))
        return found[0], found[1]

    def tables(self, inputs: tuple[Shape, ...]) -> Shape:
        """The sizes of a table of relative positions: 2*w - 1 per axis, w the window, the grid or the map."""
        frames = self.frames(inputs)
        if frames is not None:
            return tuple(2 * frame.table - 1 for frame in frames)
        sizes, _ = self.map_sizes(inputs)
        return tuple(2 * size - 1 for size in sizes)

    def _check_bias(self, inputs: tuple[Shape, ...]) -> None:
        if self.bias == "none":
            if self.maps or self.key_maps:
                raise Fault("attention", "`maps` says what takes a bias, and there is none", "maps", "give `bias`")
            return
        q, k, _ = self.tensors(inputs)
        q_map, k_map = self.map_sizes(inputs)
        for shape, sizes, name in ((q, q_map, "maps"), (k, k_map, "key_maps" if self.key_maps else "maps")):
            if shape[1:] != sizes and (len(shape) > 2 or prod(sizes) > shape[1]):
                message = f"a map of {dims(sizes)} does not fit {dims(shape[1:])} positions"
                side = isqrt(shape[1])
                help = f"leave `{name}` out: the positions are a map already"
                if len(shape) == 2:
                    help = f"`{name}: {side}x{side}` is a map of {side * side}; tokens before a map take no bias"
                raise Fault("attention", message, name, help)
        if len(q_map) != len(k_map):
            raise Fault("attention", f"a bias needs maps of equal rank, got {dims(q_map)} and {dims(k_map)}", "bias")
        framed = self.window is not None or self.grid is not None
        if framed and self.bias in ("distance", "decomposed"):
            raise Fault("attention", f"a `{self.bias}` bias is one of whole maps", "bias", "use `bias: relative`")
        if self.bias == "distance":
            for name, queries, keys in zip(AXES[len(q_map)], q_map, k_map):
                if (queries - 1) * _stride(queries, keys) >= keys:
                    message = f"a `distance` bias needs queries that are every n-th key: no n gives {queries} of {keys}"
                    help = f"take the queries of {dims(k_map)} by a stride, as `max_pool: 1, stride: 2` does"
                    raise Fault("attention", f"{message} along the {name}", "bias", help)
        if self.bias in ("distance", "decomposed"):
            return
        if q_map != k_map:
            message = f"a bias by relative position needs equal maps, got {dims(q_map)} and {dims(k_map)}"
            raise Fault("attention", message, "bias", "`distance` and `decomposed` allow keys of another map")
        wanted = (self.heads, *self.tables(inputs))
        if self.named() and inputs[-1] != wanted:
            message = f"the bias `{self.bias}` is {dims(inputs[-1])}, but {dims(wanted)} are needed: "
            help = f"make it of `{{coordinates: {list(wanted[1:])}}}`, and end with `{{conv: {self.heads}, kernel: 1}}`"
            raise Fault("attention", message + "heads, and 2*w - 1 offsets per axis", "bias", help)

    def weight_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Weight, ...]:
        found = []
        if self.mode == "cosine":
            found.append(Weight("logit_scale", (self.heads,)))
        if self.bias in ("relative", "distance"):
            found.append(Weight("bias_table", self.table(inputs)))
        elif self.bias == "decomposed":
            found += [Weight(name, shape) for name, shape in self.axis_tables(inputs)]
        return tuple(found)

    def table(self, inputs: tuple[Shape, ...]) -> Shape:
        """The table of a bias by position: of every head, by relative position or by distance."""
        if self.bias == "distance":
            return (self.heads, prod(self.map_sizes(inputs)[1]))
        return (self.heads, *self.tables(inputs))

    def axis_tables(self, inputs: tuple[Shape, ...]) -> list[tuple[str, Shape]]:
        """The tables of a decomposed bias: per axis a vector for every relative position, shared by the heads."""
        queries, _, _ = self.tensors(inputs)
        map_of_queries, map_of_keys = self.map_sizes(inputs)
        sizes = map(max, map_of_queries, map_of_keys)
        width = queries[0] // self.heads
        return [(f"rel_pos_{name}", (2 * size - 1, width)) for name, size in zip(AXES[len(map_of_queries)], sizes)]

    # -- costs and reach

    def multiplies(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[Multiplies, ...]:
        q, k, v = self.tensors(inputs)
        queries, keys = prod(q[1:]), prod(k[1:])
        if self.mode == "linear":
            return (Multiplies("input", queries + keys, q[0] * (v[0] // self.heads + 1), True),)
        frames = self.frames(inputs)
        if frames is not None:
            keys = prod(frame.keys for frame in frames)
        found = [Multiplies("pair", queries * keys, q[0] + v[0], True)]
        if self.bias == "decomposed":
            q_map, k_map = self.map_sizes(inputs)
            found.append(Multiplies("input", prod(q_map) * sum(k_map), q[0], True))
        return tuple(found)

    def keeping(self, inputs: tuple[Shape, ...], output: Shape) -> Kept | None:
        """Plain attention keeps q, k, v, its output, and the sum of exponentials of every head and query, in 32 bits
        (Dao et al. 2022, FlashAttention, section 3.1); what windows and biases keep is another thing for every way to
        write them."""
        if self.mode != "softmax" or self.bias != "none" or self.window is not None or self.grid is not None:
            return None
        return Kept(("inputs", "output"), bytes=4 * self.heads * prod(output[1:]))

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        frames = self.frames(inputs)
        if frames is None or self.grid is not None:
            return GLOBAL
        return tuple(frame.spans() for frame in frames)

    def reaches(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[tuple[int, Reach], ...]:
        """q reads its own position, k and v what attends to each other, and a bias that is a tensor counts whole."""
        further = len(self.named())
        last = len(inputs) - further - 1
        keys = self.reach(inputs)
        found: list[tuple[int, Reach]] = [(0, None), *((place, keys) for place in range(min(1, last), last + 1))]
        return (*found, *((last + 1 + place, GLOBAL) for place in range(further)))

    def settled(self, inputs: tuple[Shape, ...]) -> Layer:
        frames = self.frames(inputs)
        if frames is None:
            return self
        fixed = {"grid": tuple(frame.grid for frame in frames)}
        if self.grid is None:
            fixed = {"window": tuple(frame.window for frame in frames), "shift": tuple(frame.shift for frame in frames)}
        return Attention(**{name: getattr(self, name) for name in self.fields} | fixed)

    # -- execution

    def execute_all(self, run: Kernels[T], inputs: Sequence[T]) -> T:
        shapes = tuple(x.shape for x in inputs)
        q, k, v = _projected(run, inputs[: len(inputs) - len(self.named())])
        if self.mode == "linear":
            return self.summed_first(run, q, k, v)
        frames = self.frames(shapes)
        axes = None if frames is None else [frame.taps() for frame in frames]
        far = frames is None or self.grid is not None
        if self.mode == "cosine":
            q, k = (run.each(_unit, x, aside=(run.across(squares, x, self.by_head(x)),)) for x in (q, k))
        scores = run.correlate(q, k, self.heads, axes, far)
        scores = self.biased(run, q, self.scaled(run, scores, q.shape[0]), shapes, inputs)
        total = run.across(log_sum, scores, self.by_head(scores))
        shares = run.each(lambda value, whole: exp(value - whole), scores, aside=(total,))
        return run.blend(shares, v, self.heads, axes, far)

    def by_head(self, x: T) -> list[range]:
        """The channels of every head."""
        each = x.shape[0] // self.heads
        return [range(head * each, (head + 1) * each) for head in range(self.heads)]

    def scaled(self, run: Kernels[T], scores: T, channels: int) -> T:
        """The products times their factor."""
        if self.mode == "cosine":
            scales = run.factors("logit_scale", scores, self.heads)
            return run.each(lambda value, scale: value * exp(min(scale, LARGEST_SCALE)), scores, aside=(scales,))
        factor = 1 / sqrt(channels // self.heads) if self.scale is None else self.scale
        return run.each(lambda value: value * factor, scores)

    def biased(self, run: Kernels[T], q: T, scores: T, shapes: tuple[Shape, ...], inputs: Sequence[T]) -> T:
        """The products with what is added by position."""
        if self.bias == "none":
            return scores
        if self.bias == "decomposed":
            return run.each(lambda *values: sum(values), scores, *self.decomposed(run, q, shapes))
        if self.named():
            table = run.rearrange(inputs[-1], scores.shape, lambda: self.places(shapes))
            return run.each(lambda value, bias: value + bias, scores, table)
        bias = run.learned("bias_table", self.table(shapes), scores.shape, lambda: self.places(shapes))
        return run.each(lambda value, bias: value + bias, scores, aside=(bias,))

    def places(self, shapes: tuple[Shape, ...]) -> list[int]:
        """Where in its table the bias of every head, key and query stands, -1 for tokens: row-major."""
        frames, (q_map, k_map) = self.frames(shapes), self.map_sizes(shapes)
        q, k, _ = self.tensors(shapes)
        each = prod(self.tables(shapes)) if self.bias != "distance" else prod(k_map)
        rows: list[list[int]] = [[-1] * prod(q[1:]) for _ in range(prod(k[1:]) - prod(k_map))]
        tokens = [-1] * (prod(q[1:]) - prod(q_map))
        for row in self._rows(frames, q_map, k_map):
            rows.append(tokens + row)
        return [-1 if place < 0 else head * each + place for head in range(self.heads) for row in rows for place in row]

    def _rows(self, frames: tuple[Frame, ...] | None, q_map: Shape, k_map: Shape) -> Iterator[list[int]]:
        """For every key of a query, for every query on its map the place in a head's table."""
        axes = []
        for axis, (queries, keys) in enumerate(zip(q_map, k_map)):
            if self.bias == "distance":
                step = _stride(queries, keys)
                axes.append([[abs(place * step - key) for place in range(queries)] for key in range(keys)])
                continue
            frame = Frame(queries, table=queries) if frames is None else frames[axis]
            taps = frame.taps()
            places = [[(at - tap) // frame.apart + frame.table - 1 for tap in taps[at]] for at in range(queries)]
            axes.append([list(column) for column in zip(*places)])
        sizes = (
            k_map
            if self.bias == "distance"
            else tuple(
                2 * (queries if frames is None else frames[axis].table) - 1 for axis, queries in enumerate(q_map)
            )
        )
        for key in product(*axes):
            flat = [0]
            for column, wide in zip(key, sizes):
                flat = [place * wide + further for place in flat for further in column]
            yield flat

    def decomposed(self, run: Kernels[T], q: T, shapes: tuple[Shape, ...]) -> list[T]:
        """Per axis the products of q with the table's rows, spread to all keys (Li et al. 2022, MViTv2, eq. 4)."""
        maps = self.map_sizes(shapes)
        _, k, _ = self.tensors(shapes)
        q_map, k_map = maps
        before, tokens = prod(q.shape[1:]) - prod(q_map), prod(k[1:]) - prod(k_map)
        found = []
        for axis, ((name, shape), queries, keys) in enumerate(zip(self.axis_tables(shapes), *maps)):
            wide, near = max(keys // queries, 1), max(queries // keys, 1)
            rows = [[at * wide + (keys - 1 - key) * near for key in range(keys)] for at in range(queries)]
            inner = prod(q_map[axis + 1 :])
            chosen: list[list[int]] = [[]] * before
            chosen += [rows[place // inner % queries] for place in range(prod(q_map))]
            related = run.relate(q, self.heads, name, shape, keys, chosen)
            after = prod(k_map[axis + 1 :])
            order = [-1] * tokens + [place // after % keys for place in range(prod(k_map))]
            channels = [(-1 if at < 0 else head * keys + at,) for head in range(self.heads) for at in order]
            found.append(run.take(related, channels, [own(size) for size in q.shape[1:]]))
        return found

    def summed_first(self, run: Kernels[T], q: T, k: T, v: T) -> T:
        """relu(q) relu(k)' v over relu(q) relu(k)' 1: the keys are summed first (Cai et al. 2023, EfficientViT)."""
        each = v.shape[0] // self.heads
        q, k = (run.each(_positive, x) for x in (q, k))
        order = [
            (head * each + place if place < each else -1,) for head in range(self.heads) for place in range(each + 1)
        ]
        ones = run.take(v, order, [own(size) for size in v.shape[1:]], 1.0)
        of_keys = run.matmul(ones, k, self.heads, "positions", (True, True))
        summed = run.matmul(of_keys, q, self.heads, "", (True, False))
        axes = [own(size) for size in q.shape[1:]]
        values = [(head * (each + 1) + place,) for head in range(self.heads) for place in range(each)]
        totals = [(head * (each + 1) + each,) for head in range(self.heads)]
        return run.each(_share, run.take(summed, values, axes), run.take(summed, totals, axes))


PROJECT = "project to q, k and v first: `{conv: 3*x.channels, kernel: 1}`"


def _projected(run: Kernels[T], given: Sequence[T]) -> tuple[T, T, T]:
    """q, k and v of one, two or three tensors."""
    if len(given) == 3:
        return given[0], given[1], given[2]
    joined = given[-1]
    count = 4 - len(given)
    each = joined.shape[0] // count
    axes = [own(size) for size in joined.shape[1:]]
    parts = [run.take(joined, [(part * each + place,) for place in range(each)], axes) for part in range(count)]
    return (parts[0], parts[1], parts[2]) if count == 3 else (given[0], parts[0], parts[1])


def _unit(value: float, total: float) -> float:
    """A value over the Euclidean norm of its head."""
    return value / max(sqrt(total), 1e-12)


def _positive(value: float) -> float:
    return max(value, 0.0)


def _share(value: float, total: float) -> float:
    """A weighted sum over the sum of its weights."""
    return value / (total + 1e-15)
