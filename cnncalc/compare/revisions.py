"""``REVISION:PATH``: a spec as it stands in a revision of a git repository, with what it imports there.

git runs as a process of its own, without a shell; the spec files below the spec's folder are laid out in a temporary
folder, from which they are read as any other.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import PurePosixPath

from cnncalc.diagnostics import Diagnostic, Fault, Source, Span, SpecError
from cnncalc.language.library import find_bundled, load_file
from cnncalc.language.model import File

MAX_FILES = 5_000
"""Spec files that are laid out."""


def split(text: str) -> tuple[str, str] | None:
    """Revision and path of ``REVISION:PATH``; None for what is a file, a bundled name, or has no colon."""
    revision, colon, path = text.partition(":")
    if not colon or not revision or not path or os.path.exists(text) or find_bundled(text):
        return None
    return revision, path


def load_revision(revision: str, path: str, folder: str = ".") -> File:
    """The parsed spec at a path of a revision, as git means it: from the top of the repository, or from `folder` where
    it begins with ``./`` or ``../``.  Raises `SpecError` where there is no such thing, or the spec is wrong."""
    shown = f"{revision}:{path}"
    top = _git(folder, shown, "rev-parse", "--show-toplevel").decode().rstrip("\n")
    commit = _git(folder, shown, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    name = commit.decode().strip()
    inner = path
    if path.startswith(("./", "../")):
        inner = os.path.relpath(os.path.join(os.path.realpath(folder), path), os.path.realpath(top)).replace(
            os.sep, "/"
        )
    inside = PurePosixPath(inner)
    if inside.is_absolute() or ".." in inside.parts:
        raise _fail(f"`{path}` is outside the repository", "a path in a revision begins at the top of the repository")
    listed = _git(top, shown, "ls-tree", "-r", "-z", "--full-tree", name, "--", f"{inside.parent}/")
    blobs: dict[str, str] = {}
    for entry in listed.decode(errors="surrogateescape").split("\0"):
        head, _, file = entry.partition("\t")
        if head.startswith("100") and (file == str(inside) or file.endswith((".yaml", ".yml"))):
            blobs[file] = head.split()[2]
    if str(inside) not in blobs:
        here = _git(folder, shown, "rev-parse", "--show-prefix").decode().strip()
        help = f"write `{revision}:./{path}` for one below the folder that you are in" if here else ""
        place = Span(Source("REVISION:PATH", shown), 1, len(revision) + 2, len(shown) + 1)
        raise _fail(f"there is no file `{inner}` in `{revision}`", help, place)
    if len(blobs) > MAX_FILES:
        raise _fail(f"more than {MAX_FILES:,} spec files stand beside `{inner}`", "")
    with tempfile.TemporaryDirectory() as root:
        for file, blob in blobs.items():
            target = os.path.join(root, *PurePosixPath(file).parts)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "wb") as written:
                written.write(_git(top, shown, "cat-file", "blob", blob))
        return load_file(os.path.join(root, *inside.parts), shown)


def _git(folder: str, shown: str, *arguments: str) -> bytes:
    """What git prints; raises `SpecError` where there is no git, no repository or no such revision."""
    try:
        done = subprocess.run(["git", "-C", folder, *arguments], capture_output=True, check=False)
    except FileNotFoundError:
        raise _fail(f"`{shown}` needs git, which is not installed", "") from None
    if done.returncode == 0:
        return done.stdout
    if "--verify" in arguments:
        revision = shown.partition(":")[0]
        message = f"there is no revision `{revision}` in this repository"
        raise _fail(
            message, "`git log --oneline` lists them", Span(Source("REVISION:PATH", shown), 1, 1, len(revision) + 1)
        )
    said = done.stderr.decode(errors="replace").strip().removeprefix("fatal: ").split("\n")[0]
    raise _fail(f"`{shown}` cannot be read: git says: {said}", "")


def _fail(message: str, help: str, place: Span | None = None) -> SpecError:
    found: Diagnostic = Fault("no-such-revision", message, None, help).at(place)
    return SpecError([found])
