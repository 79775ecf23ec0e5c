"""A figure as a file that appears whole: PNG, SVG, or a page that one can turn and zoom."""

from pathlib import Path
from typing import Any

from simulator.figures.files import drawn
from simulator.whole import whole

DPI = 150
GREY = "0.35"


def save(figure: Any, folder: Path, name: str, format: str, small_print: str) -> Path:
    """Write a figure of Matplotlib or Plotly into a folder, in place of an older one."""
    file = folder / f"{name}.{format}"
    with whole(file) as made:
        write = _page if format == "html" else _picture
        write(figure, made, small_print)
    return file


def _picture(figure: Any, path: Path, small_print: str) -> None:
    import matplotlib.pyplot as plt

    failed = "FAILED" in small_print
    figure.supxlabel(
        small_print, x=0.99, ha="right", fontsize=7, color="#B00020" if failed else GREY
    )
    format = path.suffix[1:]
    metadata = {"Title": small_print} if format == "svg" else None
    path.write_bytes(drawn(figure, format, DPI, metadata))
    plt.close(figure)


def _page(figure: Any, path: Path, small_print: str) -> None:
    figure.update_layout(title={"text": small_print, "font": {"size": 12}})
    figure.write_html(path, include_plotlyjs=True, full_html=True)
