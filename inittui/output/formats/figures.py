"""Figures as SVG, PNG (300 dots per inch) and PDF."""

from collections.abc import Callable

from inittui.output.registry import FileFormat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from inittui.output.results import Results

FIGURES = ("both", "cost", "accuracy", "sweep")  # for `export --figure`


def _drawn_as(form: str) -> "Callable[[Results], bytes]":
    def render(results: "Results") -> bytes:
        from inittui.output.figures import draw

        return draw(results, form)

    return render


FORMATS = tuple(
    FileFormat(f".{form}", "figures", _drawn_as(form), module="matplotlib", extra="figures")
    for form in ("svg", "png", "pdf")
)
