"""The dashboard in a browser, through textual-serve. `inittui.serving` is the command."""
