"""Imports a user's files. Each folder is a package of its own, so files of one name in two folders stay apart.

An `import` in a file finds the files beside it first, as in a script. Python runs it as `__import__` of the module's
builtins, which are replaced here; sys.path and the modules of everybody else stay as they are.
"""

import builtins
import contextlib
import hashlib
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from functools import cache, partial
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

PREFIX = "inittui_own_"
expected: Mapping[str, str] = {}  # the SHA-256 of files, by path, that have to be as they were when the run began


def import_file(path: Path) -> ModuleType:
    """The module in a file, imported once however many functions are taken from it."""
    path = path.absolute()
    package = PREFIX + hashlib.sha256(bytes(path.parent)).hexdigest()[:16]
    if package not in sys.modules:
        sys.modules[package] = folder = ModuleType(package)
        folder.__path__ = [str(path.parent)]
    name = f"{package}.{path.stem}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path, loader=_Loader(name, str(path)))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look up their module there
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


class _Finder:
    """Finds the modules in the users' folders, and those on Python's path that are `expected`."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, _: ModuleType | None = None) -> ModuleSpec | None:
        own = name.startswith(PREFIX)
        spec = PathFinder.find_spec(name, path) if own or expected else None
        if spec is None or not (own or spec.origin in expected):
            return None
        if isinstance(spec.loader, SourceFileLoader):
            spec.loader = (_Loader if own else _ExpectedLoader)(name, spec.loader.path)
        return spec


sys.meta_path.insert(0, _Finder)


class _ExpectedLoader(SourceFileLoader):
    """Runs the source as it is now: cached bytecode is chosen by a file's time and size alone."""

    def get_code(self, _: str) -> CodeType:
        source = self.get_data(self.path)
        digest = hashlib.sha256(source).hexdigest()
        if expected.get(self.path, digest) != digest:
            raise ImportError(f"{self.path} has changed since the run began; put it back as it was")
        return self.source_to_code(source, self.path)


class _Loader(_ExpectedLoader):
    """Of a module in a user's folder."""

    def exec_module(self, module: ModuleType) -> None:
        package = module.__name__.partition(".")[0]
        vars(module)["__builtins__"] = vars(builtins) | {"__import__": partial(_import, package)}
        super().exec_module(module)


def _import(
    package: str,
    name: str,
    globals: Mapping[str, Any] | None = None,
    locals: Mapping[str, Any] | None = None,
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> ModuleType:
    """`__import__` for the modules of `package`."""
    top = name.partition(".")[0]
    if level or not _is_beside(package, top):
        return builtins.__import__(name, globals, locals, fromlist or (), level)
    module = builtins.__import__(f"{package}.{name}", globals, locals, fromlist or ())
    return module if fromlist else sys.modules[f"{package}.{top}"]


@cache
def _is_beside(package: str, top: str) -> bool:
    """Whether `top` is in the folder of `package`, and not the module that all other code imports under this name. A folder
    without __init__.py counts last, as everywhere in Python."""
    if top in sys.builtin_module_names:
        return False
    own = PathFinder.find_spec(f"{package}.{top}", sys.modules[package].__path__)
    other = None
    with contextlib.suppress(ValueError):  # a module without a spec
        other = importlib.util.find_spec(top)
    return own is not None and (other is None or own.origin not in (None, other.origin))
