"""The preset that `inittui new` writes: every key with its meaning, from the fields of `preset`."""

import json

from inittui.experiment.preset import KEYS, SECTIONS, Key

HEAD = """\
# A preset of your own. It runs as it is; change what you like. All mistakes are reported at once, each with its key.
#
#     inittui --preset {word}

title = "{title}"
# shows = "what it demonstrates, for 'inittui presets'"
"""
TAIL = """
# Each arm once for every value of a key of model or training, or for every combination of the values of several keys:
# [sweep]
# model.depth = [3, 10, 30]

# One table per arm. The others are compared with the first. 'inittui schemes' lists what init may be.
[[arms]]
init = "xavier_normal"

[[arms]]
init = "he_normal"

# An arm may change every key of model and training except {shared}:
# [[arms]]
# name = "small normal, tanh"
# init = {{ name = "normal", std = 0.01 }}    # or "normal(std=0.01)", or "./mine.py:my_init"
# model.activation = "tanh"
"""
SMALL = {"model.hidden": [256, 256], "training.epochs": 5}  # smaller than the defaults, so that the first run is quick


def template(word: str, title: str) -> str:
    """A preset that runs as it is and explains every key. `word` is what `--preset` takes for it."""
    title = title[:200].replace("\\", "\\\\").replace('"', '\\"')
    lines = []
    for section in SECTIONS:
        lines += ["", f"[{section}]", *(_line(key) for key in KEYS if key.section == section)]
    shared = ", ".join(key.name for key in KEYS if key.shared)
    return HEAD.format(word=word, title=title) + "\n".join(lines) + "\n" + TAIL.format(shared=shared)


def _line(key: Key) -> str:
    """The key with its example, commented out, or with its default; then what it may be and what it means."""
    value = key.example[0] if key.example else SMALL.get(f"{key.section}.{key.name}", key.default)
    assigned = f"{'# ' if key.example else ''}{key.name} = {json.dumps(value)}"
    meaning = "; ".join(filter(None, (", ".join(key.choices), key.meaning)))
    return f"{assigned:<34}  # {meaning}" if meaning else assigned
