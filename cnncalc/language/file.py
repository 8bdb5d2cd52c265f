"""The second station: located nodes become a `File`, the spec as the language knows it.

Here every key is checked and every expression compiled; nothing is evaluated, and no file is opened: imports
come from the `resolve` that the caller gives.  All problems of a file are collected before they are raised.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from cnncalc.diagnostics import Fault, Source, Span, SpecError, suggestion
from cnncalc.language.forms import as_mapping
from cnncalc.language.model import Argument, Block, File, Import, OutputName
from cnncalc.language.names import BLOCK_KEYS, FILE_KEYS, IDENTIFIER, NAME, RESERVED
from cnncalc.language.source import Located, Mapping, Scalar, Sequence, compose
from cnncalc.language.steps import StepReader, named
from cnncalc.layers import KINDS

INPUT_ORDER = (
    ("channels", "c", "features"),
    ("depth", "d", "frames"),
    ("height", "h", "length", "l"),
    ("width", "w"),
)
"""How the sizes of a shape are called elsewhere, in their order here."""

ANY_BATCH = ("null", "none", "~", "-1", "?", "b", "n", "batch", "batch_size", "bs")
"""How a batch of any size is written elsewhere."""

Resolve = Callable[[str, Span], tuple[File, str | None]]
"""Finds an imported file by the text that names it; raises `SpecError`, or `Fault` for a text that names none."""


def is_one_shape(node: Mapping) -> bool:
    """Whether a mapping gives the sizes of one shape by their names, and no shape of an input."""
    known = {name for names in INPUT_ORDER for name in names} | {"batch", "n"}
    scalars = all(isinstance(value, Scalar) for _, value in node.entries.values())
    return len(node.entries) > 1 and scalars and {name.lower() for name in node.entries} <= known


def parse(source: Source, resolve: Resolve, parser: Any = None) -> File:
    """The spec in `source`; raises `SpecError` with every problem found."""
    return _FileReader(source, resolve).file(compose(source, parser))


class _FileReader(StepReader):
    """Reads a whole file: declarations first, so that steps can be checked against them."""

    def __init__(self, source: Source, resolve: Resolve) -> None:
        super().__init__(source)
        self.resolve = resolve

    def file(self, root: Located) -> File:
        """The whole file: declarations first, so that steps can be checked against them."""
        found = self.entries(
            root, "a spec", FILE_KEYS, "it begins with `input: [channels, height, width]` and `layers:`"
        )
        result = self.result
        if "name" in found:
            result.name = self.text(found["name"][1], "`name`")
        if "source" in found:
            result.reference = self.text(found["source"][1], "`source`")
        if "args" in found:
            result.args = self.parameters(found["args"][1], "`args`", "16")
        if "variants" in found:
            self.variants(found["variants"][1])
        if "import" in found:
            self.imports(found["import"][1])
        if "blocks" in found:
            self.block_heads(found["blocks"][1])
        if "input" in found:
            self.inputs(found["input"][1])
        if "defaults" in found:
            self.defaults(found["defaults"][1])
        if "blocks" in found:
            self.block_bodies(found["blocks"][1])
        if "layers" in found:
            result.steps_span = found["layers"][0].span
            result.steps = self.steps(found["layers"][1])
        if "outputs" in found:
            self.outputs(found["outputs"][1])
        if "expect" in found:
            from cnncalc.language.expectations import read_expectations  # as `lint`, which few files have

            result.expect_span = found["expect"][0].span
            result.expect = read_expectations(self, found["expect"][1])
        if "lint" in found:
            from cnncalc.language.lint import read_allowed

            result.allowed = read_allowed(self, found["lint"][1])
        self.whole(found)
        if self.problems:
            raise SpecError(self.problems)
        return result

    def whole(self, found: dict[str, tuple[Scalar, Located]]) -> None:
        """What a file must have as a whole."""
        span = next(iter(found.values()))[0].span if found else Span(self.result.source, 1, 1, 2)
        if "layers" not in found and "blocks" not in found and not self.problems:
            self.report("missing-key", "a spec needs `layers`", span, "a file with `blocks` only is a library")
        if "layers" in found and not self.result.steps and not self.problems:
            self.report("empty", "`layers` holds no step", found["layers"][0].span)
        if "layers" in found and "input" not in found and not self.problems:
            self.report("missing-key", "a spec needs `input`", span, "for example `input: [3, 224, 224]`")

    def inputs(self, node: Located) -> None:
        if isinstance(node, Mapping) and is_one_shape(node):
            from cnncalc.language.translation import text_of

            sizes = {key.lower(): text_of(value) for key, (_, value) in node.entries.items()}
            found = [next((sizes[name] for name in names if name in sizes), "") for names in INPUT_ORDER]
            help = f"write `input: [{', '.join(filter(None, found))}]`"
            self.report("wrong-form", "`input` is a list of sizes, or a shape per name of an input", node.span, help)
        elif isinstance(node, Mapping):
            for name, (key, shape) in node.entries.items():
                if not IDENTIFIER.fullmatch(name) or (name in RESERVED and name != "input"):
                    self.report("name", f"an input cannot be called `{name}`", key.span)
                elif not self.has_batch(name, shape):
                    self.result.inputs[name] = self.value(shape)
            if not node.entries:
                self.report("empty", "`input` names no input", node.span, "for example `input: [3, 224, 224]`")
        elif not self.has_batch("input", node):
            self.result.inputs["input"] = self.value(node)

    def has_batch(self, name: str, node: Located) -> bool:
        """Whether a shape begins with a batch of any size (reported)."""
        first = node.items[0] if isinstance(node, Sequence) and len(node.items) > 1 else None
        text = first.text if isinstance(first, Scalar) else ""
        if first is None or text in self.result.args or text.lower() not in ANY_BATCH:
            return False
        from cnncalc.language.translation import text_of

        rest = ", ".join(map(text_of, node.items[1:])) if isinstance(node, Sequence) else ""
        self.report("wrong-form", f"`{text}` is no size: the batch stays out", first.span, f"write `{name}: [{rest}]`")
        return True

    def variants(self, node: Located) -> None:
        listed = as_mapping(node, "{}")
        help = f"write `variants: {listed}`" if listed else "write `name: {argument: value}`"
        for name, (key, given) in self.entries(node, "`variants`", help=help).items():
            if not NAME.fullmatch(name):
                self.report("name", f"a variant cannot be called `{name}`", key.span)
                continue
            if isinstance(given, Scalar) and not given.text:
                self.report(
                    "wrong-form", f"variant `{name}` is a mapping of arguments", key.span, f"write `{name}: {{}}`"
                )
                continue
            self.result.variants[name] = self.arguments(given, f"variant `{name}`", self.result.args)
            self.result.variant_spans[name] = key.span

    def defaults(self, node: Located) -> None:
        for name, (key, given) in self.entries(node, "`defaults`").items():
            kind = KINDS.get(name)
            if kind is None:
                known = [known for known in KINDS if KINDS[known].fields]
                from cnncalc.language import words

                meant = next((row.kind for row in words.rows(name) if row.kind), "")
                near = f"write `{meant}`" if meant else suggestion(name, known)
                help = "a block has its defaults in its `args`" if self.result.block(name) else near
                self.report("unknown-kind", f"`defaults` knows no layer kind `{name}`", key.span, help)
                continue
            if isinstance(given, Mapping):
                self.result.defaults[name] = self.arguments(given, f"`{name}`", kind.fields)
                for field, argument in self.result.defaults[name].items():
                    self.check_constant(kind, field, argument.value)
            else:
                self.report("wrong-form", f"defaults of `{name}` are a mapping of arguments", given.span)

    def imports(self, node: Located) -> None:
        help = f"write `import: {listed}`" if (listed := as_mapping(node)) else "write `alias: file.yaml`"
        named = node.items if isinstance(node, Sequence) else [node]
        self.failed_imports |= {item.text for item in named if isinstance(item, Scalar)}
        for alias, (key, body) in self.entries(node, "`import`", help=help).items():
            if not IDENTIFIER.fullmatch(alias) or alias in RESERVED:
                self.report("name", f"an import cannot be called `{alias}`", key.span)
                continue
            given = dict(body.entries) if isinstance(body, Mapping) else {}
            target = given.pop("file")[1] if "file" in given else body
            if not isinstance(target, Scalar) or not target.text:
                self.report("wrong-form", "an import names a file", target.span, "write `alias: {file: …, arg: value}`")
                continue
            entry = self.imported(alias, target)
            if entry is None:
                self.failed_imports.add(alias)
                continue
            self.result.imports[alias] = entry
            for name, (argument, value) in given.items():
                if name in entry.file.args:
                    entry.arguments[name] = Argument(argument.span, self.value(value))
                else:
                    self.unknown_argument(f"`{target.text}`", name, argument.span, entry.file.args)

    def imported(self, alias: str, target: Scalar) -> Import | None:
        """The file that an import names; None where it cannot be had (reported)."""
        try:
            file, variant = self.resolve(target.text, target.span)
        except Fault as fault:
            self.report(fault.code, fault.message, target.span, fault.help)
            return None
        except SpecError as error:
            self.problems += error.diagnostics
            return None
        return Import(alias, target.span, file, variant)

    def library(self) -> list[str]:
        """The blocks that are bundled, as ``common.squeeze_excite``."""
        try:
            file, _ = self.resolve("blocks", Span(self.result.source, 0, 0, 0))
        except (Fault, SpecError):  # a message is better without this than none
            return []
        return list(file.blocks)

    def block_heads(self, node: Located) -> None:
        for name, (key, body) in self.entries(node, "`blocks`").items():
            if not IDENTIFIER.fullmatch(name) or name in RESERVED:
                called = re.fullmatch(r"(\w+)\((.*)\)", name)
                args = as_mapping(Scalar(called[2], key.span), "required") if called and "," not in called[2] else ""
                declared = f"`args: {args}`" if args else "its arguments in `args: {name: default}`"
                help = f"write `{called[1]}:`, and below it {declared}" if called else ""
                self.report("name", f"a block cannot be called `{name}`", key.span, help)
                self.failed_blocks.add(called[1] if called else name)
                continue
            problems = len(self.problems)
            block = Block(name, key.span, self.result)
            self.result.blocks[name] = block
            help = f"write `{name}: {{layers: […]}}`" if isinstance(body, Sequence) else ""
            found = self.entries(body, f"block `{name}`", BLOCK_KEYS, help)
            if "args" in found:
                block.args = self.parameters(found["args"][1], f"`args` of block `{name}`")
            if "inputs" in found:
                block.inputs = tuple(self.block_inputs(found["inputs"][1], block))
            if "layers" not in found and isinstance(body, Mapping):
                self.report("missing-key", f"block `{name}` needs `layers`", key.span)
            if len(self.problems) > problems:
                self.failed_blocks.add(name)

    def block_inputs(self, node: Located, block: Block) -> list[str]:
        names = []
        for item in self.items(node, "`inputs` of a block"):
            text = item.text if isinstance(item, Scalar) else ""
            if not IDENTIFIER.fullmatch(text) or text in RESERVED - {"input"} or text in names or text in block.args:
                self.report("name", f"an input cannot be called `{text}`", item.span, "each needs a name of its own")
            else:
                names.append(text)
        return names

    def block_bodies(self, node: Located) -> None:
        if not isinstance(node, Mapping):
            return
        for name, (_, body) in node.entries.items():
            if name in self.result.blocks and isinstance(body, Mapping) and "layers" in body.entries:
                self.result.blocks[name].steps = self.steps(body.entries["layers"][1])

    def outputs(self, node: Located) -> None:
        """Tensors by the names of theirs, or as `{name: tensor}`."""
        if isinstance(node, Mapping) and not named(node):
            for title, (key, item) in self.entries(node, "`outputs`").items():
                if NAME.fullmatch(title):
                    self.output(item, title)
                else:
                    self.report("name", f"an output cannot be called `{title}`", key.span)
        else:
            for item in node.items if isinstance(node, Sequence) else [node]:
                self.output(item, None)

    def output(self, item: Located, title: str | None) -> None:
        condition = None
        name = item
        if isinstance(item, Mapping):
            split = self.named_condition(item, "an output")
            if split is None:
                return
            name, condition = split
        template = self.template(name, "an output")
        if template:
            self.result.outputs.append(OutputName(template, condition, title))
