"""Words of the language: keys, modifiers, and what may be a name."""

from __future__ import annotations

import re

FILE_KEYS = (
    "name",
    "source",
    "input",
    "args",
    "variants",
    "defaults",
    "import",
    "blocks",
    "layers",
    "outputs",
    "expect",
    "lint",
)
BLOCK_KEYS = ("args", "inputs", "layers")
MODIFIERS = ("from", "parts", "repeat", "if", "gather", "name", "share", "learned")
GROUP_KEYS = ("layers", "for", "in")
RESERVED = frozenset({*MODIFIERS, *GROUP_KEYS, "x", "i", "true", "false", "and", "or", "not", "else", "input"})

NAME = re.compile(r"[\w.\-/]+")
"""The name of a layer: dots stand between a block's and its layer's."""

MAX_NAME = 300
MAX_ROW = 600
"""Characters of a given name, and of a row's with the blocks around it."""

IDENTIFIER = re.compile(r"[^\W\d]\w*")
"""The name of an argument, a block, an input or an import."""
