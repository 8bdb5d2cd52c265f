"""What a network runs on: tensors and weights as JSON, images, and weights drawn from a seed.

Every problem is a `SpecError` that says where in which file it stands.
"""

from __future__ import annotations

import json
import sys
from array import array
from collections.abc import Iterator, Sequence
from math import isfinite, prod
from pathlib import Path
from random import Random
from typing import Any

from cnncalc.diagnostics import Diagnostic, SpecError, suggestion
from cnncalc.executor.tensors import Tensor
from cnncalc.geometry import Shape, dims
from cnncalc.graph import Graph, Node


def wrong(code: str, message: str, help: str = "") -> SpecError:
    """An error about data, which has no place in a spec."""
    return SpecError([Diagnostic(code, message, help=help)])


def read_bytes(path: str) -> bytes:
    """The content of a file; `-` is standard input."""
    try:
        return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise wrong("unreadable", f"cannot read `{path}`: {reason}") from None


def parse_json(content: bytes, path: str) -> Any:
    """JSON without what JSON does not have: NaN, infinities, names given twice."""

    def constant(word: str) -> Any:
        raise wrong("bad-data", f"`{path}` holds {word}, which is not a number that a network can run on")

    def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            again = next(name for place, (name, _) in enumerate(pairs) if name in dict(pairs[:place]))
            raise wrong("bad-data", f"`{path}` gives `{again}` twice")
        return found

    try:
        return json.loads(content.decode("utf-8-sig"), parse_constant=constant, object_pairs_hook=mapping)
    except json.JSONDecodeError as error:
        message = f"`{path}`:{error.lineno}:{error.colno} is not JSON: {error.msg.lower()}"
        raise wrong("bad-json", message, _readable(path)) from None
    except UnicodeDecodeError as error:
        message = f"`{path}` is not UTF-8 text: byte {error.start} is 0x{error.object[error.start]:02x}"
        raise wrong("bad-json", message, _readable(path)) from None
    except ValueError:
        raise wrong("too-large", f"`{path}` holds a number of too many digits") from None
    except RecursionError:
        raise wrong("bad-json", f"`{path}` is nested too deeply") from None


def _readable(path: str) -> str:
    """What to do about a file that is no JSON, by the end of its name."""
    if path.endswith((".pt", ".pth", ".bin", ".ckpt")):
        return "pickled weights are not read: write `safetensors.torch.save_file(model.state_dict(), 'w.safetensors')`"
    if path.endswith((".npy", ".npz")):
        return "write it as JSON: `json.dump(array.tolist(), file)`"
    if path.endswith((".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp")):
        return "pictures are read as PGM or PPM: `PIL.Image.open(path).save('picture.ppm')` writes one"
    return "nested lists are read, channels first: `[[[0, 1], [2, 3]]]` is 1 x 2 x 2"


def tensor(value: Any, shape: Shape, where: str) -> Tensor:
    """Nested lists of `shape` as a flat tensor; `where` names them in errors."""
    level = [value]
    for depth, size in enumerate(shape):
        deeper: list[Any] = []
        for place, entry in enumerate(level):
            if not isinstance(entry, list) or len(entry) != size:
                spot = where + _indices(place, shape[:depth])
                got = f"{len(entry)} entries" if isinstance(entry, list) else _kind(entry)
                raise wrong("wrong-shape", f"{spot} has {got} where {size} are needed: the shape is {dims(shape)}")
            deeper += entry
        level = deeper
    return Tensor(shape, [_number(entry, where, place, shape) for place, entry in enumerate(level)])


def _number(entry: Any, where: str, place: int, shape: Shape) -> float:
    spot = where + _indices(place, shape)
    if isinstance(entry, bool) or not isinstance(entry, (int, float)):
        raise wrong("wrong-type", f"{spot} is {_kind(entry)} where a number is needed: the shape is {dims(shape)}")
    try:
        number = float(entry)
    except OverflowError:
        number = float("inf")
    if not isfinite(number):
        raise wrong("too-large", f"{spot} is too large for a floating-point number")
    return number


def _indices(place: int, shape: Shape) -> str:
    indices = []
    for size in reversed(shape):
        place, index = divmod(place, size)
        indices.append(f"[{index}]")
    return "".join(reversed(indices))


def _kind(entry: Any) -> str:
    if isinstance(entry, list):
        return "a list"
    if isinstance(entry, dict):
        return "an object"
    text = json.dumps(entry)
    return text if len(text) <= 40 else f"{text[:37]}..."


def nested(tensor: Tensor) -> Any:
    """A tensor as nested lists; one without axes cannot be."""
    level: list[Any] = list(tensor.data)
    for size in reversed(tensor.shape[1:]):
        level = [level[start : start + size] for start in range(0, len(level), size)]
    return level


# -- inputs ------------------------------------------------------------------------------------------------------------


def read_inputs(path: str, graph: Graph) -> list[Tensor]:
    """One tensor per input of the network, from JSON or, for a single input, a PGM or PPM image scaled to 0..1."""
    content = read_bytes(path)
    if content[:2] in (b"P2", b"P3", b"P5", b"P6"):
        image = read_image(content, path)
        if len(graph.inputs) > 1 or image.shape != graph.inputs[0][1]:
            wanted = ", ".join(f"{name} {dims(shape)}" for name, shape in graph.inputs)
            raise wrong("wrong-shape", f"the image `{path}` is {dims(image.shape)}; the network takes {wanted}")
        return [image]
    return inputs_of(parse_json(content, path), graph, path)


