"""Makes the pictures of the README from real runs, as a person sees them in a terminal.

    .venv/bin/pip install -e '.[dev]'
    .venv/bin/python screenshots/make.py DATA_DIR [NAME ...]

DATA_DIR holds MNIST. Needs a monospace font with block and Braille glyphs (Debian: fonts-dejavu-core).
"""

import contextlib
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pexpect
from PIL import Image, ImageDraw, ImageFont

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from tests.system.terminal import Terminal  # noqa: E402

CELL = (9, 18)
FONT = "DejaVuSansMono.ttf"
INK, PAPER = "#D8DEE9", "#0D1017"
NAMES = {"black": "#000000", "white": "#ffffff", "default": ""}
DOTS = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))  # Braille's bits, as column and row


@dataclass(frozen=True)
class Scene:
    """A command, what the screen has to show before the picture, the keys after that, and the screen's size."""

    arguments: tuple[str, ...]
    until: tuple[str, ...]
    keys: str = ""
    size: tuple[int, int] = (120, 40)


SIX = ("xavier_normal", "he_normal", "lecun_normal", "orthogonal", "normal(std=0.01)", "zeros")
SCENES = {
    "training": Scene(("--preset", "mnist3"), ("epoch  7 of 15",)),
    "finished": Scene(("--preset", "mnist3"), ("finished", "★", "random image 1"), keys="dn"),
    "six-arms": Scene(
        ("--preset", "deep5", "--epochs", "4", *(word for name in SIX for word in ("--arm", name))),
        ("finished", "★", "random image 1"),
    ),
    "80x24": Scene(
        ("--preset", "deep5", "--epochs", "4"), ("finished", "★", "random image 1"), keys="d", size=(80, 24)
    ),
    "layers": Scene(("--preset", "deep30-sgd"), ("finished", "★", "random image 1"), keys="4i"),
    "map": Scene(("--preset", "depth-map"), ("finished in", "he_normal")),
    "60x20": Scene(("--preset", "deep5", "--epochs", "4"), ("epoch", "3/4"), size=(60, 20)),
}


def main() -> None:
    data_dir, names = sys.argv[1], sys.argv[2:] or list(SCENES)
    for name in names:
        scene = SCENES[name]
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as runs:
            terminal = Terminal(
                [*scene.arguments, "--data-dir", data_dir],
                Path(runs),
                columns=scene.size[0],
                rows=scene.size[1],
                environment={"COLORTERM": "truecolor"},
            )
            wait(terminal, scene.until)
            for key in scene.keys:
                terminal.press(key)
                settle(terminal)
            settle(terminal)
            draw(terminal).save(HERE / f"{name}.png", optimize=True)
            print(f"{name}.png")
            terminal.press("q")
            settle(terminal)
            terminal.press("s")
            settle(terminal)
            terminal.kill()


def wait(terminal: Terminal, words: tuple[str, ...]) -> None:
    end = time.monotonic() + 600
    while not all(word in terminal.text for word in words):
        if time.monotonic() > end:
            raise SystemExit(f"never saw {words}:\n{terminal.text}")
        terminal.read()


def settle(terminal: Terminal) -> None:
    """Let the screen be painted to the end."""
    end = time.monotonic() + 1
    with contextlib.suppress(pexpect.EOF):  # it may have been told to leave
        while time.monotonic() < end:
            terminal.read()


def draw(terminal: Terminal) -> Image.Image:
    """The screen's cells; blocks and Braille as shapes, since fonts leave gaps between them."""
    screen = terminal.screen
    (wide, tall), font = CELL, ImageFont.truetype(FONT, 15)
    picture = Image.new("RGB", (screen.columns * wide, screen.lines * tall), PAPER)
    pen = ImageDraw.Draw(picture)
    for row in range(screen.lines):
        for column in range(screen.columns):
            cell = screen.buffer[row][column]
            ink, paper = colour(cell.fg, INK), colour(cell.bg, PAPER)
            if cell.reverse:
                ink, paper = paper, ink
            x, y = column * wide, row * tall
            pen.rectangle((x, y, x + wide - 1, y + tall - 1), fill=paper)
            glyph(pen, cell.data, x, y, ink, font)
    return picture


def colour(name: str, default: str) -> str:
    if name in NAMES:
        return NAMES[name] or default
    return f"#{name}" if len(name) == 6 else name.replace("bright", "")


def glyph(pen: ImageDraw.ImageDraw, sign: str, x: int, y: int, ink: str, font: ImageFont.FreeTypeFont) -> None:
    wide, tall = CELL
    if sign == "▀":
        pen.rectangle((x, y, x + wide - 1, y + tall // 2 - 1), fill=ink)
    elif "▁" <= sign <= "█":
        height = (ord(sign) - 0x2580) * tall // 8
        pen.rectangle((x, y + tall - height, x + wide - 1, y + tall - 1), fill=ink)
    elif "\u2801" <= sign <= "\u28ff":
        for bit, (dx, dy) in enumerate(DOTS):
            if (ord(sign) - 0x2800) >> bit & 1:
                left, top = x + 1 + dx * wide // 2, y + 2 + dy * tall // 4
                pen.rectangle((left, top, left + 1, top + 1), fill=ink)
    elif sign.strip():
        pen.text((x, y), sign, font=font, fill=ink)


if __name__ == "__main__":
    main()
