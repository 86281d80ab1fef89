"""Which weight initialisation, why, and is the difference real? A terminal dashboard that answers with evidence.

From Python: `compare` trains and compares, `load` reads an existing run, `init_` initialises a network of your own. They are
imported on first use, so that `import inittui` is quick and does not import torch.
"""

from importlib import import_module

TYPE_CHECKING = False  # `typing` would cost `inittui --help` a fifth of its time
if TYPE_CHECKING:
    from inittui.api.compare import compare as compare
    from inittui.api.compare import load as load
    from inittui.api.result import Result as Result
    from inittui.common.errors import InittuiError as InittuiError
    from inittui.engine.initialisation.init_function import init_ as init_

__version__ = "0.1.0"
__all__ = ["InittuiError", "Result", "__version__", "compare", "init_", "load"]

_MODULES = {
    "InittuiError": "inittui.common.errors",
    "Result": "inittui.api.result",
    "compare": "inittui.api.compare",
    "init_": "inittui.engine.initialisation.init_function",
    "load": "inittui.api.compare",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'inittui' has no attribute '{name}'")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value  # the next access does not come here
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