def inputs_of(data: Any, graph: Graph, path: str = "data") -> list[Tensor]:
    """One tensor per input of the network from nested lists, of several inputs by name; `path` names them in errors."""
    if len(graph.inputs) == 1 and not isinstance(data, dict):
        return [tensor(data, graph.inputs[0][1], graph.inputs[0][0])]
    names = [name for name, _ in graph.inputs]
    if not isinstance(data, dict):
        raise wrong("wrong-type", f"`{path}` must be an object with a tensor for each of {', '.join(names)}")
    for name in data:
        if name not in names:
            raise wrong("unknown-name", f"`{path}` gives `{name}`, which is no input", suggestion(name, names))
    for name in names:
        if name not in data:
            raise wrong("missing-input", f"`{path}` gives no tensor for the input `{name}`")
    return [tensor(data[name], shape, name) for name, shape in graph.inputs]


def read_image(content: bytes, path: str) -> Tensor:
    """A PGM (grey) or PPM (RGB) image, plain or binary, as 1 or 3 channels of 0..1 (netpbm's formats)."""
    header: list[int] = []
    at, channels, plain = 2, 3 if content[1:2] in b"36" else 1, content[1:2] in b"23"
    while len(header) < 3:
        word, at = _word(content, at)
        if not word.isdigit() or len(word) > 9:
            raise wrong("bad-image", f"the header of `{path}` needs width, height and greatest value as whole numbers")
        header.append(int(word))
    width, height, greatest = header
    count = width * height * channels
    if not width or not height or not 0 < greatest < 65536:
        raise wrong("bad-image", f"`{path}` cannot be {width} x {height} pixels with a greatest value of {greatest}")
    values: list[int]
    if plain:
        words = content[at:].split()[:count]
        values = [int(word) if word.isdigit() and len(word) < 6 else 65536 for word in words]
    elif greatest > 255:
        pixels = content[at + 1 :]
        values = [high * 256 + low for high, low in zip(pixels[::2], pixels[1::2])]
    else:
        values = list(content[at + 1 :])
    if len(values) < count or max(values[:count]) > greatest:
        raise wrong("bad-image", f"`{path}` needs {count:,} values of at most {greatest} after its header")
    planes = [values[channel:count:channels] for channel in range(channels)]
    return Tensor((channels, height, width), [value / greatest for plane in planes for value in plane])


def _word(content: bytes, at: int) -> tuple[bytes, int]:
    """The next word of a header and where it ends; comments run from # to the end of their line."""
    while at < len(content) and (content[at : at + 1].isspace() or content[at] == ord("#")):
        if content[at] == ord("#"):
            at = content.find(b"\n", at) + 1 or len(content)
        else:
            at += 1
    start = at
    while at < len(content) and not content[at : at + 1].isspace():
        at += 1
    return content[start:at], at


# -- weights -----------------------------------------------------------------------------------------------------------


class Weights:
    """The weights of a network: those of a file, the fixed values of the spec, and the rest drawn from a seed."""

    def __init__(self, graph: Graph, given: Any, path: str, seed: int) -> None:
        """`given` is the file's content, by layer and tensor; raises `SpecError` for what no layer could use."""
        self.path = path
        self.seed = seed
        self.given: dict[str, dict[str, Any]] = given
        if not isinstance(given, dict) or not all(isinstance(tensors, dict) for tensors in given.values()):
            raise wrong("wrong-type", f'`{path}` must give tensors by layer: {{"conv1": {{"weight": ...}}}}')
        nodes = {node.name: node for node in graph.nodes}
        for name in given:
            if name not in nodes:
                raise wrong(
                    "unknown-layer", f"`{path}` gives weights for `{name}`, which is no layer", suggestion(name, nodes)
                )
            owner = nodes[name].shares
            if owner is not None:
                raise wrong(
                    "shared", f"`{name}` uses the weights of `{owner.name}`", f"give them for `{owner.name}` alone"
                )
        self.unused = {(layer, name) for layer, tensors in given.items() for name in tensors}
        self.values: dict[tuple[str, str], Sequence[float]] = {}

    def __call__(self, owner: Node, name: str, shape: Shape) -> Sequence[float]:
        """The values of a tensor of weights; the same at every call."""
        key = (owner.name, name)
        if key not in self.values:
            if key in self.unused:
                self.unused.remove(key)
                self.values[key] = tensor(self.given[owner.name][name], shape, f"`{owner.name}` {name}").data
            else:
                self.values[key] = owner.operation.layer.fixed(name) or array(
                    "d", drawn(self.seed, owner.name, name, shape)
                )
        return self.values[key]

    def check_used(self, layers: Sequence[str]) -> None:
        """Raise `SpecError` if a tensor given for one of the executed `layers` was not used."""
        for layer, name in sorted(self.unused):
            if layer in layers:
                used = [tensor for owner, tensor in self.values if owner == layer]
                has = f"it has {', '.join(used)}" if used else "it has no weights"
                raise wrong("unused", f"`{self.path}` gives `{layer}` a tensor `{name}` that it does not use", has)


def drawn(seed: int, layer: str, name: str, shape: Shape) -> Iterator[float]:
    """Values drawn for a tensor of weights: factors and variances around 1, all else around 0.

    Kernels and matrices have the variance 1/(values per output), so that activations neither vanish nor explode.
    """
    generator = Random(f"{seed}/{layer}/{name}")
    count = prod(shape)
    if name == "running_var" or (name == "weight" and len(shape) == 1):
        return (generator.uniform(0.5, 1.5) for _ in range(count))
    spread = (3 / prod(shape[1:])) ** 0.5 if len(shape) > 1 else 0.1
    return (generator.uniform(-spread, spread) for _ in range(count))
