"""Lints of a file: what it declares and nothing uses, and what no variant ever reaches.

It reads the parsed file; of the networks it only asks which steps have made layers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from cnncalc.diagnostics import Diagnostic, Note, Span
from cnncalc.expansion.instance import Instance
from cnncalc.graph import Graph
from cnncalc.language.model import AnyStep, Block, Branch, Call, File, Group, Join, Loop, Template, Value

Reached = set[tuple[int, int]]
"""Lines and columns of the steps of a file that have made layers."""


def reached(graph: Graph, file: File, found: Reached) -> None:
    """Add the steps of `file` that have made layers in this network."""
    seen = set()
    for node in graph.nodes:
        origin = node.origin
        if origin is None:
            continue
        if origin.span.source is file.source:
            found.add(origin.span[1:3])
        call = origin.call
        while call is not None and id(call) not in seen:
            seen.add(id(call))
            if call.span.source is file.source:
                found.add(call.span[1:3])
            call = call.outer


def file_lints(file: File, steps: Reached, instances: dict[str | None, Instance]) -> Iterator[Diagnostic]:
    """Every finding of a file, given what its networks have reached, and its arguments by variant."""
    uses = _Uses(file)
    for name, block in file.blocks.items():
        if name not in uses.blocks:
            yield lint("unused-block", f"nothing calls block `{name}`", block.span, "leave it out")
    for name, parameter in file.args.items():
        if name not in uses.names:
            message = f"nothing asks for the argument `{name}`"
            yield lint("unused-argument", message, parameter.span, "leave it out, or use it")
    for block in (file.blocks[name] for name in file.blocks if name in uses.blocks and name not in uses.names):
        names = _names_of_block(block)
        for name, parameter in block.args.items():
            if name not in names:
                message = f"block `{block.name}` does not use its argument `{name}`"
                yield lint("unused-argument", message, parameter.span, "leave it out, or use it")
    yield from _variants(file, instances)
    where = "in every variant" if file.variants else "with the file's arguments"
    bodies = [file.steps, *(file.blocks[name].steps for name in file.blocks if name in uses.blocks)]
    for span in (span for body in bodies for span in _dead(body, steps)):
        yield lint("dead-branch", f"its condition is false {where}", span, "leave it out, or add a variant that has it")


def lint(code: str, message: str, span: Span, help: str, notes: tuple[Note, ...] = ()) -> Diagnostic:
    """A finding as a warning."""
    return Diagnostic(code, message, span, "", notes, help, "warning")


def _variants(file: File, instances: dict[str | None, Instance]) -> Iterator[Diagnostic]:
    """Variants that repeat another, or that have no expectation where others have."""
    seen: list[tuple[str, dict[str, Any]]] = []
    for name, span in file.variant_spans.items():
        if name in instances:
            env = instances[name].env
            same = next((other for other, values in seen if values == env), None)
            if same is not None:
                notes = (Note(f"`{same}` is", file.variant_spans[same]),)
                message = f"variant `{name}` gives every argument the value that `{same}` gives it"
                yield lint("unused-variant", message, span, "leave one of them out", notes)
            seen.append((name, env))
        if file.expect and None not in file.expect and name not in file.expect:
            message = f"nothing is expected of variant `{name}`"
            yield lint("unchecked-variant", message, span, f"write `{name}: {{params: …}}` below `expect`")


# -- who uses what -----------------------------------------------------------------------------------------------------


class _Uses:
    """The blocks of a file that its layers reach, and the names that are asked of its arguments."""

    def __init__(self, file: File) -> None:
        self.file = file
        self.names: set[str] = set()
        """Those of blocks that are passed by name among them: all that can stand there take the same arguments."""
        self.blocks: set[str] = set()
        values: list[Value | None] = [*file.inputs.values(), *(arg.default for arg in file.args.values())]
        for arguments in (*file.variants.values(), *file.defaults.values(), *_import_arguments(file)):
            values += [argument.value for argument in arguments.values()]
        values += [output.condition for output in file.outputs]
        self.take(_names_of_values(values))
        self.take(name for output in file.outputs for name in output.name.names)
        self.take(_names_of_steps(file.steps))
        self.call(_calls(file.steps))
        self.expectations(file)

    def take(self, names: Iterable[str]) -> None:
        """Count names as used, and the blocks among them as called."""
        found = set(names)
        self.names |= found
        self.call(found)

    def call(self, names: Iterable[str]) -> None:
        """Count blocks as used, and what they use themselves."""
        for name in names:
            block = self.file.blocks.get(name)
            if block is not None and name not in self.blocks:
                self.blocks.add(name)
                self.take(_names_outside(block))
                self.call(_calls(block.steps))

    def expectations(self, file: File) -> None:
        """Count the names in expected shapes."""
        for entries in file.expect.values():
            for entry in entries:
                self.take(name for _, value in entry.outputs.values() for name in value.names)


def _import_arguments(file: File) -> list[Any]:
    return [entry.arguments for entry in file.imports.values()]


def _names_of_values(values: Iterable[Value | None]) -> set[str]:
    return {name for value in values if value is not None for name in value.names}


def _names_of_block(block: Block) -> set[str]:
    """The names that a block's steps and defaults ask for, its own included."""
    return _names_of_values(arg.default for arg in block.args.values()) | _names_of_steps(block.steps)


