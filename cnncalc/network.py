"""A network that has been loaded, and the ways to load one: the public API's entry."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cnncalc.diagnostics import Fault, Source, Span, SpecError, UsageFault, suggestion
from cnncalc.expansion.expand import MAX_STEPS, expand
from cnncalc.expansion.instance import Given, located, variant_like, variant_values
from cnncalc.geometry import Shape
from cnncalc.graph import Graph
from cnncalc.language.expressions import compile_expression
from cnncalc.language.lexer import ExpressionFault
from cnncalc.language.library import find, load_file, load_text
from cnncalc.language.model import File, Value, ValueFault
from cnncalc.language.source import Scalar
from cnncalc.report import Report

if TYPE_CHECKING:
    from cnncalc.analyzers.measurement import Counting
    from cnncalc.compare.conventions import Convention
    from cnncalc.compare.diff import Difference
    from cnncalc.compare.formulas import Formula
    from cnncalc.compare.sizes import Sizes
    from cnncalc.compare.sweep import Spec
    from cnncalc.convert import Imported
    from cnncalc.convert.account import Account
    from cnncalc.convert.lift import Lifted
    from cnncalc.convert.lift import Progress as Stages
    from cnncalc.executor.tensors import Tensor
    from cnncalc.explain import Explanation
    from cnncalc.footprint import Footprint
    from cnncalc.verify.fields import Progress
    from cnncalc.verify.network import Verification

Arguments = Mapping[str, Any]
"""Values for a file's `args`: numbers, lists, booleans, or text in the spec's expression language."""

Inputs = Mapping[str, Shape] | Shape | None
"""Shapes from outside: for the first input, or by name."""


class Network:
    """A network whose graph and shapes are known; each command is a method.

    >>> load("resnet50").params().totals.params
    25557032
    """

    def __init__(
        self,
        file: File | None,
        graph: Graph,
        account: Account | None = None,
        args: Arguments | None = None,
        inputs: Mapping[str, Shape] | None = None,
    ) -> None:
        self.file = file
        """The spec; None for a network that came from another program's model."""
        self.graph = graph
        self.account = account
        """What a model file held and what has become of it; None for a spec."""
        self.args = dict(args or {})
        """What stands in for the file's arguments."""
        self.inputs = dict(inputs or {})
        """What stands in for the file's input shapes."""

    @classmethod
    def _imported(cls, found: Imported) -> Network:
        return cls(None, found.graph, found.account)

    @classmethod
    def from_onnx(cls, model: Any, inputs: Inputs = None) -> Network:
        """The network of an ONNX file by its path, or of a ModelProto; raises `SpecError`.

        `inputs` give the sizes that it leaves open, channels first and without the batch.
        """
        from cnncalc.convert.onnx import read, read_proto

        is_path = isinstance(model, (str, os.PathLike))
        return cls._imported(read(os.fspath(model), inputs) if is_path else read_proto(model, inputs))

    @classmethod
    def from_keras(cls, model: Any, inputs: Inputs = None) -> Network:
        """The network of a Keras model, of its config (a mapping, or its JSON), or of a ``.keras`` or ``.json`` file.

        Its axes become channels first; `inputs` give the sizes that it leaves open, channels first.  Raises
        `SpecError`.
        """
        from cnncalc.convert.keras import from_keras

        return cls._imported(from_keras(model, inputs))

    @classmethod
    def from_torch(cls, model: Any, inputs: Inputs | Sequence[Shape] = None) -> Network:
        """The network of a ``torch.nn.Module``, or of a ``.pt2`` file; raises `SpecError`.

        `inputs` are the shapes of what the module takes, channels first and without the batch: of its first input, of
        all in their order, or by their names in ``forward``.  It is exported as for inference, and left as it is.
        """
        if isinstance(model, (str, os.PathLike)):
            from cnncalc.convert.torch.pt2 import read

            return cls._imported(read(os.fspath(model), inputs))
        from cnncalc.convert.torch import from_torch

        return cls._imported(from_torch(model, inputs))

    @classmethod
    def from_darknet(cls, path: str | os.PathLike[str], inputs: Inputs = None) -> Network:
        """The network of a Darknet ``.cfg`` file; raises `SpecError`."""
        from cnncalc.convert.darknet import read

        return cls._imported(read(os.fspath(path), inputs))

    @property
    def name(self) -> str:
        return self.graph.name

    @property
    def variant(self) -> str | None:
        return self.graph.variant

    def summary(self, of: str | None = None, counted_as: str | None = None, batch: int = 1) -> Report:
        """Shapes, parameters, MACs of all samples of a batch, and receptive fields towards `of` (the first if absent).

        MACs are counted as another tool does, if one of `conventions` is named; raises `Fault` for another name, and
        for more than one sample of those.
        """
        setting = None
        if batch != 1:
            from cnncalc.analyzers.memory import Setting

            setting = Setting(batch=batch)
        report = Report(self.graph, "summary", of, setting)
        if counted_as is not None:
            if batch != 1:
                raise Fault("batch", "other tools' figures are of one sample", None, "leave the batch out")
            report.counting = self.counting(counted_as)
        return report

    def shapes(self) -> Report:
        """Output shapes, and the rows and columns that a stride leaves unread."""
        return Report(self.graph, "shapes")

    def params(self) -> Report:
        """Learned parameters and state, and the parameters of the depthwise-separable what-if."""
        return Report(self.graph, "params")

    def receptive_field(self, of: str | None = None) -> Report:
        """Receptive fields towards the input `of` (the first if absent).

        Raises `Fault` for an unknown input, and where a field cannot be worked out, when it is called.
        """
        report = Report(self.graph, "rf", of)
        report.values("receptive_field")
        return report

    def memory(
        self,
        dtype: str = "float32",
        weights_dtype: str | None = None,
        batch: int = 1,
        reuse: bool = True,
        budget: int | None = None,
        training: bool = False,
        optimizer: str = "sgd",
    ) -> Footprint:
        """Bytes that exist while each layer runs, and the peak; with `budget` whether they fit into so many bytes.

        With `training` what a step keeps for the backward pass, gradients and the optimizer's numbers, too.  Raises
        `Fault` for an unknown type or optimizer.
        """
        from cnncalc.analyzers.memory import Setting
        from cnncalc.footprint import Footprint

        setting = Setting(dtype, weights_dtype, batch, reuse, optimizer)
        return Footprint(self.graph, setting, budget, training)

    def counting(self, tool: str) -> Counting:
        """What a tool counts of every layer, in place of our MACs; raises `Fault` for an unknown one."""
        from cnncalc.compare.conventions import counting
        from cnncalc.compare.writings import written

        return counting(self.graph, tool, written(self.file.source.location) if self.file is not None else ())

    def conventions(self) -> list[Convention]:
        """The totals of other tools, and the parts that bridge from our figures to theirs."""
        from cnncalc.compare.conventions import conventions
        from cnncalc.compare.writings import written

        return conventions(self.graph, written(self.file.source.location) if self.file is not None else ())

    def diff(self, other: Network) -> Difference:
        """What was added, removed and changed from this network to another, and what it costs."""
        from cnncalc.compare.diff import diff

        return diff(self.graph, other.graph)

    def formula(self, *names: str, of: Sequence[str] = ("params", "macs")) -> list[Formula]:
        """Figures as exact polynomials in arguments, and in `size`, each with the settings that it was checked at.

        Raises `Fault` for a name or a figure that there is not, and where a figure is no polynomial.
        """
        from cnncalc.compare.formulas import formulas

        return formulas(self._spec(), names, of)

    def sizes(self, first: int = 1, last: int = 1024) -> Sizes:
        """Which input sizes build, which of them leave no pixel unread and misalign nothing, and what they give."""
        from cnncalc.compare.sizes import sizes

        return sizes(self._spec(), (first, last))

    def _spec(self) -> Spec:
        """What is built anew in other settings."""
        from cnncalc.compare.sweep import Spec

        return Spec(self.name, self.file, self.variant, tuple(self.args.items()), tuple(self.inputs.items()))

    def explain(self, layer: str | None = None, of: str | None = None) -> Explanation:
        """How every number of one layer, of one block, or of the network came about.

        Raises `Fault` for an unknown layer or input.
        """
        from cnncalc.explain import explain

        return explain(Report(self.graph, "summary", of), layer)

    def expand(self) -> str:
        """The flat spec that the blocks expand to, itself a valid spec: one step a layer."""
        from cnncalc.convert.spec_text import flat

        return flat(self.graph)

    def lift(self, flat: bool = False, progress: Stages | None = None) -> Lifted:
        """The spec that a person would write, of the same graph, and the row in it that each row has become.

        With `flat` the flat one.  Of another program's model, the names are those of its nodes.  `progress` hears how
        many stages are done, of how many, and which is next.
        """
        from cnncalc.convert.lift import Lifted, lift, unlifted

        found = unlifted(self.graph) if flat else lift(self.graph, progress)
        if self.account is None:
            return found
        rows = self.account.names.items()
        return Lifted(found.text, {node: found.names[row] for node, row in rows if row in found.names})

    def to_torch_source(self) -> str:
        """A Python module that defines the network as an `nn.Module`, a class for every distinct block.

        Raises `SpecError` at a layer that PyTorch cannot say.
        """
        from cnncalc.convert.torch_out import to_torch_source

        return to_torch_source(self.graph)

    def to_torch(self, weights: Any = None, seed: int | None = None) -> Any:
        """The `torch.nn.Module` that the source defines: as PyTorch initialises it, or with the weights of `run`.

        Raises `SpecError` at a layer that PyTorch cannot say, `Fault` where it is not installed.
        """
        from cnncalc.convert.torch_out import to_torch

        return to_torch(self.graph, self._given(weights, seed))

    def to_torch_files(self, path: str | os.PathLike[str], weights: Any = None, seed: int = 0) -> None:
        """Write the source, and beside it the weights of `run`, as safetensors for the module's ``load_state_dict``.

        Raises `SpecError` for weights that do not fit, `Fault` for files that cannot be written; then neither is.
        """
        from cnncalc.convert.weights import SUFFIX, encoded, weights_of
        from cnncalc.writing import write_all

        source = self.to_torch_source().encode("utf-8")
        given = encoded(self.graph, weights_of(self.graph, weights, seed))
        write_all({os.fspath(path): source, os.path.splitext(path)[0] + SUFFIX: given})

    def _given(self, weights: Any, seed: int | None) -> Any:
        """The weights that are given, or drawn; None where neither is asked for."""
        from cnncalc.convert.weights import weights_of

        return None if weights is None and seed is None else weights_of(self.graph, weights, seed or 0)

    def to_keras_source(self) -> str:
        """A Python module that builds the network with Keras' functional API, channels last.

        Raises `SpecError` at a layer that Keras cannot say.
        """
        from cnncalc.convert.keras_out.source import to_keras_source

        return to_keras_source(self.graph)

    def to_keras(self, weights: Any = None, seed: int | None = None) -> Any:
        """The `keras.Model` that the source builds: with Keras' own initial weights, or those of `run`.

        Raises `Fault` where Keras is not installed.
        """
        from cnncalc.convert.keras_out.source import to_keras

        return to_keras(self.graph, self._given(weights, seed))

    def to_onnx(
        self, path: str | os.PathLike[str], weights: Any = None, seed: int = 0, opset: int | None = None
    ) -> None:
        """Write an ONNX model with nodes called as the rows; `weights` and `seed` as in `run`.

        Raises `SpecError` at a layer that ONNX cannot say and for weights that do not fit, `Fault` for a file that
        cannot be written, an opset that is not known, and where onnx is not installed.
        """
        from cnncalc.convert.onnx_out.model import OPSET, to_onnx
        from cnncalc.convert.weights import weights_of

        to_onnx(self.graph, path, weights_of(self.graph, weights, seed), OPSET if opset is None else opset)

    def run(self, data: Any, weights: Any = None, seed: int = 0, layer: str | None = None) -> dict[str, Tensor]:
        """Execute the network on data, in plain Python: the tensors that leave it, or that of one layer, by name.

        `data` is a path (JSON, or a PGM or PPM image), or nested lists, channels first and without the batch; of
        several inputs a mapping by name.  `weights` is a path (JSON, or safetensors) or a mapping
        ``{layer: {tensor: nested lists}}`` in PyTorch's layouts; what it leaves out is drawn from `seed`.
        Raises `SpecError` for what does not fit.
        """
        from cnncalc.executor.session import outputs

        if isinstance(weights, (str, os.PathLike)) and os.fspath(weights).endswith(".safetensors"):
            from cnncalc.convert.weights import weights_of

            weights = weights_of(self.graph, weights, seed)
        return outputs(self.graph, data, weights, seed, layer)

    def verify(self, progress: Progress | None = None, processes: int = 1) -> Verification:
        """Execute the network and compare every reported number with what happened.

        `progress` hears products made and in all, and the layer's name; `processes` share large convolutions.
        """
        from cnncalc.verify.network import verify

        return verify(self.graph, progress, processes)

    def to_dict(self) -> dict[str, Any]:
        """The summary as plain data, as ``cnncalc summary --format json`` prints it."""
        return self.summary().to_dict()

    def __repr__(self) -> str:
        return f"<{self.name}{f' ({self.variant})' if self.variant else ''}: {len(self.graph.nodes):,} layers>"

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()


