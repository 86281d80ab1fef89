"""From what a person types to a name and checked parameters."""

import ast
import warnings
from collections.abc import Mapping

from inittui.common.errors import SchemeError, nearest
from inittui.common.user_code_refs import SCHEME, reference
from inittui.schemes import user_scheme
from inittui.schemes.catalogue import SCHEMES, scheme
from inittui.schemes.scheme import Parameter, Value


def check_parameters(name: str, given: Mapping[str, object]) -> dict[str, Value]:
    """The parameters of scheme `name`, defaults filled in. Raises SchemeError for an unknown, missing or wrong one."""
    row = scheme(name)
    values: dict[str, Value] = {}
    for key, value in given.items():
        if key not in row.parameters:
            takes = ", ".join(row.parameters) or "no parameters"
            hint = nearest(key, row.parameters) if len(row.parameters) > 1 else ""
            raise SchemeError(
                f"scheme '{row.title or name}' has no parameter '{key}'; it takes {takes}{hint and '.' + hint}"
            )
        other = row.parameters[key].instead_of
        if other in given:
            raise SchemeError(f"{name}: expected {other} or {key}, and not both; leave one out")
        values[key] = _checked(name, key, value, row.parameters[key])
    complete = row.complete(values)
    for key, parameter in row.parameters.items():
        if key not in complete and parameter.default is None and not parameter.instead_of:
            example = f"{name}({key}={parameter.example})"
            raise SchemeError(f"scheme '{name}' needs {key} ({parameter.meaning}), as in '{example}'")
    return {key: complete[key] for key in row.parameters if key in complete}


def _checked(name: str, key: str, value: object, parameter: Parameter) -> Value:
    read = parameter.read(value)
    if read is None:
        shown = "a huge number" if isinstance(value, int) and abs(value) > 10**30 else str(value)
        hint = nearest(value, parameter.words) if isinstance(value, str) else ""
        raise SchemeError(f"{name}({key}={shown[:40]}): expected {parameter.expected}{hint and '.' + hint}")
    return read


def canonical(name: str) -> str:
    """The name under which a scheme is kept: an entry point's becomes the function that it stands for. Raises SchemeError."""
    if name in SCHEMES:
        return name
    return str(reference(name, SCHEME) or user_scheme.installed().get(name) or scheme(name).name)


def parse(text: str) -> tuple[str, dict[str, Value]]:
    """`he_normal`, `he_normal(mode=fan_out, slope=0.1)` or `./my_scheme.py:my_init` as a name and checked parameters.
    Raises SchemeError."""
    text = text.strip()
    if found := reference(text, SCHEME):
        return str(found), {}
    name, given = _call(text)
    name = canonical(name)
    return name, check_parameters(name, given)


def _call(text: str) -> tuple[str, dict[str, object]]:
    """`name` or `name(key=number, key=word)`, read as Python reads it but never run. Raises SchemeError."""
    try:
        with warnings.catch_warnings(action="ignore"):  # what Python thinks of a typed escape is nobody's business
            node = ast.parse(text, mode="eval").body
        if isinstance(node, ast.Name):
            return node.id, {}
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.args:
            given = {keyword.arg or "**": _literal(keyword.value) for keyword in node.keywords}
            if len(given) == len(node.keywords):  # none given twice
                return node.func.id, given
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):  # a NUL byte; nesting without an end
        pass
    shown = text if len(text) <= 60 else f"{text[:57]}..."
    raise SchemeError(f"'{shown}' is no scheme: expected a name such as he_normal, or normal(std=0.01)")


def _literal(node: ast.expr) -> object:
    """A number or a text as written; a bare word is itself. Raises ValueError and its like for anything else."""
    value: object = node.id if isinstance(node, ast.Name) else ast.literal_eval(node)
    return value
