"""Named tuples that cost a start little.

`typing.NamedTuple` compiles each annotation when a class is defined: for the fifty classes of one command that is a
twentieth of its start.  To the type checker, this is that class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = ["NamedTuple"]

if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from collections import namedtuple

    class _Defining(type):
        """Makes a named tuple of a class body: its annotations are the fields, the values given to them defaults."""

        def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> type:
            if not bases:
                return super().__new__(cls, name, bases, body)
            fields = body.pop("__annotations__")
            defaults = [body.pop(field) for field in fields if field in body]
            made = namedtuple(name, fields, defaults=defaults, module=body.pop("__module__"))
            made.__annotations__ = fields
            for key, value in body.items():
                setattr(made, key, value)
            return made

    class NamedTuple(metaclass=_Defining):
        """The base of a class whose annotated fields make a tuple, as `typing.NamedTuple`."""
