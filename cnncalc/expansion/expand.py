"""The third station: a spec becomes a graph, step by step, and every node gets its shape as it is appended.

Conditions may ask for `x.channels`, so expansion infers.  It stops at its first problem; the nodes up to there
stay in the graph of the error.  Blocks, groups and branches recurse to a bounded depth; turns and steps loop.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence as SequenceOf
from functools import partial
from typing import Any

from cnncalc.diagnostics import Fault, Link, Note, Origin, Span, SpecError, suggestion
from cnncalc.expansion.again import Again
from cnncalc.expansion.appending import JOIN_FIRST, Appender, Inputs
from cnncalc.expansion.ends import UNUSED, hinted, input_shapes, misread, resolve_outputs, warn_unused
from cnncalc.expansion.instance import Given, Instance
from cnncalc.expansion.making import Maker
from cnncalc.expansion.registry import Registry
from cnncalc.expansion.scope import Place, Scope, Where
from cnncalc.expansion.sharing import settle_weights, share_parts
from cnncalc.geometry import Shape
from cnncalc.graph import Graph, Node, Part
from cnncalc.language.model import AnyStep, Block, Branch, Call, File, Group, Join, Loop, Template, Value
from cnncalc.language.names import MAX_ROW
from cnncalc.language.operators import TENSORS, Wire, Word
from cnncalc.layers import KINDS
from cnncalc.layers.base import make
from cnncalc.layers.types import show, whole

MAX_DEPTH = 32
MAX_NESTING = 100
MAX_TURNS = 10_000
MAX_STEPS = 200_000


def expand(
    file: File,
    given: dict[str, Given],
    variant: str | None = None,
    inputs: dict[str, Shape] | None = None,
    max_steps: int = MAX_STEPS,
    channels_last: bool = False,
    maker: Maker | None = None,
) -> Graph:
    """The graph of a spec, with `given` arguments and input shapes (`channels_last` or first) in place of its own.

    Expansions of one file may share a `maker`.  Raises `SpecError`; its `partial` is the graph of the layers before the
    failing one.
    """
    if file.steps_span is None:
        message = f"{file.source.path} holds blocks only, and no network"
        raise Fault("library", message, None, "import it, or give it `input` and `layers`")
    instance = Instance(file, given)
    scope = Scope(instance, "", None)
    where = Where(scope, Place(""), None)
    name = file.name or (file.source.path.rpartition("/")[2].rpartition(".")[0] or "network")
    maker = maker or Maker()
    shapes = input_shapes(file, where, inputs or {}, channels_last)
    graph = Graph(name, variant, file.reference, shapes, maker.operations)
    for number, (input_name, shape) in enumerate(graph.inputs):
        scope.bind_input(input_name, Wire(number, shape))
    expander = _Expander(graph, instance, maker, max_steps)
    expander.open(scope)
    try:
        x = expander.sequence(file.steps, Wire(0, graph.inputs[0][1]), where)
        resolve_outputs(file, graph, expander.registry, x, where)
    except SpecError as error:
        hint = misread(graph) if not inputs else ""
        raise SpecError([hinted(diagnostic, hint) for diagnostic in error.diagnostics], graph) from None
    if UNUSED not in file.allowed:
        warn_unused(graph)
    return graph


class _Expander:
    """One expansion: the graph that grows, and the limits that it keeps."""

    def __init__(self, graph: Graph, instance: Instance, maker: Maker, max_steps: int) -> None:
        self.graph = graph
        self.nodes = graph.nodes
        self.instance = instance
        self.registry = Registry(graph)
        self.maker = maker
        self.appender = Appender(graph, self.registry, self.maker)
        self.again = Again(graph, self.registry)
        self.max_steps = max_steps
        self.steps = 0
        self.factor = 1
        """Turns of all repeats and loops around, multiplied."""
        self.nesting = 0

    def open(self, scope: Scope) -> None:
        """Let the expressions of a scope ask for the sizes of its layers."""
        scope.env[TENSORS] = partial(self.registry.seen, scope.prefix)

    # -- steps

    def sequence(self, steps: SequenceOf[AnyStep], x: Wire, where: Where) -> Wire:
        """Chain steps, beginning at `x`; returns the last tensor."""
        for step in steps:
            x = self.step(step, x, where)
        return x

    def step(self, step: AnyStep, x: Wire, where: Where) -> Wire:
        """One step with its modifiers, in their order of effect."""
        self.count(step.span, where)
        inputs = (x,) if not step.sources else self.sources(step, x, where)
        first = len(self.nodes)
        where.scope.env["x"] = inputs[0]
        if step.parts is not None:
            result, text = self.parted(step, inputs, where)
        elif step.repeat is not None:
            result, text = self.repeated(step, inputs, where)
        else:
            text = where.fill(step.name) if step.name else ""
            skipped = step.condition is not None and not where.truth(step.condition)
            result = None if skipped else self.once(step, inputs, text, where)
        if result is None:
            if text:
                self.registry.give_skipped(text, inputs[0], step, where)
            return x
        if text:
            self.registry.give(text, result, step.name, first, where)
        if step.learned is not None or step.share is not None:
            settle_weights(step, self.registry, first, where)
        return result

    def sources(self, step: AnyStep, x: Wire, where: Where) -> Inputs:
        """The tensors that `from` names."""
        find = self.registry.find
        found = tuple([find(where.fill(name), name, x, where) for name in step.sources])
        if len(found) != 1 and not isinstance(step, Call):
            message = f"a group takes one tensor, `from` names {len(found)}"
            raise where.fail(step.sources[-1].span, "from", message, JOIN_FIRST)
        return found

    def once(self, step: AnyStep, inputs: Inputs, text: str, where: Where) -> Wire:
        """A step that is not repeated, called `text` or by its kind and number."""
        if isinstance(step, Group):
            return self.group(step, inputs[0], where)
        row = where.place.prefix + (text or where.place.label(self.word(step, where)))
        if text:
            self.graph.move(where.scope.prefix + text, row)
        if isinstance(step, Join):
            return self.branches(step, inputs[0], row, where)
        return self.call(step, inputs, row, where, (0, 1))

    def word(self, step: AnyStep, where: Where) -> str:
        """What an unnamed step is called: its kind, its block, `group` or `for`."""
        if isinstance(step, Call):
            text = where.fill(step.target) if isinstance(step.target, Template) else step.text
            return text.rpartition(".")[2]
        if isinstance(step, Join):
            return step.kind.kind
        return "for" if isinstance(step, Loop) else "group"

    # -- parts and repeats

    def parted(self, step: AnyStep, inputs: Inputs, where: Where) -> tuple[Wire | None, str]:
        """A step on equal parts of the channels, with the same weights, joined again; and the name to give."""
        assert step.parts is not None
        text = where.fill(step.name) if step.name else ""
        if step.condition is not None and not where.truth(step.condition):
            return None, text
        parts, x = self.turns(step.parts, where, "`parts`", 1), inputs[0]
        if parts == 1:
            return self.once(step, inputs, text, where), text
        if x.shape[0] % parts:
            message = f"{parts} parts do not divide the {x.shape[0]} channels"
            raise where.fail_at(step.parts, "parts", message, "`parts` is a divisor of the channels")
        base = where.place.prefix + (text or where.place.label(self.word(step, where)))
        if text:
            self.graph.move(where.scope.prefix + text, base)
        factor, each = self.multiply(parts, step.parts.span, where), x.shape[0] // parts
        ends, made, origin = list[Wire](), list[list[Node]](), Origin(step.span, where.call)
        for part in range(parts):
            if part:
                self.count(step.span, where)
            row = f"{base}.{part}"
            piece = make(KINDS["slice"], {"channels": (part * each, (part + 1) * each)})
            node = self.graph.append(piece, (x.number,), self.graph.free_name(f"{row}.part"), origin)
            first, here = len(self.nodes), where.within(Link("", part, parts, step.span, where.call))
            where.scope.env["x"] = taken = Wire(node.number, node.operation.output)
            end = self.turn(step, (taken, *inputs[1:]), row, here)
            assert end is not None, "the condition was true"
            ends.append(end)
            made.append(self.nodes[first:])
        share_parts(made)
        self.factor = factor
        return self.appender.join(make(KINDS["concat"], {}), ends, f"{base}.concat", step, where), text

    def repeated(self, step: AnyStep, inputs: Inputs, where: Where) -> tuple[Wire | None, str]:
        """The turns of a repeat, chained, then gathered; None where no turn was made; and the name to give."""
        assert step.repeat is not None
        turns = self.turns(step.repeat, where)
        named_turns = step.name is not None and "i" in step.name.names
        text = where.fill(step.name) if step.name and not named_turns else ""
        label = text or (where.place.label(self.word(step, where)) if turns else "")
        base = where.place.prefix + label
        if text:
            self.graph.move(where.scope.prefix + text, base)
        env, results = where.scope.env, []
        self.check_hidden(step, where)
        outer, factor = env.get("i"), self.multiply(turns, step.repeat.span, where)
        x = inputs[0]
        for turn in range(turns):
            if turn:
                self.count(step.span, where)
            env["i"], env["x"] = turn, x
            here = where.within(Link("", turn, turns, step.span, where.call))
            made = self.turn(step, (x, *inputs[1:]), "" if named_turns else f"{base}.{turn}", here)
            if made is not None:
                x = made
                results.append(x)
        env["i"] = outer
        if outer is None:
            del env["i"]
        self.factor = factor
        if step.gather and results:
            x = self.appender.join(
                make(KINDS[step.gather], {}), [inputs[0], *results], f"{base}.{step.gather}", step, where
            )
        return (x if results else None), text

    def turn(self, step: AnyStep, inputs: Inputs, row: str, where: Where) -> Wire | None:
        """One turn of a repeat under the name `row`, or under a name of its own that mentions ``$i``."""
        first = len(self.nodes)
        text = ""
        if not row:
            assert step.name is not None
            text = where.fill(step.name)
            row = where.place.prefix + text
            self.graph.move(where.scope.prefix + text, row)
        x: Wire | None = None
        if step.condition is None or where.truth(step.condition):
            assert where.call is not None
            if isinstance(step, Call):
                x = self.call(step, inputs, row, where, (where.call.turn, where.call.turns))
            else:
                inner = Where(where.scope, Place(f"{row}."), where.call)
                run = self.branches(step, inputs[0], row, inner) if isinstance(step, Join) else None
                x = run or self.group(step, inputs[0], inner)  # type: ignore[arg-type]
        if text and x is not None:
            self.registry.give(text, x, step.name, first, where)
        elif text:
            self.registry.give_skipped(text, inputs[0], step, where)
        return x

    def check_hidden(self, step: AnyStep, where: Where) -> None:
        """Refuse a repeat whose `i` hides that of a loop around it, where something in it asks for one of them."""
        given = where.scope.origins.get("i")
        if given is not None and any("i" in names for names in _asked(step)):
            assert step.repeat is not None
            message = "`i` is the turn of this `repeat`, and hides the `i` of the loop around it"
            fault = Fault("hidden-name", message, None, "give the loop's name another: `for: k`")
            raise where.at(step.repeat.span, fault, facts=(Note("the loop gives `i`", given),))

    def turns(self, value: Value, where: Where, what: str = "`repeat`", least: int = 0) -> int:
        """How often a step is repeated, or how many parts go through it."""
        try:
            turns = whole(where.evaluate(value), least)
        except Fault as fault:
            raise where.at_value(value, fault.of(what)) from None
        if turns > MAX_TURNS:
            message = f"{what} takes at most {MAX_TURNS:,} turns, got {show(turns)}"
            raise where.fail_at(value, "limit", message, "nest two repeats")
        return turns

    # -- limits

    def count(self, span: Span, where: Where) -> None:
        """Count a step, made or skipped."""
        self.steps += 1
        if self.steps > self.max_steps:
            raise self.too_many(span, where)

    def multiply(self, turns: int, span: Span, where: Where) -> int:
        """Enter `turns` turns, refused before the first is made; returns the factor to restore."""
        before, self.factor = self.factor, self.factor * max(1, turns)
        if self.factor > self.max_steps:
            raise self.too_many(span, where)
        return before

    def too_many(self, span: Span, where: Where) -> SpecError:
        message = f"more than {self.max_steps:,} steps, the limit"
        return where.fail(span, "limit", message, "raise it with `--max-steps`")

    def deeper(self, span: Span, where: Where) -> None:
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            raise where.fail(span, "limit", f"steps nest at most {MAX_NESTING} deep")

    # -- groups and loops

    def group(self, step: Group, x: Wire, where: Where) -> Wire:
        """The steps of a group, or of a loop once per row."""
        self.deeper(step.span, where)
        if isinstance(step, Loop):
            for here in self.rows(step, where):
                x = self.sequence(step.steps, x, here)
        else:
            x = self.sequence(step.steps, x, where)
        self.nesting -= 1
        return x

    def rows(self, step: Loop, where: Where) -> Iterator[Where]:
        """Bind a loop's names for each of its rows in turn."""
        rows = self.loop_rows(step, where)
        scope, names, items = where.scope, step.loop_names, step.rows.items or ()
        factor = self.multiply(len(rows), step.rows.span, where)
        scope.loops.append(names)
        kept = [(table, {name: table[name] for name in names if name in table}) for table in (scope.env, scope.origins)]
        for turn, row in enumerate(rows):
            written = items[turn] if len(items) == len(rows) else step.rows
            span = written.span
            here = where.within(Link("", turn, len(rows), step.span, where.call))
            entries = row if len(names) > 1 else (row,)
            if not isinstance(entries, tuple) or len(entries) != len(names):
                got = f"{len(row)} value{'s' * (len(row) != 1)}" if isinstance(row, tuple) else f"`{show(row)}`"
                message = f"each row gives {len(names)} values ({', '.join(names)}), got {got}"
                raise here.fail(span, "wrong-form", message)
            cells = written.items if len(names) > 1 and written is not step.rows else None
            for place, (name, entry) in enumerate(zip(names, entries)):
                scope.bind(name, entry, cells[place].span if cells else span)
            yield here
        for table, saved in kept:
            for name in names:
                table.pop(name, None)
            table.update(saved)
        scope.loops.pop()
        self.factor = factor

    def loop_rows(self, step: Loop, where: Where) -> tuple[Any, ...]:
        """What a loop runs over; an integer counts from 0."""
        found = where.evaluate(step.rows)
        if isinstance(found, tuple):
            return found
        if isinstance(found, bool) or not isinstance(found, int):
            message = f"a loop runs over a list or a number of turns, got `{show(found)}`"
            raise where.fail_at(step.rows, "wrong-type", message)
        if not 0 <= found <= MAX_TURNS:
            raise where.fail_at(step.rows, "limit", f"a loop takes 0 to {MAX_TURNS:,} turns, got {show(found)}")
        return tuple(range(found))

    # -- calls

    def call(self, step: Call, inputs: Inputs, row: str, where: Where, turn: tuple[int, int]) -> Wire:
        """A layer, a block, or what an interpolation names."""
        target = step.target
        if isinstance(target, Template):
            return self.interpolated(step, target, inputs, row, where, turn)
        if isinstance(target, Block):
            arguments = {name: argument.value for name, argument in step.arguments.items()}
            instance = home(step.text, where.scope.instance)
            return self.block(step, target, instance, arguments, inputs, row, where, turn)
        return self.appender.append(self.maker.from_step(step, target, where), step, inputs, row, where)

    def interpolated(
        self, step: Call, target: Template, inputs: Inputs, row: str, where: Where, turn: tuple[int, int]
    ) -> Wire:
        """``$act`` and ``{$block: …}``: a word from an argument names the kind or the block."""
        text, instance = where.fill(target), where.scope.instance
        if text == "none" and not step.arguments and step.main is None:
            return inputs[0]
        block = instance.file.block(text)
        word = next((value for name in target.names if isinstance(value := where.scope.env.get(name), Word)), None)
        if block is None and word is not None and word.home is not None:  # a block of the file that passed the word
            block, instance = word.home.block(text), self.instance_of(word.home, where.scope)
        kind = KINDS.get(text)
        if block is None and (kind is None or kind.joins):
            known = [*where.scope.instance.file.block_names(), *(name for name in KINDS if not KINDS[name].joins)]
            message, help = f"`{text}` is no block and no layer kind", suggestion(text, known)
            if kind is not None:
                message, help = f"`{text}` is a join, and cannot be called by a name", f"write `{kind.example}`"
            raise where.at(step.span, Fault("unknown-kind", message, None, help), target.names)
        takes = list(block.args if block else KINDS[text].fields)
        arguments = interpolated_arguments(step, text, takes, where)
        if block is None:
            made = self.maker.make(step, KINDS[text], arguments, where)
            return self.appender.append(made, step, inputs, row, where)
        return self.block(step, block, home(text, instance), arguments, inputs, row, where, turn)

    def instance_of(self, file: File, scope: Scope) -> Instance:
        """The instance of a file that a word came from: the nearest caller's."""
        caller: Scope | None = scope
        while caller is not None:
            if caller.instance.file is file:
                return caller.instance
            caller = caller.outer
        return self.instance

    def block(
        self,
        step: Call,
        block: Block,
        instance: Instance,
        given: dict[str, Value],
        inputs: Inputs,
        row: str,
        where: Where,
        turn: tuple[int, int],
    ) -> Wire:
        """A block call: a scope of its own that sees its arguments, its inputs and its file's `args`."""
        around = where.call.outer if turn[1] > 1 and where.call is not None else where.call
        link = Link(block.name, *turn, step.span, around)
        if where.scope.calls(block):
            raise where.fail(step.span, "recursion", f"block `{block.name}` calls itself", "use `repeat`")
        if where.scope.depth >= MAX_DEPTH:
            raise where.fail(step.span, "limit", f"blocks call each other at most {MAX_DEPTH} deep")
        if len(row) > MAX_ROW:
            raise where.fail(step.span, "limit", f"a row's name has at most {MAX_ROW} characters, {row[:40]}… more")
        self.deeper(step.span, where)
        inner = Where(Scope(instance, f"{row}.", where.scope, block), Place(f"{row}."), link)
        names = block.inputs or ("input",)
        if len(names) != len(inputs):
            listed = ", ".join(f"`{name}`" for name in names)
            message = f"`{block.name}` takes {len(names)} tensors ({listed}), got {len(inputs)}"
            raise where.fail(step.span, "from", message, f"write `from: [{', '.join(names)}]` with names of layers")
        for name, tensor in zip(names, inputs):
            inner.scope.bind_input(name, tensor)
        self.open(inner.scope)
        inner.scope.env["x"] = inputs[0]
        for name, parameter in block.args.items():
            if name in given:
                inner.scope.bind(name, where.evaluate(given[name]), given[name].span)
            elif parameter.default is not None:
                inner.scope.bind(name, inner.evaluate(parameter.default), parameter.default.span)
            else:
                raise where.fail(step.span, "missing-argument", f"`{block.name}` needs `{name}`")
        first = len(self.nodes)
        result = self.body(step, block, inputs, inner)
        self.nesting -= 1
        self.graph.call(row, result.number)
        taken = tuple([tensor.number for tensor in inputs])
        self.graph.parts.append(Part(row, block.name, taken, result.number, first, len(self.nodes)))
        return result

    def body(self, step: Call, block: Block, inputs: Inputs, inner: Where) -> Wire:
        """The steps of a block whose arguments are bound; those of an equal call are added again."""
        begun = self.again.begin(step, block, inputs, inner, (self.nesting, self.factor), self.steps)
        copied = self.again.copied(begun, inputs, inner, self.max_steps - self.steps) if begun else None
        if copied is not None:
            self.steps += copied[1]
            return copied[0]
        result = self.sequence(block.steps, inputs[0], inner)
        if begun is not None:
            self.again.remember(begun, result, inputs, inner, self.steps)
        return result

    def branches(self, step: Join, x: Wire, row: str, where: Where) -> Wire:
        """The branches of a join, each beginning at `x`, then the join itself if there is more than one."""
        self.deeper(step.span, where)
        ends: list[Wire] = []
        for branch in step.branches:
            where.scope.env["x"] = x
            self.branch(branch, x, ends, where)
        where.scope.env["x"] = x
        self.nesting -= 1
        if not ends:
            message = f"no branch of this `{step.kind.kind}` is left"
            raise where.fail(step.span, "empty", message, "give the join itself an `if`")
        if len(ends) == 1:
            return ends[0]
        made = self.maker.from_step(step, step.kind, where)
        return self.appender.join(made.layers[0].layer, ends, row, step, where)

    def branch(self, branch: Branch, x: Wire, ends: list[Wire], where: Where) -> None:
        """Append the ends of one branch: none where its condition is false, one per turn of a loop."""
        if branch.condition is not None and not where.truth(branch.condition):
            return
        if branch.name is not None:
            ends.append(self.registry.find(where.fill(branch.name), branch.name, x, where))
        elif branch.loop is not None:
            self.branches_of(branch.loop, x, ends, where)
        else:
            ends.append(self.sequence(branch.steps, x, where))

    def branches_of(self, loop: Loop, x: Wire, ends: list[Wire], where: Where) -> None:
        """A branch per turn of a loop; a loop that holds nothing but another gives those of that one."""
        if loop.condition is not None and not where.truth(loop.condition):
            return
        inner = loop.steps[0] if len(loop.steps) == 1 else None
        for here in self.rows(loop, where):
            where.scope.env["x"] = x
            if isinstance(inner, Loop) and inner.name is None and inner.repeat is None and not inner.sources:
                self.deeper(inner.span, where)
                self.branches_of(inner, x, ends, here)
                self.nesting -= 1
            else:
                ends.append(self.sequence(loop.steps, x, here))


