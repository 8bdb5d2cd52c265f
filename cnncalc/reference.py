"""The reference of the layer kinds, made from their declarations."""

from __future__ import annotations

from typing import Any

from cnncalc.analyzers.quantities import QUANTITIES
from cnncalc.layers import KINDS, families
from cnncalc.layers.base import REQUIRED, Field, Layer
from cnncalc.layers.types import show


def overview() -> str:
    """Every kind in a line, by family."""
    lines = []
    for family, kinds in families().items():
        lines.append(f"{family}:")
        wide = max(len(kind.kind) for kind in kinds)
        lines += [f"  {kind.kind:<{wide}}  {first_line(kind)}" for kind in kinds]
        lines.append("")
    lines.append("`cnncalc layers KIND` lists a kind's arguments.")
    return "\n".join(lines) + "\n"


def page(name: str) -> str:
    """All about one kind."""
    kind = KINDS[name]
    lines = [f"{name}: {first_line(kind)}", ""]
    further = (kind.__doc__ or "").strip().split("\n\n")[1:]
    for paragraph in further:
        lines += [" ".join(paragraph.split()), ""]
    if kind.joins:
        lines += ["main argument: a list of branches; a branch is a list of steps, or the name of a tensor", ""]
    for position, (field_name, field) in enumerate(kind.fields.items()):
        lines.append(f"  {field_name}{' (main argument)' if position == 0 and not kind.joins else ''}: {field.doc}")
        lines.append(f"      {field.type.text.replace('`', '')}; {default(field)}")
    return "\n".join(lines).rstrip() + "\n"


def markdown() -> str:
    """Every kind with its arguments, as Markdown tables for the README."""
    lines = []
    for family, kinds in families().items():
        lines += [f"**{family}**", "", "| kind | arguments, the main one first | |", "|---|---|---|"]
        for kind in kinds:
            arguments = ", ".join(_brief(name, field) for name, field in kind.fields.items()) or (
                "branches" if kind.joins else ""
            )
            lines.append(f"| `{kind.kind}` | {arguments} | {first_line(kind)} |")
        lines.append("")
    return "\n".join(lines)


def to_dict(name: str | None = None) -> list[dict[str, Any]]:
    """One kind, or all of them, as plain data: what it is, its arguments in order, the main one first."""
    found = []
    for family, kinds in families().items():
        for kind in kinds:
            if name in (None, kind.kind):
                arguments = [_argument(key, field) for key, field in kind.fields.items()]
                told = {"kind": kind.kind, "family": family, "doc": first_line(kind)}
                found.append({**told, "arguments": arguments, "example": kind.example or kind.kind})
    return found


def _argument(name: str, field: Field) -> dict[str, str]:
    text = field.type.text.replace("`", "")
    return {"name": name, "doc": field.doc, "type": text, "default": default(field).removeprefix("default ")}


def first_line(kind: type[Layer]) -> str:
    """The kind in one sentence, without its full stop."""
    return (kind.__doc__ or "").strip().split("\n\n")[0].replace("\n    ", " ").rstrip(".")


def default(field: Field) -> str:
    """``required``, ``optional`` or the default."""
    if field.default is REQUIRED:
        return "required"
    return "optional" if field.default is None or field.default == () else f"default {show(field.default)}"


def _brief(name: str, field: Field) -> str:
    if field.default is REQUIRED:
        return name
    if field.default is None or field.default == ():
        return f"{name} (optional)"
    shown = f"{field.default:.4g}" if isinstance(field.default, float) else show(field.default)
    return f"{name} {shown}"


def quantities() -> str:
    """Every quantity of the reports, as a Markdown table for the README."""
    lines = ["| key | column | what it is |", "|---|---|---|"]
    for quantity in QUANTITIES.values():
        key = f"{quantity.group}.{quantity.key}" if quantity.group else quantity.key
        lines.append(f"| `{key}` | {quantity.title} | {quantity.doc} |")
    return "\n".join(lines) + "\n"
