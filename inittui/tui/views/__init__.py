"""Every panel as a pure function: a board and a size in, rows out. The widgets only paint."""
