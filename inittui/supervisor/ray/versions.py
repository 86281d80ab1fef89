"""The versions that must be the same on every node. Ray sends this module to the nodes by value, since they may have another
inittui or none: it imports nothing of ours."""


def versions() -> dict[str, str]:
    """The versions of inittui, torch and Python; "none" for what is not installed."""
    import sys
    from importlib.metadata import PackageNotFoundError, version

    def of(package: str) -> str:
        try:
            return version(package)
        except PackageNotFoundError:
            return "none"

    try:
        import inittui

        own = inittui.__version__
    except ImportError:
        own = "none"
    return {"inittui": own, "torch": of("torch"), "python": ".".join(map(str, sys.version_info[:3]))}


def differences(driver: dict[str, str], node: dict[str, str]) -> str:
    """`torch 2.14 there, 2.15 here`; "" if there is no difference."""
    return ", ".join(f"{key} {node.get(key)} there, {own} here" for key, own in driver.items() if node.get(key) != own)
