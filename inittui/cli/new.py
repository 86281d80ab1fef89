"""`inittui new`: a preset of one's own to start from."""

import argparse
import re
from pathlib import Path

from inittui.common.atomic_files import reason
from inittui.common.errors import RunError, UsageError, path_of, printable
from inittui.experiment import preset_files

TEMPLATE = """\
# A preset of your own. It runs as it is; change what you like. Mistakes are reported all at once, each with its place.
#
#     inittui --preset {word}

title = "{title}"
# shows = "what running it teaches, for 'inittui presets'"

[data]
name = "auto"              # auto (MNIST where it can be had, else digits), mnist, fashion_mnist, kmnist, digits
# train_limit = 10000      # only the first training images
# scale_test = false       # test pixels stay 0..255, as the notebook forgot to scale them; true unless given
# factory = "./mine.py:my_data"       # images of your own, in place of name

[model]
hidden = [256, 256]        # widths of the hidden layers; where all are as wide, depth (of Linear layers) and width instead
# outputs = 10             # as many as there are classes unless given
activation = "relu"        # relu, leaky_relu, tanh, sigmoid, gelu, silu, selu, linear
# norm = "batch"           # none, batch or layer: between each hidden layer and its activation
# factory = "./mine.py:my_network"    # a network of your own, in place of hidden, activation and norm
# exclude = ["head"]       # names of layers that the schemes leave alone

[training]
epochs = 5
batch_size = 100
optimizer = "adam"         # adam, adamw, sgd
learning_rate = 1e-3
# momentum = 0.9           # sgd alone uses it
# weight_decay = 0.01
# precision = "bf16"       # of matrix products: float32, bf16, or tf32 on a GPU
seeds = [777]              # one proves nothing: --seeds 10 trains ten of each arm, and judges
# target_cost = 0.1        # the cost that arms are timed to; else a tenth of the cost of guessing
# stop_stuck = 3           # what is still at chance after so many epochs is trained no further

# Each arm once for every value of a key of model or training, or for every combination of several keys' values:
# [sweep]
# model.depth = [3, 10, 30]

# One table an arm. The first is what the others are compared with. 'inittui schemes' lists what init may be.
[[arms]]
init = "xavier_normal"

[[arms]]
init = "he_normal"

# [[arms]]
# name = "small normal, tanh"
# init = {{ name = "normal", std = 0.01 }}    # or "normal(std=0.01)", or "./mine.py:my_init"
# model.activation = "tanh"                 # an arm may change any key of model and training but seeds, target and stop_stuck
"""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")


def new(arguments: argparse.Namespace) -> int:
    """Write it, and say how it is run."""
    path, word = _place(arguments.name)
    title = path.stem if path.stem.isprintable() else "mine"
    content = TEMPLATE.format(word=word, title=title.replace("\\", "\\\\").replace('"', '\\"')[:200])
    hides = word in preset_files.known()
    try:
        if path.parent == preset_files.user_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(content)
    except FileExistsError:
        raise UsageError(f"'{path}' is there already, and nothing is overwritten; expected another name") from None
    except OSError as error:
        raise RunError(f"'{path}' can't be written: {reason(error)}") from None
    print(printable(f"wrote {path}"))
    if hides:
        print(printable(f"it hides the preset {word} that comes with inittui"))
    print(printable(f"inittui --preset {word} runs it"))
    return 0


def _place(text: str) -> tuple[Path, str]:
    """Where the preset goes, and what `--preset` takes for it. Raises UsageError."""
    if "/" in text or text.endswith(".toml"):
        path = path_of(text)
        if path.suffix != ".toml":
            raise UsageError(f"preset '{text}': expected a file that ends in .toml, or a name without a slash")
        if not path.parent.is_dir():
            raise UsageError(f"preset '{text}': there is no folder '{path.parent}'; make it first")
        return path, text
    if not _NAME.fullmatch(text):
        raise UsageError(
            f"preset '{text}': expected a name of letters, digits, dots, dashes and underscores, or a file"
        )
    return preset_files.user_dir() / f"{text}.toml", text
