"""Writing files: regular ones whole or not at all, anything else through; the one place that does so."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Mapping

from cnncalc.diagnostics import Fault


def write(path: str, content: bytes) -> None:
    """Write to a file, and never destroy what is there.

    A regular file is replaced whole or not at all, reached through links, and keeps its mode; a pipe, a device or a
    terminal is written through.  Raises `Fault` where it cannot be written.
    """
    write_all({path: content})


def write_all(files: Mapping[str, bytes]) -> None:
    """Write several files as `write` does: all regular ones are there in draft before the first is replaced."""
    drafts: dict[str, str] = {}
    path = ""
    try:
        for path, content in files.items():
            target = os.path.realpath(path)
            found = os.stat(target) if os.path.exists(target) else None
            if found is not None and not stat.S_ISREG(found.st_mode):
                with open(target, "wb") as through:
                    through.write(content)
                continue
            draft = os.path.join(os.path.dirname(target), f".{os.path.basename(target)}.{os.getpid()}")
            with open(draft, "xb") as file:
                drafts[draft] = target
                file.write(content)
            if found is not None:
                shutil.copymode(target, draft)
        for draft, target in drafts.items():
            os.replace(draft, target)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise Fault("unwritable", f"{path}: cannot be written: {reason}", None, _help(path)) from None
    finally:
        for draft in drafts:
            if os.path.exists(draft):
                os.remove(draft)


def _help(path: str) -> str:
    """What to do about a file that cannot be written; nothing where nobody can tell."""
    folder = os.path.dirname(path)
    if os.path.isdir(path):
        return f"name a file in it: `{os.path.join(path, 'FILE')}`"
    if folder and not os.path.lexists(folder):
        return f"make the folder first: `mkdir -p {folder}`"
    return ""
