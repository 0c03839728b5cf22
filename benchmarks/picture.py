"""Take the picture of a comparison's report for the README: verdict, table and loss curves.

    python benchmarks/picture.py runs/compare-0123456789ab --into docs/pictures/report.png

The report is made afresh from the run directory and shown by Chromium (on the PATH, or named by
CAMBER_CHROMIUM), 1200 pixels wide, from its top to the end of the loss curves.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from camber import compare
from camber.compare.report import write_report
from camber.errors import CamberError, require

WIDTH = 1200
#: The last part of the page that is in the picture, and the room below it.
LAST, ROOM = "section[aria-labelledby='figure-losses'] .sheet", 8
LARGEST = 300_000
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def picture(directory: str | Path, into: str | Path) -> int:
    """Write the picture of the report of ``directory`` and return its size in bytes.

    Raises:
        CamberError: there is no Chromium, no finished comparison, or the picture is too large.
        MissingExtraError: playwright, pillow or matplotlib is not installed.
    """
    for module in ("matplotlib", "playwright", "PIL"):
        require(module, extra="dev", feature="taking the report's picture")
    chromium = os.environ.get("CAMBER_CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        raise CamberError("there is no chromium on the PATH: install it, or set CAMBER_CHROMIUM")
    found = compare.read(directory)
    with tempfile.TemporaryDirectory() as place:
        shot = _shot(write_report(found, Path(place, "report.html")), chromium)
    small = shot if len(shot) <= LARGEST else _in_few_colours(shot)
    if len(small) > LARGEST:
        raise CamberError(f"the picture takes {len(small):,} bytes, more than {LARGEST:,}")
    target = Path(into)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(small)
    return len(small)


def _shot(page_file: Path, chromium: str) -> bytes:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=[*FLAGS])
        try:
            page = browser.new_page(
                viewport={"width": WIDTH, "height": 900}, color_scheme="light", offline=True
            )
            page.goto(page_file.as_uri())
            box = page.locator(LAST).bounding_box()
            if box is None:
                raise CamberError("the report shows no loss curves to take a picture of")
            height = box["y"] + box["height"] + ROOM
            clip = {"x": 0.0, "y": 0.0, "width": float(WIDTH), "height": height}
            return page.screenshot(full_page=True, clip=clip)
        finally:
            browser.close()


def _in_few_colours(png: bytes) -> bytes:
    """The same picture with a palette: a page of text and lines has few colours."""
    from PIL import Image

    stream = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(256).save(stream, "PNG", optimize=True)
    return stream.getvalue()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Take the picture of a comparison's report.")
    parser.add_argument("directory", help="of a finished comparison")
    parser.add_argument("--into", default="docs/pictures/report.png", help="a .png file")
    given = parser.parse_args(arguments)
    try:
        size = picture(given.directory, given.into)
    except CamberError as error:
        sys.exit(f"picture: {error}")
    print(f"{given.into}: {size:,} bytes")


if __name__ == "__main__":
    main()
