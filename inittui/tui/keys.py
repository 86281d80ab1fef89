"""The keys: one table, from which the bindings, the footer and the help screen are made."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.binding import Binding, BindingType


@dataclass(frozen=True)
class Key:
    """A key with its action. `short` is for the footer; keys without one are in the help alone."""

    keys: str  # as Textual names them, alternatives by comma
    action: str
    help: str
    short: str = ""
    shown: str = ""  # how the key is printed; its first name by default
    group: str = "Everywhere"
    replay: bool = False  # means something in a replay alone
    here: tuple[str, ...] = ()  # views that alone have it in their footer, and first there

    @property
    def label(self) -> str:
        return self.shown or self.keys.split(",")[0]


KEYS: tuple[Key, ...] = (
    Key("n,right", "image(1)", "another test image", "next image", group="Sample"),
    Key("b,left", "image(-1)", "the image before", group="Sample"),
    Key(
        "d",
        "kind('disputed')",
        "only images on which the arms disagree; again: any image",
        "disagreements",
        group="Sample",
    ),
    Key("m", "kind('mistaken')", "only images that an arm gets wrong; again: any image", "mistakes", group="Sample"),
    Key(
        "f",
        "confusion",
        "what each arm takes for what: its confusion matrix, arm by arm, then the image again",
        "confusions",
        group="Sample",
    ),
    Key("l", "toggle_log", "linear or logarithmic costs", "log/linear", group="Chart"),
    Key("c", "metric", "next curve: training cost, test cost, test accuracy", "curve", group="Chart"),
    Key("1", "zoom('chart')", "the chart alone; again: everything", "chart", group="Layout"),
    Key("2", "zoom('result')", "the accuracy table alone, with speed; again: everything", "table", group="Layout"),
    Key(
        "4",
        "zoom('layers')",
        "the layers: signal, gradient and theory by depth; again: everything",
        "layers",
        group="Layers",
    ),
    Key("5", "zoom('matrix')", "the matrix of a sweep: scheme by value; again: everything", "matrix", group="Matrix"),
    Key(
        "o",
        "order",
        "the matrix's rows: best first, best in the cursor's column first, as given",
        "order",
        group="Matrix",
        here=("matrix",),
    ),
    Key(
        "slash",
        "filter",
        "only rows and values with these words, as 'he chance depth=10,30'",
        "filter",
        shown="/",
        group="Matrix",
        here=("matrix",),
    ),
    Key("a", "across", "the next swept key as columns of the matrix", "key across", group="Matrix", here=("matrix",)),
    Key(
        "enter",
        "open",
        "the arm under the cursor of the matrix alone, and back; arrows move the cursor, v turns the matrix",
        "this arm",
        group="Matrix",
        here=("matrix", "alone"),
    ),
    Key(
        "v",
        "quantity(1)",
        "the next quantity: signal, gradient, spread, cosine, dead units, …",
        "quantity",
        group="Layers",
        here=("layers", "matrix"),
    ),
    Key("V", "quantity(-1)", "the quantity before", group="Layers"),
    Key("i", "at_start", "as initialised, or as it is now", "start/now", group="Layers", here=("layers",)),
    Key(
        "full_stop",
        "layer(1)",
        "the next layer, for its weights",
        "next layer",
        shown=".",
        group="Layers",
        here=("layers",),
    ),
    Key("comma", "layer(-1)", "the layer before", shown=",", group="Layers"),
    Key("s", "each_seed", "the accuracy table alone with each seed; again: without", group="Layout"),
    Key("3", "zoom('sample')", "the sample prediction alone; again: everything", "sample", group="Layout"),
    Key(
        "down,j",
        "scroll_arms(1)",
        "scroll the arms down, when there are many; the table, when it is alone",
        shown="down",
        group="Layout",
    ),
    Key("up,k", "scroll_arms(-1)", "scroll the arms up", shown="up", group="Layout"),
    Key("pagedown", "page_arms(1)", "a page of arms down", group="Layout"),
    Key("pageup", "page_arms(-1)", "a page of arms up", group="Layout"),
    Key("space", "hold", "hold the replay, and go on", "hold", group="Replay", replay=True),
    Key("plus,equals_sign", "speed(2)", "replay twice as fast", "faster", shown="+", group="Replay", replay=True),
    Key("minus", "speed(0.5)", "replay half as fast", "slower", shown="-", group="Replay", replay=True),
    Key("end", "to_end", "to the end of the replay", "to end", group="Replay", replay=True),
    Key(
        "p",
        "pause",
        "pause, and go on: the chosen arm, or all; an ended run goes on from its checkpoints",
        "pause",
        group="Arms",
    ),
    Key("x", "stop", "stop the chosen arm, or the run; asks first", "stop", group="Arms"),
    Key("tab", "choose(1)", "choose an arm for p and x: the next one; Esc: none", group="Arms"),
    Key("shift+tab", "choose(-1)", "the arm before", group="Arms"),
    Key("escape", "choose(0)", "no arm: p and x mean all of them", shown="Esc", group="Arms"),
    Key("e", "errors", "why an arm failed, in full", "errors", group="Arms"),
    Key("r", "app.runs", "the runs: open another one, compare two, delete", "runs"),
    Key("t", "app.toggle_theme", "dark or light colours"),
    Key("ctrl+p", "command_palette", "command palette: themes, screenshot, every action", shown="^p"),
    Key("question_mark,f1", "help", "this help", "help", shown="?"),
    Key("q,ctrl+q,ctrl+c", "leave", "leave; asks first while it trains", "leave"),
)


def bindings(table: Sequence[Key] = KEYS) -> list[BindingType]:
    """Textual's bindings of a table."""
    return [Binding(key.keys, key.action, key.help, show=False) for key in table if key.action != "command_palette"]
