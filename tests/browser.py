"""A page in headless Chromium, and everything that it says on the console or asks of a network."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def missing() -> str:
    """Why no browser can be driven here; empty if one can."""
    try:
        import playwright  # noqa: F401
    except ImportError:
        return "the package playwright is not installed"
    return "" if _chromium() else "no Chromium is installed"


def _chromium() -> str | None:
    own = os.environ.get("SIMULATOR_CHROMIUM")
    return own or next(filter(None, map(shutil.which, CHROMIUM)), None)


needed = pytest.mark.skipif(bool(missing()), reason=missing() or "a browser is there")


class Opened:
    """An open page; `page` is Playwright's own for whatever is not here.

    `errors` are console messages but plain logs, and exceptions nobody caught; `requests` the
    addresses it asked for, itself and data: apart.
    """

    def __init__(self, page: Any, url: str):
        self.page, self.url = page, url
        self.errors: list[str] = []
        self.requests: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", self._asked)
        page.goto(url)

    def _heard(self, message: Any) -> None:
        if message.type not in ("log", "debug", "info"):
            self.errors.append(f"{message.type}: {message.text}")

    def _asked(self, request: Any) -> None:
        if not request.url.startswith("data:") and request.url != self.url.partition("#")[0]:
            self.requests.append(request.url)

    def evaluate(self, expression: str, argument: Any = None) -> Any:
        """The value of JavaScript; a function gets `argument`. Works under a strict policy."""
        return self.page.evaluate(expression, argument)

    def settled(self) -> None:
        """Wait until the next two frames are drawn."""
        self.evaluate(
            "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    def until(self, expression: str, seconds: float = 10) -> None:
        """Wait until JavaScript is true (Playwright's own wait needs a policy that allows eval)."""
        end = time.monotonic() + seconds
        while not self.evaluate(expression):
            assert time.monotonic() < end, f"not within {seconds} s: {expression}"
            self.page.wait_for_timeout(50)

    def press(self, selector: str, *keys: str) -> None:
        """Focus an element and press keys, as in "ArrowRight"."""
        self.page.focus(selector)
        for key in keys:
            self.page.keyboard.press(key)
        self.settled()

    def resize(self, width: int, height: int = 900) -> None:
        self.page.set_viewport_size({"width": width, "height": height})
        self.settled()

    def overflow(self) -> int:
        """Pixels by which the page is wider than its window."""
        return self.evaluate(
            "document.scrollingElement.scrollWidth - document.documentElement.clientWidth"
        )

    def screenshot(self, path: Path, full: bool = True) -> Path:
        self.page.screenshot(path=path, full_page=full)
        return path


class Browser:
    """Headless Chromium without a network; each page is in a profile of its own."""

    def __init__(self, chromium: Any):
        self._chromium = chromium

    @contextmanager
    def open(
        self,
        file: Path | str,
        fragment: str = "",
        width: int = 1280,
        dark: bool = False,
        **more: Any,
    ) -> Iterator[Opened]:
        """A file of this machine, or a URL; `more` goes to Playwright's new_context."""
        context = self._chromium.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            offline=True,
            **more,
        )
        url = file.absolute().as_uri() if isinstance(file, Path) else file
        try:
            yield Opened(context.new_page(), f"{url}#{fragment}" if fragment else url)
        finally:
            context.close()


@contextmanager
def launched() -> Iterator[Browser]:
    """A browser, closed at the end; its sandbox is off where root runs it, who cannot have one.

    While it is there, this thread runs Playwright's event loop, so that asyncio.run fails in it:
    a fixture of it is a module's, not the session's.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        chromium = started.chromium.launch(
            executable_path=_chromium(), chromium_sandbox=os.geteuid() != 0
        )
        try:
            yield Browser(chromium)
        finally:
            chromium.close()
