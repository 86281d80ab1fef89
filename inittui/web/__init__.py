"""The dashboard in a browser, through textual-serve. `inittui.cli.serve` is the command."""
