"""What files are damaged with: the places of a document, and zip files that are made to do damage."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any


def places(value: Any) -> list[tuple[Any, ...]]:
    """The path to everything inside a document."""
    found: list[tuple[Any, ...]] = []
    pending: list[tuple[Any, tuple[Any, ...]]] = [(value, ())]
    while pending:
        value, path = pending.pop()
        entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, entry in entries:
            found.append((*path, key))
            pending.append((entry, (*path, key)))
    return found


def archive(path: Path, text: bytes, member: str, count: int = 1) -> Path:
    """A zip file with a member, and so many in all."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(member, text)
        for number in range(count - 1):
            file.writestr(f"x{number}", b"")
    return path
