"""`python -m inittui` is the command `inittui`."""

from inittui.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
