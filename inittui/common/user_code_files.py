"""Which files a user's code consists of, and their digests. Nothing here runs that code."""

import ast
import contextlib
import hashlib
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

from inittui.common.user_code_refs import UserFunction


def digests(functions: Iterable[UserFunction]) -> dict[str, str]:
    """The SHA-256, by path, of the files of `functions` and of the files beside them that they import. A file that can't be
    read has none."""
    digests: dict[str, str] = {}
    waiting = [(file, file.parent) for own in functions for file in _files(own)]
    while waiting:
        path, folder = waiting.pop()
        if str(path) in digests:
            continue
        try:
            source = path.read_bytes()
        except OSError:
            continue
        digests[str(path)] = hashlib.sha256(source).hexdigest()
        waiting += [(module, folder) for module in _imported(path, source, folder)]
    return digests


def _files(own: UserFunction) -> list[Path]:
    """Where the function is. Of a module only its own file counts, since its package may be large."""
    if own.file is not None:
        return [own.file]
    package, *rest = own.where.split(".")
    with contextlib.suppress(ImportError, ValueError):
        spec = find_spec(package)
        if package != "inittui" and spec is not None and spec.origin is not None:
            module = Path(spec.origin).parent.joinpath(*rest)
            return [module.with_name(f"{module.name}.py"), module / "__init__.py"] if rest else [Path(spec.origin)]
    return []


def _imported(path: Path, source: bytes, folder: Path) -> Iterator[Path]:
    """The files in which the modules that `source` imports may be."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError):  # its import says so
        return
    for node in nodes:
        start = folder
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" if node.module else alias.name for alias in node.names]
            start = path.parents[min(node.level, len(path.parents)) - 1] if node.level else folder
        else:
            continue
        for name in names:
            parts = name.split(".")
            for count in range(1, len(parts) + 1):
                module = start.joinpath(*parts[:count])
                yield from (module.with_name(f"{module.name}.py"), module / "__init__.py")
