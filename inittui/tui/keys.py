"""The keys: one table, from which the bindings, the footer and the help screen are made."""

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
    Key("l", "toggle_log", "linear or logarithmic costs", "log/linear", group="Chart"),
    Key("c", "metric", "next curve: training cost, test cost, test accuracy", "curve", group="Chart"),
    Key("1", "zoom('chart')", "the chart alone; again: everything", "chart", group="Layout"),
    Key("2", "zoom('result')", "the accuracy table alone; again: everything", "table", group="Layout"),
    Key("3", "zoom('sample')", "the sample prediction alone; again: everything", "sample", group="Layout"),
    Key("down,j", "scroll_arms(1)", "scroll the arms down, when there are many", shown="down", group="Layout"),
    Key("up,k", "scroll_arms(-1)", "scroll the arms up", shown="up", group="Layout"),
    Key("pagedown", "page_arms(1)", "a page of arms down", group="Layout"),
    Key("pageup", "page_arms(-1)", "a page of arms up", group="Layout"),
    Key("space", "pause", "hold the replay, and go on", "hold", group="Replay", replay=True),
    Key("plus,equals_sign", "speed(2)", "replay twice as fast", "faster", shown="+", group="Replay", replay=True),
    Key("minus", "speed(0.5)", "replay half as fast", "slower", shown="-", group="Replay", replay=True),
    Key("end", "to_end", "to the end of the replay", "to end", group="Replay", replay=True),
    Key("e", "errors", "why an arm failed, in full"),
    Key("ctrl+p", "command_palette", "command palette: themes, screenshot, every action", shown="^p"),
    Key("question_mark,f1", "help", "this help", "help", shown="?"),
    Key("q,ctrl+q,ctrl+c", "leave", "leave; asks first while it trains", "leave"),
)


def bindings() -> list[BindingType]:
    """Textual's bindings of the table."""
    return [Binding(key.keys, key.action, key.help, show=False) for key in KEYS if key.action != "command_palette"]
