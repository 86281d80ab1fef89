"""The preset that `inittui new` writes: template.toml, with every key of `preset` and its meaning."""

import json
from pathlib import Path
from string import Template

from inittui.common.errors import command
from inittui.experiment.preset import KEYS, SECTIONS, Key

SMALL = {"model.hidden": [256, 256], "training.epochs": 5}  # smaller than the defaults, so that the first run is quick


def template(word: str, title: str) -> str:
    """A preset that runs as it is and explains every key. `word` is what `--preset` takes for it."""
    title = title[:200].replace("\\", "\\\\").replace('"', '\\"')
    lines = []
    for section in SECTIONS:
        lines += ["", f"[{section}]", *(_line(key) for key in KEYS if key.section == section)]
    shared = ", ".join(key.name for key in KEYS if key.shared)
    text = Template(Path(__file__).with_name("template.toml").read_text("utf-8"))
    return text.substitute(command=command("--preset", word), title=title, sections="\n".join(lines), shared=shared)


def _line(key: Key) -> str:
    """The key with its example, commented out, or with its default; then what it may be and what it means."""
    value = key.example[0] if key.example else SMALL.get(f"{key.section}.{key.name}", key.default)
    assigned = f"{'# ' if key.example else ''}{key.name} = {json.dumps(value)}"
    meaning = "; ".join(filter(None, (", ".join(key.choices), key.meaning)))
    return f"{assigned:<34}  # {meaning}" if meaning else assigned
