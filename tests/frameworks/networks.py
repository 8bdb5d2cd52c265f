"""The bundled networks by name, as every test of an export goes over them."""

from __future__ import annotations

import os

from cnncalc.language.library import bundled_files, load_file, variant_names


def names() -> list[str]:
    """Every bundled network and variant."""
    found: list[str] = []
    for path in bundled_files():
        if load_file(path).steps_span is not None:
            found += [*variant_names(path)] or [os.path.splitext(os.path.basename(path))[0]]
    return found
