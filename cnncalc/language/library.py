"""Where specs come from: paths, bundled names, imports and strings.

Imports stay inside the folder of the file that was opened; bundled networks may be imported from anywhere.
"""

from __future__ import annotations

import os
import re
from functools import cache

from cnncalc.diagnostics import Fault, Source, Span, UsageFault, suggestion
from cnncalc.language.file import parse
from cnncalc.language.model import File
from cnncalc.language.source import read_source


class UnknownSpec(UsageFault):
    """A name that is neither a file nor a bundled network."""

    def __init__(self, name: str) -> None:
        self.is_path = "/" in name or os.sep in name or name.endswith((".yaml", ".yml"))
        stem = os.path.splitext(os.path.basename(name))[0]
        near = nearest(stem if self.is_path else name)
        known = "`cnncalc list` lists the bundled networks"
        help = f"did you mean {' or '.join(f'`{each}`' for each in near)}? {known}" if near else known
        message = f"there is no {'file' if self.is_path else 'file and no bundled network'} `{name}`"
        super().__init__("unknown-spec", message, None, help)
        self.name = name


@cache
def bundled_folder() -> str:
    """The folder of the bundled networks: beside the code where installed, above it in a checkout."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    inside = os.path.join(package, "architectures")
    return inside if os.path.isdir(inside) else os.path.join(os.path.dirname(package), "architectures")


def starter() -> str:
    """The text of the spec that a person may start from."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    with open(os.path.join(package, "starter.yaml"), encoding="utf-8") as file:
        return file.read()


def bundled_files() -> list[str]:
    """Paths of the bundled networks, by name."""
    folder = bundled_folder()
    if not os.path.isdir(folder):
        return []
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(".yaml")]


_VARIANTS = re.compile(r"^variants:[ \t]*(?:#.*)?\n((?:[ \t]+.*\n|[ \t]*\n|#.*\n)*)", re.MULTILINE)
_VARIANT = re.compile(r"^  ([\w.\-]+):", re.MULTILINE)


def variant_names(path: str) -> list[str]:
    """The variant names of a bundled file by its text alone, which is enough to find the file."""
    with open(path, encoding="utf-8") as file:
        block = _VARIANTS.search(file.read())
    return _VARIANT.findall(block[1]) if block else []


def bundled_names() -> list[str]:
    """Every name that stands for a bundled network: its file's, and its variants'."""
    names: list[str] = []
    for path in bundled_files():
        stem = os.path.splitext(os.path.basename(path))[0]
        names += [stem, *(name for name in variant_names(path) if name != stem)]
    return names


def network_names() -> list[str]:
    """Every bundled network once: the variants of a file, or the file where it has none."""
    names: list[str] = []
    for path in bundled_files():
        names += variant_names(path) or [os.path.splitext(os.path.basename(path))[0]]
    return names


def nearest(name: str) -> list[str]:
    """The bundled names that are most like one, at most three."""
    from difflib import get_close_matches  # an error path

    plain = {known.replace("_", "").replace("-", ""): known for known in bundled_names()}
    asked = re.sub(r"[^a-z0-9.]", "", name.lower())
    if asked in plain:
        return [plain[asked]]
    begun = [known for text, known in plain.items() if asked and text.startswith(asked)]
    close = [plain[text] for text in get_close_matches(asked, plain, 3, 0.7)]
    return list(dict.fromkeys([*close, *begun]))[:3]


def find_bundled(name: str) -> tuple[str, str | None] | None:
    """Path and variant behind a bundled name (`resnet50`, `vgg`, `vgg.yaml`); None if there is none."""
    stem = name.removesuffix(".yaml").removesuffix(".yml")
    if not re.fullmatch(r"[\w.\-]+", stem):
        return None
    path = os.path.join(bundled_folder(), f"{stem}.yaml")
    if os.path.isfile(path):
        return path, stem if stem in variant_names(path) else None
    # resnet50 is most likely in resnet.yaml
    likely = sorted(bundled_files(), key=lambda path: not stem.startswith(os.path.basename(path).removesuffix(".yaml")))
    return next(((path, stem) for path in likely if stem in variant_names(path)), None)


def is_spec(text: str) -> bool:
    """Whether a SPEC of this text would be found: a file, or a bundled name."""
    return os.path.isfile(text) or find_bundled(text) is not None


def find(spec: str) -> tuple[str, str | None]:
    """Path and variant of a SPEC: a path that exists wins, then a bundled name; raises `UnknownSpec`."""
    if os.path.exists(spec):
        return spec, None
    found = find_bundled(spec)
    if found is None:
        raise UnknownSpec(spec)
    return found


