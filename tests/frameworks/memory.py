"""What torchvision's networks take: numbers alive at the peak, and bytes that autograd keeps; the truth of the tests.

Run by hand where torch and torchvision are installed; it writes tests/data/memory/torchvision.json:

    python tests/frameworks/memory.py

Numbers alive: the network is traced with torch.fx in evaluation mode and run on the meta device.  Views (flatten,
chunks, permuted axes, dropout in evaluation) are in their input's storage; batch and layer normalisation,
activations but softmax, and factors per channel write over their input if no later node needs it (`reuse`); all
else has a storage of its own.  What is alive at a node is found for each node anew, from all uses.

Kept: `saved_tensors_hooks` around the forward pass in training mode on a CPU; every storage once, without those of
parameters and buffers; auxiliary heads and stochastic depth are off.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

OPERATORS = torch.library.Library("torchvision", "DEF")  # torchvision asks for them, its compiled part may be missing
for text in ("nms(Tensor a, Tensor b, float c) -> Tensor", "qnms(Tensor a, Tensor b, float c) -> Tensor"):
    OPERATORS.define(text)

import torchvision  # noqa: E402
from torch import fx, nn  # noqa: E402

NETWORKS: dict[str, dict[str, Any]] = {
    "alexnet": {},
    "vgg11": {},
    "vgg16": {},
    "vgg13_bn": {},
    "resnet18": {},
    "resnet34": {},
    "resnet50": {},
    "resnext50_32x4d": {},
    "wide_resnet50_2": {},
    "densenet121": {},
    "densenet169": {},
    "squeezenet1_0": {},
    "squeezenet1_1": {},
    "googlenet": {"aux_logits": False, "init_weights": False},
    "inception_v3": {"aux_logits": False, "init_weights": False},
    "mobilenet_v2": {},
    "mobilenet_v3_small": {},
    "mobilenet_v3_large": {},
    "mnasnet0_5": {},
    "mnasnet1_0": {},
    "shufflenet_v2_x0_5": {},
    "shufflenet_v2_x1_0": {},
    "efficientnet_b0": {"stochastic_depth_prob": 0.0},
    "efficientnet_v2_s": {"stochastic_depth_prob": 0.0},
    "regnet_x_400mf": {},
    "regnet_y_400mf": {},
    "convnext_tiny": {"stochastic_depth_prob": 0.0},
}
SIZES = {"inception_v3": 299, "efficientnet_v2_s": 384, "convnext_tiny": 224}

VIEW_MODULES = ("Dropout", "Identity", "Flatten", "Permute", "StochasticDepth")
OVER_MODULES = (
    *("BatchNorm2d", "LayerNorm", "LayerNorm2d"),
    *("ReLU", "ReLU6", "SiLU", "GELU", "Hardswish", "Hardsigmoid", "Sigmoid"),
)
VIEW_NAMES = ("flatten", "view", "reshape", "chunk", "getitem", "transpose", "dropout", "permute", "stochastic_depth")
OVER_NAMES = ("relu", "relu_", "layer_norm", "sigmoid")
OWN_NAMES = ("cat", "add", "iadd", "mul", "contiguous", "mean", "adaptive_avg_pool2d", "avg_pool2d", "max_pool2d")


class Leaves(fx.Tracer):
    """Traces down to torch's own modules, and torchvision's that are one layer in all but name."""

    def is_leaf_module(self, m: nn.Module, qualified_name: str) -> bool:
        return type(m).__name__ in (*VIEW_MODULES, *OVER_MODULES) or super().is_leaf_module(m, qualified_name)


def rule(node: fx.Node, modules: dict[str, nn.Module], values: dict[fx.Node, Any]) -> str:
    """Whether the result of a node is a view, may be written over its input, or has a storage of its own."""
    if node.op == "call_module":
        kind = type(modules[str(node.target)]).__name__
        return "view" if kind in VIEW_MODULES else "over" if kind in OVER_MODULES else "own"
    name = node.target if isinstance(node.target, str) else node.target.__name__
    if name == "mul" and any(other.op == "get_attr" for other in node.all_input_nodes):
        return "over"
    for known, names in (("view", VIEW_NAMES), ("over", OVER_NAMES), ("own", OWN_NAMES)):
        if name in names:
            return known
    raise LookupError(f"`{name}` is in none of the tables above: look up whether torch copies, and add it")


def peak(network: nn.Module, shape: tuple[int, ...], reuse: bool) -> int:
    """The most numbers that are alive at once, of one sample."""
    graph = Leaves().trace(network)
    module = fx.GraphModule(network, graph)
    values: dict[fx.Node, Any] = {}

    class Run(fx.Interpreter):
        def run_node(self, n: fx.Node) -> Any:
            values[n] = super().run_node(n)
            return values[n]

    Run(module).run(torch.zeros(1, *shape, device="meta"))
    modules = dict(module.named_modules())
    order = [
        node
        for node in graph.nodes
        if node.op not in ("get_attr",)
        and (isinstance(values.get(node), torch.Tensor) or node.op == "output" or _is_chunks(values.get(node)))
    ]
    at = {node: place for place, node in enumerate(order)}
    uses = {node: [at[user] for user in node.users if user in at] for node in order}
    storage: dict[fx.Node, int] = {}
    sizes: list[int] = []
    for node in order:
        if node.op == "output":
            continue
        if node.op != "placeholder":
            kind = rule(node, modules, values)
            source = next(each for each in node.all_input_nodes if each in storage)
            same = [each for each in storage if storage[each] == storage[source]]
            free = all(use <= at[node] for each in same for use in uses[each])
            if kind == "view" or (kind == "over" and reuse and free):
                storage[node] = storage[source]
                continue
        storage[node] = len(sizes)
        sizes.append(values[node].numel())
    highest = 0
    for node in order:
        if node.op in ("placeholder", "output"):
            continue
        alive = {
            storage[each]
            for each in storage
            if at[each] <= at[node] and (each is node or any(use >= at[node] for use in uses[each]))
        }
        highest = max(highest, sum(sizes[number] for number in alive))
    return highest


def _is_chunks(value: Any) -> bool:
    return isinstance(value, tuple) and bool(value) and isinstance(value[0], torch.Tensor)


def kept(network: nn.Module, shape: tuple[int, ...], batch: int) -> int:
    """Bytes that autograd keeps of a forward pass."""
    network.train()
    own = {tensor.untyped_storage().data_ptr() for tensor in (*network.parameters(), *network.buffers())}
    found: dict[int, Any] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            found[storage.data_ptr()] = storage  # held, so that its place is not given away
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = network(torch.randn(batch, *shape))
    del result
    return sum(storage.nbytes() for storage in found.values())


def main() -> None:
    torch.manual_seed(0)
    networks = {}
    for name, arguments in NETWORKS.items():
        size = SIZES.get(name, 224)
        shape = (3, size, size)
        build = getattr(torchvision.models, name)
        network = build(weights=None, **arguments)
        found = {str(batch): kept(network, shape, batch) for batch in (2, 3)}
        traced = network.eval().to("meta")
        networks[name] = {
            "input": list(shape),
            "peak_reuse": peak(traced, shape, True),
            "peak_no_reuse": peak(traced, shape, False),
            "kept_for_backward_bytes": found,
        }
        print(name, networks[name], flush=True)
    versions = {"torch": torch.__version__, "torchvision": torchvision.__version__}
    target = Path(__file__).parents[1] / "data" / "memory" / "torchvision.json"
    target.write_text(json.dumps({"versions": versions, "networks": networks}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