def load(
    spec: str | os.PathLike[str],
    variant: str | None = None,
    args: Arguments | None = None,
    inputs: Mapping[str, Shape] | Shape | None = None,
    max_steps: int = MAX_STEPS,
    channels_last: bool = False,
) -> Network:
    """The network of a spec file or of a bundled name such as ``resnet50``.

    `args` stand in for the file's (as ``--set``), `inputs` for its input shapes, channels first (or last, if
    `channels_last`): a shape for the first input, or a mapping by name; spatial sizes alone keep the channels.

    Raises `SpecError` for a wrong spec, `UnknownSpec` for a name that nothing has.
    """
    text = os.fspath(spec)
    if is_model(text):
        return load_model(text, variant, args, channels_moved(inputs) if channels_last else inputs)
    path, found = find(text)
    return build(load_file(path), variant or found, args, inputs, max_steps, channels_last)


def variants(spec: str) -> tuple[str, ...]:
    """The names of a spec's variants; raises `Fault` where it has none."""
    names = () if is_model(spec) else tuple(load_file(find(spec)[0]).variants)
    if not names:
        raise Fault("unknown-variant", f"`{spec}` has no variants", None, "leave `--variant` out")
    return names


def is_model(spec: str) -> bool:
    """Whether a SPEC names another program's model, ``model.onnx`` or ``net.py:Net``; nothing is opened."""
    if spec.endswith((".yaml", ".yml")) or not ("." in spec or ":" in spec):
        return False
    from cnncalc.convert import recognised

    return recognised(spec) is not None


