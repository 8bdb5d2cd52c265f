"""Reading steps: calls of layers and blocks, groups, loops, joins and their branches."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from cnncalc.diagnostics import Fault, Source, Span, SpecError, suggestion
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
    admitted,
)
from cnncalc.language.names import GROUP_KEYS, IDENTIFIER, MODIFIERS, NAME, RESERVED
from cnncalc.language.operators import Env, Word, unknown_name
from cnncalc.language.source import Located, Mapping, Scalar, Sequence, compose
from cnncalc.layers import KINDS
from cnncalc.layers.base import REQUIRED, Field, Layer, judge
from cnncalc.layers.types import BIAS, COUNT, LAYER_NAME, PARTS, TENSORS, Follower


class StepReader(FormReader):
    """Reads steps against the blocks that the file declares and imports."""

    def steps(self, node: Located) -> list[AnyStep]:
        help = f"write `[{node.text}]`" if isinstance(node, Scalar) and node.text else "each step begins with `- `"
        if isinstance(node, Mapping):
            from cnncalc.language import advice

            called = advice.called(self, node)
            help += f", and names itself: `- {called or '{relu, name: a}'}`"
        if isinstance(node, Scalar) and not node.text:
            return []
        found = [self.step(item) for item in self.items(node, "`layers`", help)]
        return [step for step in found if step is not None]

    def step(self, node: Located) -> AnyStep | None:
        if self.failed_blocks and self.calls_failed(node):
            return None
        if isinstance(node, Scalar):
            return self.bare(node)
        if isinstance(node, Sequence):
            from cnncalc.language import advice

            help = advice.listed(self, node) or "`{layers: […]}` makes a group of steps"
            self.report("wrong-form", "a step is a word or a mapping", node.span, help)
            return None
        if "layers" in node.entries or "for" in node.entries:
            return self.group(node)
        return self.call(node)

    def calls_failed(self, node: Located) -> bool:
        """Whether a step calls a block whose declaration is the problem, and reported."""
        words = node.entries if isinstance(node, Mapping) else [node.text] if isinstance(node, Scalar) else ()
        return any(word.partition("(")[0] in self.failed_blocks for word in words)

    def bare(self, node: Scalar) -> AnyStep | None:
        """A word alone: a layer, a block, or an interpolation."""
        if node.text.startswith("$"):
            template = self.template(node, "a step")
            return Call(node.span, template, node.text) if template else None
        target = self.target(node.text)
        if target is None:
            self.unknown_kind(node.text, node.span, node)
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

    def unknown_kind(self, text: str, span: Span, node: Located | None = None) -> None:
        if text.partition(".")[0] in self.failed_imports:
            return  # the import is the problem, and reported
        from cnncalc.language import advice  # with the words of other frameworks, only where something is wrong

        help = advice.kind(self, text, node) or "`cnncalc layers` lists the kinds"
        self.report("unknown-kind", f"unknown layer kind or block `{text}`", span, help)

    def takes(self, name: str) -> tuple[str, ...]:
        """What a kind or block takes, the main argument first; nothing where there is none of this name."""
        target = self.target(name)
        return () if target is None else tuple(target.args if isinstance(target, Block) else target.fields)

    def tries(self, text: str) -> bool:
        """Whether a text is a step, or a list of steps, that this file could hold here."""
        source = Source("", text)
        probe = StepReader(source)
        probe.result = self.result
        try:
            node = compose(source)
        except SpecError:
            return False
        for item in node.items if isinstance(node, Sequence) else [node]:
            probe.step(item)
        return not probe.problems

    def library(self) -> list[str]:
        """The blocks that any file may import; none where imports cannot be had."""
        return []

    def unknown_argument(self, what: str, name: str, span: Span, known: Iterable[str], help: str = "") -> None:
        listed = ", ".join(f"`{argument}`" for argument in known)
        near = help or suggestion(name, [*known, *MODIFIERS])
        help = near or (f"it takes {listed}" if listed else "it takes no arguments")
        self.report("unknown-argument", f"{what} has no argument `{name}`", span, help)

    def call(self, node: Mapping) -> AnyStep | None:
        keys = [key for key in node.entries if key not in MODIFIERS]
        if self.torn(node):
            return None
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
            if isinstance(main, Mapping) and self.nested(node, kind, key.span):
                return None
            if not _missing(main):
                self.main_argument(call, target, key, main)
        for name, (argument, value) in rest.items():
            if name in call.arguments:
                from cnncalc.language.translation import step_text, text_of

                others = {key: text_of(inner) for key, (_, inner) in node.entries.items() if key != kind}
                help = f"`{kind}:` gives it already: write `{step_text(kind, name, others)}`"
                self.report("duplicate-key", f"`{name}` is given twice", argument.span, help)
            call.arguments[name] = Argument(argument.span, self.argument(call.target, name, value))
        self.modifiers(call, node)
        if not isinstance(call.target, Template):
            self.check_required(call, call.target)
            if not isinstance(call.target, Block):
                for name, given in call.arguments.items():
                    self.check_constant(call.target, name, given.value)
        return call

    def torn(self, node: Mapping) -> bool:
        """Whether a comma in brackets has torn a value apart, which YAML goes on with as a key (reported)."""
        entries = list(node.entries.values())
        for place, (key, value) in enumerate(entries):
            if not isinstance(value, Scalar) or not value.plain or value.text.count("(") <= value.text.count(")"):
                continue
            text, end = value.text, key.span
            for further, nothing in entries[place + 1 :]:
                if text.count("(") <= text.count(")") or not _missing(nothing):
                    break
                text, end = f"{text}, {further.text}", further.span
            if text == value.text:
                continue
            from cnncalc.language.translation import value_text

            span = value.span._replace(end=end.end) if end.line == value.span.line else value.span
            help = f"write `{value_text(text)}`" if text.count("(") == text.count(")") else QUOTE_HELP
            self.report("syntax", "a comma inside `{ }` ends the value", span, help)
            return True
        return False

    def nested(self, node: Mapping, kind: str, span: Span) -> bool:
        """Whether a step has its arguments below its kind (reported)."""
        from cnncalc.language import advice

        help = advice.lifted(self, node, kind)
        if help:
            self.report("wrong-form", f"arguments stand beside `{kind}`, not below it", span, help)
        return bool(help)

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
        """The value of a call's argument; names of layers are templates, all else is an expression.

        Where words stand beside names, one that no expression could be (``stage1.0.offsets``) is the name of a row.
        """
        type = target.fields[name].type if not isinstance(target, (Block, Template)) else None
        if type is LAYER_NAME or (type is BIAS and _is_row(node)):
            template = self.template(node, f"`{name}`")
            return Value(node, template.fill, template.names) if template else Value(node, broken, frozenset())
        if type is TENSORS:
            return self.tensors(name, node)
        return self.sizes(name, node) if type is PARTS else self.value(node)

    def value(self, node: Located) -> Value:
        """An expression, a list of values, or a call of a layer that follows another."""
        if not isinstance(node, Mapping):
            return super().value(node)
        from cnncalc.layers.activation import ACT  # which a spec without such a call need not load
        from cnncalc.layers.normalisation import NORM

        kinds = dict((*ACT.type.kinds, *NORM.type.kinds))
        called = [key for key in node.entries if key in kinds]
        if len(called) != 1:
            near = next(filter(None, (suggestion(key, kinds) for key in node.entries)), "")
            help = near or "further arguments stand beside the kind: `{conv: 8, kernel: 3}`"
            self.report(
                "wrong-form", "a value is an expression, a list, or a call of a norm or activation", node.span, help
            )
            return Value(node, broken, frozenset())
        return self.follower(node, KINDS[kinds[called[0]]], called[0])

    def follower(self, node: Mapping, kind: type[Layer], word: str) -> Value:
        """The call of a layer that follows another: ``{leaky_relu: 0.1}``."""
        key, main = node.entries[word]
        call = Call(key.span, kind, word)
        if not _missing(main):
            self.main_argument(call, kind, key, main)
        for name, (argument, entry) in node.entries.items():
            if name == word:
                continue
            if name not in kind.fields:
                self.unknown_argument(f"`{word}`", name, argument.span, kind.fields)
            elif name in call.arguments:
                self.report("duplicate-key", f"`{name}` is given twice", argument.span, f"`{word}:` gives it already")
            else:
                call.arguments[name] = Argument(argument.span, self.argument(kind, name, entry))
        values = [argument.value for argument in call.arguments.values()]
        names = frozenset(name for value in values for name in value.names)
        if any(value.run is broken for value in values):
            return Value(node, broken, names)
        made = Value(node, partial(_called, kind, call.arguments), names)
        made.arguments = call.arguments
        return made

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
            from cnncalc.language import advice

            key = advice.foreign(self, node, [key for key in keys if key not in known])
            if key:
                self.strange_kind(node, key)
            else:
                self.wrong_arguments(node, min(known, key=lambda key: len(known[key])), known)
        elif keys:
            from cnncalc.language import advice

            self.strange_kind(node, advice.named(node, keys))
        else:
            self.report(
                "missing-kind", "this step has no layer kind or block", node.span, "use `identity` to name a tensor"
            )
        return None

    def strange_kind(self, node: Mapping, key: str) -> None:
        """Report the key by which a step names a kind that is not known, or that its value names."""
        from cnncalc.language import advice

        named = node.entries[key][0]
        if advice.typed(node, key):
            help = advice.of_type(self, node, key) or "`cnncalc layers` lists the kinds"
            self.report(
                "missing-kind", f"the kind of a layer is a key itself, and not the value of `{key}`", named.span, help
            )
        else:
            self.unknown_kind(key, named.span, node)

    def wrong_arguments(self, node: Mapping, kind: str, known: dict[str, list[str]]) -> None:
        target = self.target(kind)
        takes = target.args if isinstance(target, Block) else target.fields if target else {}
        for strange in known[kind]:
            key = node.entries[strange][0]
            if strange in known:
                follows = [name for name, field in takes.items() if strange in dict(kinds_of(field))]
                help = f"`{strange}` is a layer of its own: write it as the next step"
                help = f"write `{follows[0]}: {strange}`" if follows else help
                self.report("unknown-argument", f"`{kind}` has no argument `{strange}`", key.span, help)
            else:
                from cnncalc.language import advice

                help = advice.argument(self, node, kind, strange, known[kind])
                self.unknown_argument(f"`{kind}`", strange, key.span, takes, help)

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
            example = f"for example `{target.example}`" if not isinstance(target, Block) and target.example else ""
            if isinstance(target, Block) and not call.arguments:
                first, *others = missing
                main = call.text if first == next(iter(target.args)) else f"{call.text}, {first}"
                example = f"for example `{{{main}: 16{''.join(f', {name}: 16' for name in others)}}}`"
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
            self.report(fault.code, fault.message, value.span, fault.help or _inferred(kind, name, value.node))

    def modifiers(self, step: Step, node: Mapping) -> None:
        for key, (scalar, value) in node.entries.items():
            if key == "from":
                if isinstance(step, Join):
                    if not step.branches:
                        continue  # which is reported, with what to write
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
            if len(found) == len(node.entries):  # else it may stand under a key that is none, and is reported
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
                name, _, rows = text.partition(" in ")
                help = f"write `for: {name}, in: {rows}`" if rows else "write `for: name` or `for: [names]`"
                self.report("name", f"a loop cannot bind `{text}`", item.span, help)
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
            from cnncalc.language import advice

            help = advice.joined(node, kind.kind, main) or f"for example `{kind.example}`"
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
        if keys and not any(_missing(node.entries[key][1]) for key in keys):
            from cnncalc.language import advice

            self.strange_kind(node, advice.named(node, keys))
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


def _called(kind: type[Layer], arguments: dict[str, Argument], env: Env) -> Follower:
    """A layer that follows another, its arguments evaluated and judged; raises `ValueFault` at the one at fault."""
    given = []
    for name, argument in arguments.items():
        value, type = argument.value, kind.fields[name].type
        found = admitted(value, value.evaluate(env), type)
        if isinstance(found, Word) and not type.words:
            message, help = unknown_name(found, env)
            raise ValueFault(Fault("unknown-name", message, None, help), value.span, value.names)
        try:
            given.append((name, judge(kind, name, found)))
        except Fault as fault:
            raise ValueFault(fault, value.span, value.names) from None
    return Follower(kind.kind, tuple(given))


def _inferred(kind: type[Layer], name: str, node: Located) -> str:
    """What to do about a main argument that tells the channels of the input, too; nothing where it does not."""
    if name != next(iter(kind.fields)):
        return ""
    field = kind.fields[name]
    pair = node.items if isinstance(node, Sequence) and field.type is COUNT else []
    if len(pair) == 2 and isinstance(pair[1], Scalar):
        return f"the input's channels are inferred: write `{kind.kind}: {pair[1].text}`"
    if isinstance(field.default, bool) and isinstance(node, Scalar) and node.text.isdecimal():
        return f"the input's channels are inferred: write `{kind.kind}`"
    return ""


def _is_row(node: Located) -> bool:
    """Whether a text can be a row's name, and no expression that is a name."""
    return isinstance(node, Scalar) and NAME.fullmatch(node.text) is not None and not IDENTIFIER.fullmatch(node.text)


def kinds_of(field: Any) -> tuple[tuple[str, str], ...]:
    """The kinds that may follow by this field of a layer; none of a block's."""
    return field.type.kinds if isinstance(field, Field) else ()


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