def _asked(step: AnyStep) -> Iterator[frozenset[str]]:
    """The free names of all that is turned by a repeat, but for what further repeats in it turn."""
    pending: list[AnyStep] = [step]
    while pending:
        one = pending.pop()
        for template in (*one.sources, one.name, one.share):
            if template is not None:
                yield template.names
        for value in (one.condition, one.learned, one.shares):
            if value is not None:
                yield value.names
        if one is not step and one.repeat is not None:
            yield one.repeat.names
            continue
        if isinstance(one, (Call, Join)):
            yield one.names
        if isinstance(one, Call) and isinstance(one.target, Template):
            yield one.target.names
            yield frozenset(name for value in one.arguments.values() for name in value.value.names)
            if one.main is not None:
                yield one.main.names
        if isinstance(one, Loop):
            yield one.rows.names
        if isinstance(one, Group) and not (isinstance(one, Loop) and "i" in one.loop_names):
            pending += one.steps
        if isinstance(one, Join):
            for branch in one.branches:
                if branch.name is not None:
                    yield branch.name.names
                if branch.condition is not None:
                    yield branch.condition.names
                pending += branch.steps if branch.loop is None else [branch.loop]


def home(text: str, instance: Instance) -> Instance:
    """The instance that a block called `text` in this one belongs to."""
    return instance if text in instance.file.blocks else instance.imported(text.partition(".")[0])


def interpolated_arguments(step: Call, text: str, takes: list[str], where: Where) -> dict[str, Value]:
    """The arguments of an interpolated call, checked against what its target takes; raises `SpecError`."""
    arguments = {name: argument.value for name, argument in step.arguments.items()}
    for name in arguments:
        if name not in takes:
            help = suggestion(name, takes) or f"it takes {', '.join(f'`{known}`' for known in takes) or 'no arguments'}"
            message = f"`{text}` has no argument `{name}`"
            raise where.fail(step.arguments[name].key, "unknown-argument", message, help)
    if step.main is not None:
        if not takes:
            raise where.fail_at(step.main, "unknown-argument", f"`{text}` takes no argument")
        arguments = {takes[0]: step.main, **arguments}
    return arguments
