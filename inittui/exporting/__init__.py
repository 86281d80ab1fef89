"""How a run becomes the files of other programs, one module a kind. `inittui.exports` is the command."""
