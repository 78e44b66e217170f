"""A real Chromium, headless, driven through chromedriver: what it showed, asked for and complained of."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
DESKTOP, PHONE = (1280, 900), (390, 844)


def missing() -> str:
    """What keeps these tests from running here; empty where nothing does."""
    if not any(map(shutil.which, CHROMIUM)):
        return "no Chromium here: apt-get install chromium chromium-driver"
    return "" if shutil.which("chromedriver") else "no chromedriver here: apt-get install chromium-driver"


class Browser:
    """One window."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver

    def open(self, page: Path, fragment: str = "") -> None:
        self.driver.get("about:blank")  # a new fragment alone would not load the page again
        self.driver.get(page.as_uri() + fragment)

    def run(self, script: str, *args: Any) -> Any:
        """What a script in the page returns."""
        return self.driver.execute_script(script, *args)

    def told(self, command: str, **parameters: Any) -> Any:
        """A command of the browser's own protocol."""
        return self.driver.execute_cdp_cmd(command, parameters)

    @property
    def console(self) -> list[str]:
        """Errors and warnings of the console since this was last asked."""
        return [entry["message"] for entry in self.driver.get_log("browser")]  # type: ignore[no-untyped-call]

    @property
    def requested(self) -> list[str]:
        """Addresses that were asked for since this was last asked."""
        log = self.driver.get_log("performance")  # type: ignore[no-untyped-call]
        entries = [json.loads(entry["message"])["message"] for entry in log]
        return [one["params"]["request"]["url"] for one in entries if one["method"] == "Network.requestWillBeSent"]

    def sized(self, size: tuple[int, int]) -> None:
        width, height = size
        self.told("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)

    def coloured(self, scheme: str, media: str = "screen") -> None:
        """`light` or `dark`, on a screen or in `print`."""
        self.told("Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}])

    def picture(self) -> bytes:
        """What is to be seen, as WebP."""
        return base64.b64decode(self.told("Page.captureScreenshot", format="webp", quality=72)["data"])


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser of its own, which ends with the block."""
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = next(path for name in CHROMIUM if (path := shutil.which(name)))
    # No sandbox: as root there is none. Its shared memory is small in containers.
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
