"""The versions that must be the same on every node. Ray sends this module to the nodes by value, since they may have another
inittui or none: it imports nothing of ours."""


def versions() -> dict[str, str]:
    """The versions of inittui, torch and Python; "none" for what is not installed."""
    import platform
    from importlib import import_module
    from importlib.metadata import version
    from importlib.util import find_spec

    own = import_module("inittui").__version__ if find_spec("inittui") else "none"
    torch = version("torch") if find_spec("torch") else "none"
    return {"inittui": own, "torch": torch, "python": platform.python_version()}


def differences(driver: dict[str, str], node: dict[str, str]) -> str:
    """`torch 2.14 there, 2.15 here`; "" if there is no difference."""
    return ", ".join(f"{key} {node.get(key)} there, {own} here" for key, own in driver.items() if node.get(key) != own)