def runs_code(spec: str) -> bool:
    """Whether a SPEC asks for code to be run: ``package.module:name``, and nothing else does; nothing is opened."""
    if ":" not in spec or not is_model(spec):
        return False
    from cnncalc.convert import is_callable

    return is_callable(spec)


def channels_moved(inputs: Inputs) -> Inputs:
    """Shapes with the channels last as shapes with the channels first."""
    if isinstance(inputs, Mapping):
        return {name: (*shape[-1:], *shape[:-1]) for name, shape in inputs.items()}
    return inputs and (*inputs[-1:], *inputs[:-1])


def load_model(
    source: str,
    variant: str | None = None,
    args: Arguments | None = None,
    inputs: Mapping[str, Shape] | Shape | None = None,
) -> Network:
    """The network of a model file, with its account; raises `SpecError` for what cannot be read."""
    from cnncalc.convert import read_model

    if variant or args:
        what = "variants" if variant else "arguments"
        raise UsageFault("no-arguments", f"{source} is a model file: it has no {what}", None, "`--input` gives sizes")
    found = read_model(source, inputs)
    return Network(None, found.graph, found.account)


from_onnx = Network.from_onnx
from_keras = Network.from_keras
from_torch = Network.from_torch
from_darknet = Network.from_darknet


def loads(
    text: str,
    variant: str | None = None,
    args: Arguments | None = None,
    inputs: Mapping[str, Shape] | Shape | None = None,
    max_steps: int = MAX_STEPS,
    channels_last: bool = False,
) -> Network:
    """The network of a spec given as text; as `load` else."""
    return build(load_text(text), variant, args, inputs, max_steps, channels_last)