def shown_path(path: str) -> str:
    """How the path of a spec is shown: of a bundled one, wherever that is installed, its name."""
    folder, name = os.path.split(path)
    return name if folder == bundled_folder() else path


Imported = dict[tuple[str, str, str], File]
"""Files that others import, by the folder that imports stay in, their path, and how that is shown."""


def load_file(path: str, shown: str | None = None, imported: Imported | None = None) -> File:
    """The parsed spec at `path`, with its imports, of which those `imported` before need not be read; raises
    `SpecError`."""
    folder = os.path.dirname(os.path.realpath(path))
    return _Loader(folder, imported).load(path, shown or shown_path(path))


def load_text(text: str, name: str = "<string>") -> File:
    """The parsed spec in `text`; its imports are bundled networks, or files below the working folder."""
    return parse(Source(name, text), _Loader(os.path.realpath(".")).resolver(os.path.join(".", name), name))


def load_edited(path: str, text: str, shown: str) -> File:
    """As `load_file`, with `text` in place of what the file holds."""
    loader = _Loader(os.path.dirname(os.path.realpath(path)))
    loader.open.append(os.path.realpath(path))
    return parse(Source(shown, text), loader.resolver(path, shown))


class _Loader:
    """Loads a file and what it imports; a file is parsed once, however often it is imported."""

    def __init__(self, folder: str, imported: Imported | None = None) -> None:
        self.folder = folder
        self.imported: Imported = {} if imported is None else imported
        self.open: list[str] = []

    def load(self, path: str, shown: str) -> File:
        self.open.append(os.path.realpath(path))
        source = read_source(path) if shown == path else Source(shown, read_source(path).text, path)
        file = parse(source, self.resolver(path, shown))
        self.open.pop()
        return file

    def known(self, path: str, shown: str) -> File:
        """As `load`, of a file that is imported: once."""
        key = (self.folder, os.path.realpath(path), shown)
        if key not in self.imported:
            self.imported[key] = self.load(path, shown)
        return self.imported[key]

    def resolver(self, path: str, shown: str):  # type: ignore[no-untyped-def]
        """Resolves the imports of the file at `path`."""

        def resolve(text: str, span: Span) -> tuple[File, str | None]:
            target, variant = self.target(text, path)
            real = os.path.realpath(target)
            if real in self.open:
                raise Fault(
                    "import-cycle",
                    f"`{text}` is being imported already",
                    None,
                    "move the shared blocks to a third file",
                )
            bundled = os.path.dirname(real) == os.path.realpath(bundled_folder())
            if len(self.open) > 32:
                raise Fault("limit", "imports nest at most 32 deep")
            if bundled and self.folder != os.path.realpath(bundled_folder()):
                inner = _Loader(os.path.realpath(bundled_folder()), self.imported)
                inner.open = self.open
                return inner.known(target, shown_path(target)), variant
            near = shown_path(target) if bundled else os.path.join(os.path.dirname(shown), text)
            return self.known(target, near), variant

        return resolve

    def target(self, text: str, importer: str) -> tuple[str, str | None]:
        """The path, and the variant, that an import's text names; raises `Fault`."""
        if "\0" in text:
            raise Fault("no-such-file", "a path cannot hold a NUL character")
        if not text.endswith((".yaml", ".yml")) and "/" not in text:
            found = find_bundled(text)
            if found is None:
                help = suggestion(text, bundled_names()) or "a file of your own is named with its `.yaml`"
                raise Fault("no-such-file", f"no bundled network is called `{text}`", None, help)
            return found
        path = os.path.join(os.path.dirname(importer), text)
        real = os.path.realpath(path)
        if os.path.isabs(text) or os.path.commonpath([real, self.folder]) != self.folder:
            raise Fault(
                "import-outside",
                f"`{text}` is outside the folder of the spec",
                None,
                "imports stay inside the folder of the file that was opened",
            )
        if not os.path.exists(real):
            here = os.path.dirname(real)
            names = [name for name in os.listdir(here) if name.endswith(".yaml")] if os.path.isdir(here) else []
            stem = os.path.splitext(os.path.basename(text))[0]
            help = suggestion(os.path.basename(text), names)
            if find_bundled(stem) is not None:
                help = f"the bundled one has no `.yaml` in its name here: `{stem}`"
            raise Fault("no-such-file", f"there is no file `{text}` here", None, help)
        return path, None