def _names_outside(block: Block) -> set[str]:
    """The names that a block asks of its file: a default sees the arguments before it alone."""
    found = _names_of_steps(block.steps) - {*block.args, *block.inputs}
    before = {*block.inputs}
    for name, parameter in block.args.items():
        found |= _names_of_values([parameter.default]) - before
        before.add(name)
    return found


def _names_of_steps(steps: Iterable[AnyStep]) -> set[str]:
    """The names that steps ask for, without those that loops bind."""
    found: set[str] = set()
    for step in steps:
        found |= _names_of_values((step.repeat, step.condition, step.learned))
        templates: list[Template | None] = [*step.sources, step.name, step.share]
        found |= {name for template in templates if template is not None for name in template.names}
        if isinstance(step, Call):
            found |= _names_of_values([step.main, *(argument.value for argument in step.arguments.values())])
            found |= step.target.names if isinstance(step.target, Template) else set()
        elif isinstance(step, Join):
            for branch in step.branches:
                found |= _names_of_branch(branch)
        else:
            found |= _names_of_group(step)
    return found


def _names_of_branch(branch: Branch) -> set[str]:
    found = _names_of_values([branch.condition]) | _names_of_steps(branch.steps)
    if branch.name is not None:
        found |= branch.name.names
    return found | _names_of_steps([branch.loop]) if branch.loop is not None else found


def _names_of_group(group: Group) -> set[str]:
    inner = _names_of_steps(group.steps)
    if isinstance(group, Loop):
        return (inner - set(group.loop_names)) | _names_of_values([group.rows])
    return inner


def _calls(steps: Iterable[AnyStep]) -> Iterator[str]:
    """The names of the kinds and blocks that steps call."""
    for step in steps:
        if isinstance(step, Call):
            yield step.text
        for part in _inner(step):
            yield from _calls(_body(part) if isinstance(part, Branch) else [part])


# -- what is never reached ---------------------------------------------------------------------------------------------


def _dead(steps: Iterable[AnyStep], found: Reached) -> Iterator[Span]:
    """The conditions, outermost first, whose steps have never made a layer."""
    for step in steps:
        yield from _dead_part(step.condition, [step], found, _inner(step))


def _dead_part(
    condition: Value | None, steps: list[AnyStep], found: Reached, inner: list[AnyStep | Branch]
) -> Iterator[Span]:
    if condition is not None and steps and not any(_is_reached(step, found) for step in steps):
        yield condition.span
        return
    for part in inner:
        if isinstance(part, Branch):
            yield from _dead_part(part.condition, _body(part), found, [*_body(part)])
        else:
            yield from _dead([part], found)


def _inner(step: AnyStep) -> list[AnyStep | Branch]:
    if isinstance(step, Join):
        return [*step.branches]
    return [*step.steps] if isinstance(step, Group) else []


def _body(branch: Branch) -> list[AnyStep]:
    return [*branch.steps, *([branch.loop] if branch.loop is not None else [])]


def _is_reached(step: AnyStep, found: Reached) -> bool:
    """Whether a step, or one inside it, has made a layer."""
    if step.span[1:3] in found:
        return True
    for part in _inner(step):
        if any(_is_reached(inner, found) for inner in (_body(part) if isinstance(part, Branch) else [part])):
            return True
    return False