def build(
    file: File,
    variant: str | None = None,
    args: Arguments | None = None,
    inputs: Mapping[str, Shape] | Shape | None = None,
    max_steps: int = MAX_STEPS,
    channels_last: bool = False,
) -> Network:
    """The network of a parsed file; raises `SpecError`."""
    given = variant_values(file, variant) if variant else {}
    given |= {name: set_argument(file, name, value) for name, value in (args or {}).items()}
    shapes: dict[str, Shape] = {}
    if isinstance(inputs, Mapping):
        shapes = {name: tuple(shape) for name, shape in inputs.items()}
    elif inputs is not None:
        shapes = {next(iter(file.inputs), "input"): tuple(inputs)}
    graph = expand(file, given, variant, shapes, max_steps, channels_last)
    if variant is None and file.variants:
        graph.like, graph.variants = variant_like(file, given), tuple(file.variants)
    return Network(file, graph, None, args, shapes)


def check_argument(file: File, name: str) -> None:
    """Raise `Fault` for the name of an argument that a file does not have."""
    if name not in file.args:
        known = ", ".join(f"`{known}`" for known in file.args)
        help = suggestion(name, file.args) or (f"arguments are {known}" if known else "this spec has no `args`")
        raise Fault("unknown-argument", f"{file.source.path} has no argument `{name}`", None, help)


def set_argument(file: File, name: str, value: Any) -> Given:
    """The value of one argument from outside; raises `SpecError` for an unknown name or a faulty expression."""
    check_argument(file, name)
    source = Source(f"--set {name}", value if isinstance(value, str) else repr(value))
    span = Span(source, 1, 1, len(source.text) + 1)
    if not isinstance(value, str):
        return Given(_tuples(value), span)
    node = Scalar(value, span)
    try:
        expression = compile_expression(value, file)
        return Given(Value(node, expression.run, expression.names).evaluate({}), span)
    except ExpressionFault as fault:
        raise SpecError([fault.at(node.part(fault.start, fault.end))]) from None
    except ValueFault as found:
        raise located(found, {}, {}) from None


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, (list, tuple)) else value
