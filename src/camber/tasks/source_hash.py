"""Which files of the user's a module consists of, and the hash that names their content.

The files are found by reading ``import`` statements, not by looking at what happens to be imported,
so that every process finds the same ones.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType


def source_files(module: ModuleType) -> dict[str, Path]:
    """Return the file of ``module`` and those it imports from the same place, by dotted name.

    The place is the folder that holds the module, or its top package. Modules that are found
    elsewhere (installed libraries) are left out.

    Example:
        >>> import camber.errors
        >>> list(source_files(camber.errors))
        ['camber', 'camber.errors']
    """
    file = getattr(module, "__file__", None)
    if file is None or not file.endswith(".py"):
        return {}
    own = Path(file).resolve()
    depth = module.__name__.count(".") + (1 if own.name == "__init__.py" else 0)
    root = own.parents[depth]
    found: dict[str, Path] = {}
    waiting, followed = [module.__name__], set[str]()
    while waiting:
        name = waiting.pop()
        parent, _, attribute = name.rpartition(".")
        path = _file_of(name, root)
        if path is None and attribute and parent:  # a name inside a module
            name, path = parent, _file_of(parent, root)
        if path is None or name in followed:
            continue
        followed.add(name)
        # The packages above are imported too, but what they import on their way is not followed:
        # a builder inside a large package depends on little of it.
        for above in _with_parents(name):
            if (place := _file_of(above, root)) is not None:
                found[above] = place
        inside = name if path.name == "__init__.py" else parent
        waiting.extend(_imports(path, inside))
    return dict(sorted(found.items()))


def source_hash(files: dict[str, Path]) -> str:
    """Return the SHA-256 over names and contents of ``files``."""
    digest = hashlib.sha256()
    for name, path in files.items():
        content = path.read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _file_of(name: str, root: Path) -> Path | None:
    stem = root.joinpath(*name.split("."))
    for path in (stem / "__init__.py", stem.with_name(stem.name + ".py")):
        if path.is_file():
            return path
    return None


def _with_parents(name: str) -> Iterator[str]:
    parts = name.split(".")
    for count in range(1, len(parts) + 1):
        if all(parts[:count]):
            yield ".".join(parts[:count])


def _imports(path: Path, package: str) -> Iterator[str]:
    """Yield the dotted names that the file imports; they need not be modules."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):  # importing it will say so better
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".") if package else []
                parts = parts[: len(parts) - (node.level - 1)]
                base = ".".join([*parts, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" if base else alias.name for alias in node.names)
