"""Writing files: a regular file whole or not at all, anything else through; the one place that does so."""

from __future__ import annotations

import os
import shutil
import stat

from cnncalc.diagnostics import Fault


def write(path: str, content: bytes) -> None:
    """Write to a file, and never destroy what is there.

    A regular file is replaced whole or not at all, reached through links, and keeps its mode; a pipe, a device or a
    terminal is written through.  Raises `Fault` where it cannot be written.
    """
    target = os.path.realpath(path)
    draft = None
    try:
        found = os.stat(target) if os.path.exists(target) else None
        if found is not None and not stat.S_ISREG(found.st_mode):
            with open(target, "wb") as through:
                through.write(content)
            return
        draft = os.path.join(os.path.dirname(target), f".{os.path.basename(target)}.{os.getpid()}")
        with open(draft, "xb") as file:
            file.write(content)
        if found is not None:
            shutil.copymode(target, draft)
        os.replace(draft, target)
    except OSError as error:
        if draft is not None and os.path.exists(draft):
            os.remove(draft)
        reason = (error.strerror or str(error)).lower()
        raise Fault("unwritable", f"{path}: cannot be written: {reason}") from None
