"""How tests open a page in a real browser."""

from __future__ import annotations

from pathlib import Path

from patience import STOPS_A_HANG, wait_until

CHROMIUM = Path("/usr/bin/chromium")
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


def wait(page, condition: str) -> None:
    """Until the page says so; asked from outside, since the page allows no script but its own."""
    wait_until(lambda: page.evaluate(condition), condition)


class Reader:
    """A page, and everything that it said or asked for."""

    def __init__(self, browser, **settings) -> None:
        settings = {"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark"} | settings
        self.context = browser.new_context(**settings)
        self.context.set_default_timeout(STOPS_A_HANG * 1000)
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def open(self, report: Path, view: str = "overview"):
        self.page.goto(f"{report.as_uri()}#{view}")
        wait(self.page, "document.documentElement.dataset.ready")
        return self.page
