"""Reading steps: calls of layers and blocks, groups, loops, joins and their branches."""

from __future__ import annotations

from collections.abc import Iterable

from cnncalc.diagnostics import Fault, Span, suggestion
from cnncalc.language.expressions import QUOTE_HELP
from cnncalc.language.forms import FormReader, broken
from cnncalc.language.model import (
    AnyStep,
    Argument,
    Block,
    Branch,
    Call,
    Group,
    Join,
    Loop,
    Step,
    Template,
    Value,
    ValueFault,
)
from cnncalc.language.names import GROUP_KEYS, IDENTIFIER, MODIFIERS, RESERVED
from cnncalc.language.source import Located, Mapping, Scalar, Sequence
from cnncalc.layers import KINDS
from cnncalc.layers.base import REQUIRED, Layer, judge
from cnncalc.layers.types import LAYER_NAME, PARTS, TENSORS


class StepReader(FormReader):
    """Reads steps against the blocks that the file declares and imports."""

    def steps(self, node: Located) -> list[AnyStep]:
        help = f"write `[{node.text}]`" if isinstance(node, Scalar) and node.text else "each step begins with `- `"
        if isinstance(node, Scalar) and not node.text:
            return []
        found = [self.step(item) for item in self.items(node, "`layers`", help)]
        return [step for step in found if step is not None]

    def step(self, node: Located) -> AnyStep | None:
        if isinstance(node, Scalar):
            return self.bare(node)
        if isinstance(node, Sequence):
            self.report(
                "wrong-form", "a step is a word or a mapping", node.span, "`{layers: […]}` makes a group of steps"
            )
            return None
        if "layers" in node.entries or "for" in node.entries:
            return self.group(node)
        return self.call(node)

    def bare(self, node: Scalar) -> AnyStep | None:
        """A word alone: a layer, a block, or an interpolation."""
        if node.text.startswith("$"):
            template = self.template(node, "a step")
            return Call(node.span, template, node.text) if template else None
        target = self.target(node.text)
        if target is None:
            self.unknown_kind(node.text, node.span)
            return None
        if not isinstance(target, Block) and target.joins:
            self.report(
                "missing-argument", f"`{node.text}` needs branches", node.span, f"for example `{target.example}`"
            )
            return None
        call = Call(node.span, target, node.text)
        self.check_required(call, target)
        return call

    def target(self, name: str) -> type[Layer] | Block | None:
        """What a kind's key names: a block first, so that a new layer kind never breaks an old spec."""
        return self.result.block(name) or KINDS.get(name)

    def unknown_kind(self, text: str, span: Span) -> None:
        if text.partition(".")[0] in self.failed_imports:
            return  # the import is the problem, and reported
        names = [*self.result.block_names(), *KINDS]
        word = text.split(maxsplit=1)[0] if text.split() else text
        if word != text and word in names:
            help = f"write `{{{word}: {text[len(word) :].strip()}}}`"
        else:
            traps = {
                "convolution": "conv",
                "dense": "linear",
                "fc": "linear",
                "maxpool": "max_pool",
                "bn": "batch_norm",
            }
            trap = traps.get(text.lower().removesuffix("2d").removesuffix("1d"))
            help = f"write `{trap}`" if trap else suggestion(text, names)
        self.report(
            "unknown-kind", f"unknown layer kind or block `{text}`", span, help or "`cnncalc layers` lists the kinds"
        )

    def unknown_argument(self, what: str, name: str, span: Span, known: Iterable[str]) -> None:
        if set(name) & set("()[]"):
            self.report("unknown-argument", f"`{name}` is no argument, but the rest of an expression", span, QUOTE_HELP)
            return
        listed = ", ".join(f"`{argument}`" for argument in known)
        help = suggestion(name, [*known, *MODIFIERS]) or (f"it takes {listed}" if listed else "it takes no arguments")
        self.report("unknown-argument", f"{what} has no argument `{name}`", span, help)

    def call(self, node: Mapping) -> AnyStep | None:
        keys = [key for key in node.entries if key not in MODIFIERS]
        kind = self.kind(node, keys)
        if kind is None:
            return None
        key, main = node.entries[kind]
        rest = {name: node.entries[name] for name in keys if name != kind}
        if kind.startswith("$"):
            template = self.template(key, "a step")
            if template is None:
                return None
            call = Call(key.span, template, kind)
            call.main = self.value(main) if not _missing(main) else None
        else:
            target = self.target(kind)
            assert target is not None
            if not isinstance(target, Block) and target.joins:
                return self.join(node, key.span, target, main, rest)
            call = Call(key.span, target, kind)
            if not _missing(main):
                self.main_argument(call, target, key, main)
        for name, (argument, value) in rest.items():
            if name in call.arguments:
                self.report("duplicate-key", f"`{name}` is given twice", argument.span, f"`{kind}:` gives it already")
            call.arguments[name] = Argument(argument.span, self.argument(call.target, name, value))
        self.modifiers(call, node)
        if not isinstance(call.target, Template):
            self.check_required(call, call.target)
            if not isinstance(call.target, Block):
                for name, given in call.arguments.items():
                    self.check_constant(call.target, name, given.value)
        return call

    def main_argument(self, call: Call, target: type[Layer] | Block, key: Scalar, main: Located) -> None:
        first = next(iter(target.args if isinstance(target, Block) else target.fields), None)
        if first is None:
            self.report(
                "unknown-argument",
                f"`{call.text}` takes no argument",
                main.span,
                f"write `{call.text}` alone, or `{{{call.text}, …}}`",
            )
        else:
            call.arguments[first] = Argument(key.span, self.argument(target, first, main))

    def argument(self, target: type[Layer] | Block | Template, name: str, node: Located) -> Value:
        """The value of a call's argument; names of layers are templates, all else is an expression."""
        type = target.fields[name].type if not isinstance(target, (Block, Template)) else None
        if type is LAYER_NAME:
            template = self.template(node, f"`{name}`")
            return Value(node, template.fill, template.names) if template else Value(node, broken, frozenset())
        if type is TENSORS:
            return self.tensors(name, node)
        return self.sizes(name, node) if type is PARTS else self.value(node)

    def tensors(self, name: str, node: Located) -> Value:
        """A list of names of tensors."""
        found = [self.template(item, f"each of `{name}`") for item in self.items(node, f"`{name}`")]
        templates = [template for template in found if template is not None]
        if len(templates) < len(found) or not templates:
            return Value(node, broken, frozenset())
        names = frozenset(name for template in templates for name in template.names)
        return Value(node, lambda env: tuple([template.fill(env) for template in templates]), names)

    def sizes(self, name: str, node: Located) -> Value:
        """Names and sizes: ``{q: 16, k: 16, v: rest}``."""
        if not isinstance(node, Mapping) or not node.entries:
            help = "for example `{split: {q: 16, k: 16, v: rest}}`"
            self.report("wrong-form", f"`{name}` are names of parts with their sizes", node.span, help)
            return Value(node, broken, frozenset())
        entries = [(self.template(key, "a part"), self.value(size)) for key, size in node.entries.values()]
        parts = [(key, size) for key, size in entries if key is not None]
        if len(parts) < len(entries) or any(size.run is broken for _, size in parts):
            return Value(node, broken, frozenset())
        names = frozenset(name for key, size in parts for name in (*key.names, *size.names))
        return Value(node, lambda env: tuple([(key.fill(env), size.evaluate(env)) for key, size in parts]), names)

    def kind(self, node: Mapping, keys: list[str]) -> str | None:
        """The one key that is the step's kind; None where there is none (reported)."""
        for key in keys:
            if key.startswith("$"):
                return key
        known: dict[str, list[str]] = {}
        for key in keys:
            target = self.target(key)
            if target is not None:
                takes = target.args if isinstance(target, Block) else target.fields
                known[key] = [other for other in keys if other != key and other not in takes]
        fits = [key for key, strange in known.items() if not strange]
        if len(fits) == 1:
            return fits[0]
        if len(fits) > 1:
            self.report(
                "ambiguous-kind",
                f"this could be a step of kind `{fits[0]}` or `{fits[1]}`",
                node.span,
                "write two steps",
            )
        elif known:
            kind = min(known, key=lambda key: len(known[key]))
            self.wrong_arguments(node, kind, known)
        elif keys:
            self.unknown_kind(keys[0], node.entries[keys[0]][0].span)
        else:
            self.report(
                "missing-kind", "this step has no layer kind or block", node.span, "use `identity` to name a tensor"
            )
        return None

    def wrong_arguments(self, node: Mapping, kind: str, known: dict[str, list[str]]) -> None:
        target = self.target(kind)
        takes = target.args if isinstance(target, Block) else target.fields if target else {}
        for strange in known[kind]:
            key = node.entries[strange][0]
            if strange in known:
                help = f"`{strange}` is a layer of its own: write it as the next step"
                self.report("unknown-argument", f"`{kind}` has no argument `{strange}`", key.span, help)
            else:
                self.unknown_argument(f"`{kind}`", strange, key.span, takes)

    def check_required(self, call: Call, target: type[Layer] | Block) -> None:
        """Report required arguments of a block that are missing (a layer's may come from `defaults`)."""
        names = frozenset(name for argument in call.arguments.values() for name in argument.value.names)
        call.names = names
        if isinstance(target, Block):
            missing = [name for name, arg in target.args.items() if arg.default is None and name not in call.arguments]
        else:
            given = {*call.arguments, *self.result.defaults.get(target.kind, ())}
            missing = [name for name, field in target.fields.items() if field.default is REQUIRED and name not in given]
        if missing:
            listed = ", ".join(f"`{name}`" for name in missing)
            example = "" if isinstance(target, Block) or not target.example else f"for example `{target.example}`"
            self.report("missing-argument", f"`{call.text}` needs {listed}", call.span, example)

    def check_constant(self, kind: type[Layer], name: str, value: Value) -> None:
        """Judge a value that has no names in it: report it if its field does not take it."""
        if not value.constant or value.run is broken:
            return
        try:
            value.judged = (judge(kind, name, value.evaluate({})),)
        except ValueFault as found:
            self.report(found.fault.code, found.fault.message, found.span, found.fault.help)
        except Fault as fault:
            self.report(fault.code, fault.message, value.span, fault.help)

    def modifiers(self, step: Step, node: Mapping) -> None:
        for key, (scalar, value) in node.entries.items():
            if key == "from":
                if isinstance(step, Join):
                    self.report("from", "a join takes no `from`", scalar.span, "name the tensors in its branches")
                    continue
                items = value.items if isinstance(value, Sequence) else [value]
                step.sources = tuple(filter(None, (self.template(item, "`from`") for item in items)))
            elif key == "repeat":
                step.repeat = self.value(value)
            elif key == "parts":
                step.parts = self.value(value)
            elif key == "if":
                step.condition = self.value(value)
            elif key == "learned":
                step.learned = self.value(value)
            elif key == "name":
                step.name = self.template(value, "`name`")
            elif key == "share":
                split = self.named_condition(value, "`share`") if isinstance(value, Mapping) else (value, None)
                if split is not None:
                    step.share, step.shares = self.template(split[0], "`share`"), split[1]
            elif key == "gather":
                self.gather(step, value)
        if step.parts is not None and step.repeat is not None:
            help = "repeat a group: `{layers: [{…, parts: n}], repeat: m}`"
            self.report("parts", "`parts` and `repeat` do not go together", node.entries["parts"][0].span, help)
        if step.gather and step.repeat is None:
            self.report("gather", "`gather` joins the turns of a `repeat`", step.span, "add `repeat`")

    def gather(self, step: Step, node: Located) -> None:
        text = node.text if isinstance(node, Scalar) else ""
        joins = [name for name, kind in KINDS.items() if kind.joins]
        if text in joins:
            step.gather = text
        else:
            listed = ", ".join(f"`{name}`" for name in joins)
            self.report("wrong-word", f"`gather` takes one of {listed}", node.span, suggestion(text, joins))

    def group(self, node: Mapping) -> Group | None:
        """``{layers: […]}`` or ``for … in … layers``."""
        looping = "for" in node.entries
        allowed = (*GROUP_KEYS, *MODIFIERS) if looping else ("layers", *MODIFIERS)
        found = self.entries(node, "a loop" if looping else "a group", allowed)
        span = next(iter(node.entries.values()))[0].span
        made: Group | None = self.loop(found, span) if looping else Group(span)
        if made is None:
            return None
        if "layers" not in found:
            self.report("missing-key", "a loop needs `layers`", span)
        else:
            made.steps = self.steps(found["layers"][1])
        self.modifiers(made, node)
        return made

    def loop(self, found: dict[str, tuple[Scalar, Located]], span: Span) -> Loop | None:
        names_node = found["for"][1]
        items = names_node.items if isinstance(names_node, Sequence) else [names_node]
        names = []
        for item in items:
            text = item.text if isinstance(item, Scalar) else ""
            if not IDENTIFIER.fullmatch(text) or text in RESERVED - {"i"} or text in names:
                self.report("name", f"a loop cannot bind `{text}`", item.span, "write `for: name` or `for: [names]`")
                return None
            names.append(text)
        if "in" not in found:
            self.report("missing-key", "a loop needs `in`", span, "for example `in: [64, 128, 256]`")
            return None
        return Loop(span, names, self.value(found["in"][1]))

    # -- joins

    def join(
        self, node: Mapping, span: Span, kind: type[Layer], main: Located, rest: dict[str, tuple[Scalar, Located]]
    ) -> Join:
        step = Join(span, kind)
        for name, (key, value) in rest.items():
            step.arguments[name] = Argument(key.span, self.argument(kind, name, value))
            self.check_constant(kind, name, step.arguments[name].value)
        step.names = frozenset(name for argument in step.arguments.values() for name in argument.value.names)
        if not isinstance(main, Sequence):
            help = f"for example `{kind.example}`"
            self.report("wrong-form", f"`{kind.kind}` holds a list of branches", main.span, help)
        else:
            found = [self.branch(item) for item in main.items]
            step.branches = [branch for branch in found if branch is not None]
            if not main.items:
                self.report("empty", f"`{kind.kind}` has no branches", main.span, f"for example `{kind.example}`")
        self.modifiers(step, node)
        return step

    def branch(self, node: Located) -> Branch | None:
        """A list of steps, a name, ``{name, if}``, ``{layers, if}`` or a loop."""
        branch = Branch(node.span)
        if isinstance(node, Sequence):
            branch.steps = self.steps(node)
            return branch
        if isinstance(node, Scalar):
            branch.name = self.template(node, "a branch")
            return branch if branch.name else None
        if "for" in node.entries:
            loop = self.group(node)
            branch.loop = loop if isinstance(loop, Loop) else None
            return branch if branch.loop else None
        if "layers" in node.entries:
            group = self.group(node)
            if group is None:
                return None
            branch.condition, group.condition = group.condition, None
            branch.steps = [group]
            return branch
        keys = [key for key in node.entries if key not in MODIFIERS]
        if any(self.target(key) or key.startswith("$") for key in keys) and not named(node):
            self.report(
                "branch", "a branch is a list of steps, or a name", node.span, f"write `{_bracketed(node.span)}`"
            )
            return None
        split = self.named_condition(node, "a branch")
        if split is None:
            return None
        branch.name, branch.condition = self.template(split[0], "a branch"), split[1]
        return branch if branch.name else None

    def named_condition(self, node: Mapping, what: str) -> tuple[Scalar, Value | None] | None:
        """``{name, if: condition}``."""
        bare = [
            key for key, value in node.entries.values() if isinstance(value, Scalar) and not value.text and value.plain
        ]
        others = [key for key in node.entries if key != "if" and not (bare and key == bare[0].text)]
        if len(bare) != 1 or others:
            self.report("wrong-form", f"{what} is a name, or `{{name, if: condition}}`", node.span)
            return None
        return bare[0], self.value(node.entries["if"][1]) if "if" in node.entries else None


def _missing(node: Located) -> bool:
    """Whether nothing stands there: ``{relu, name: a}`` and ``{relu: , name: a}``."""
    return isinstance(node, Scalar) and node.plain and not node.text


def named(node: Mapping) -> bool:
    """Whether a mapping has the form ``{name, if: condition}``."""
    bare = [key for key, (_, value) in node.entries.items() if _missing(value)]
    return len(bare) == 1 and set(node.entries) <= {bare[0], "if"}


def _bracketed(span: Span) -> str:
    """The mapping that begins at `span` as the list of a single step, as far as its line shows it."""
    line = span.source.line(span.line)[span.column - 1 :].rstrip()
    if not line.startswith("{"):
        return f"- - {line}"
    depth = 0
    for index, char in enumerate(line):
        depth += {"{": 1, "}": -1}.get(char, 0)
        if depth == 0:
            return f"[{line[: index + 1]}]"
    return f"[{line}"
