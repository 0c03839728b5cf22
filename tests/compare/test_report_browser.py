"""The report in a real browser: silent, offline, sortable, printable, legible.

Debian's Chromium through Playwright; CAMBER_CHROMIUM names another one.
"""

import dataclasses
import importlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from report_subjects import HOSTILE, fought

from camber.compare import Comparison
from camber.compare.report import write_report
from camber.train import html

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytest.importorskip("matplotlib")
playwright = pytest.importorskip("playwright.sync_api")

CHROMIUM = os.environ.get("CAMBER_CHROMIUM") or shutil.which("chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="there is no chromium on the PATH and CAMBER_CHROMIUM names none"
)
PICTURE = Path(__file__).parents[2] / "benchmarks" / "picture.py"
LABELS = ["relu", "gelu", "polyrelu", "x*sigmoid(1.7*x)"]
Open = Callable[..., "Page"]


@pytest.fixture(scope="module")
def _small_prices() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("camber.compare.prices.SHAPE", (4, 8))
        patch.setattr("camber.compare.prices.ROUNDS", 2)
        yield


@pytest.fixture(scope="module")
def friendly(tmp_path_factory: pytest.TempPathFactory, _small_prices: None) -> Comparison:
    return fought(tmp_path_factory.mktemp("friendly"), LABELS, seeds=3)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory, _small_prices: None) -> Comparison:
    return fought(tmp_path_factory.mktemp("hostile"), HOSTILE)


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Comparison], Path]:
    """Where a comparison's report lies; each is made once."""
    made: list[tuple[Comparison, Path]] = []

    def path_of(comparison: Comparison) -> Path:
        for known, path in made:
            if known is comparison:
                return path
        path = write_report(comparison, tmp_path_factory.mktemp("page") / "report.html")
        made.append((comparison, path))
        return path

    return path_of


@pytest.fixture
def opened(browser: "Browser", written: Callable[[Comparison], Path]) -> Iterator[Open]:
    """Opens a comparison's report; whatever the page says, asks for or pops up fails the test."""
    noises: list[str] = []
    contexts = []

    def open_report(comparison: Comparison, *, width: int = 1100, **options: Any) -> "Page":
        path = written(comparison)
        context = browser.new_context(
            viewport={"width": width, "height": 900}, offline=True, **options
        )
        contexts.append(context)

        def judge(route: Any) -> None:
            if route.request.url == path.as_uri():
                route.continue_()
            else:
                noises.append(f"request: {route.request.url}")
                route.abort()

        context.route("**/*", judge)
        page = context.new_page()
        page.on("console", lambda message: noises.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: noises.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (noises.append(dialog.message), dialog.dismiss()))
        page.on("popup", lambda other: noises.append(f"popup: {other.url}"))
        page.goto(path.as_uri())
        return page

    yield open_report
    for context in contexts:
        context.close()
    assert noises == []


@pytest.fixture(scope="module")
def friendly_page(
    browser: "Browser", friendly: Comparison, written: Callable[[Comparison], Path]
) -> Iterator["Page"]:
    """One page for all questions that change nothing."""
    page = browser.new_page(offline=True)
    page.goto(written(friendly).as_uri())
    yield page
    page.close()


def entries_in_order(page: "Page") -> list[str]:
    return page.locator("table.sortable tbody th").all_inner_texts()


def heading(page: "Page", title: str) -> Any:
    return page.locator("table.sortable thead").get_by_role("button", name=title)


# -- safety ------------------------------------------------------------------------------------


def test_a_page_that_tries_to_ask_or_to_run_cannot(browser: "Browser", tmp_path: Path) -> None:
    """What escaping would have to let through first: the policy stops it a second time."""
    asked = []
    there = "http://camber.invalid"
    body = f"""<p id="text">x</p>
        <script>window.foreign = 1</script><script src="{there}/a"></script>
        <img src="{there}/b" onerror="window.foreign = 2"><svg onload="window.foreign = 3"></svg>
        <link rel="stylesheet" href="{there}/c"><iframe src="{there}/d"></iframe>
        <object data="{there}/e"></object><video src="{there}/f"></video>
        <svg><image href="{there}/g"></image></svg><b style="background: url({there}/h)">x</b>
        <style>p {{ background: url({there}/i); display: none }}</style>
        <form id="form" action="{there}/j"></form>"""
    script = f"""window.own = 1; fetch("{there}/k").catch(() => 0);
        try {{ navigator.sendBeacon("{there}/l") }} catch {{}}
        try {{ eval("window.foreign = 4") }} catch {{}}"""
    path = tmp_path / "page.html"
    path.write_text(html.page("a page", body, script=script))
    tab = browser.new_page()
    tab.route(f"{there}/**", lambda route: (asked.append(route.request.url), route.abort()))
    tab.goto(path.as_uri())
    tab.evaluate("document.getElementById('form').submit()")
    tab.wait_for_timeout(300)
    assert tab.evaluate("[window.own, window.foreign, location.protocol]") == [1, None, "file:"]
    assert tab.locator("#text").is_visible()  # the foreign style sheet has no effect
    tab.close()
    assert asked == []


def test_hostile_names_stay_text(opened: Open, hostile: Comparison) -> None:
    page = opened(hostile)
    for part in page.locator("details").all():
        part.locator("summary").first.click()
    shown = entries_in_order(page)
    assert "<script>alert(1)</script>" in shown
    assert '"><img src=x onerror=alert(2)>' in shown
    assert "</script><svg onload=alert(3)>" in shown
    # what would turn the line around or ring a bell is shown by its number
    assert "⟨U+202E⟩gnp.exe⟨U+2066⟩⟨U+0007⟩⟨U+001B⟩[31m⟨U+000A⟩--><!--" in shown
    assert page.locator("img, iframe, object, embed, link, [onload], [onerror]").count() == 0
    assert page.locator("script").count() == 2  # ours, and the data
    assert page.locator("body > script[type='application/json']").count() == 1


def test_every_id_is_unique_and_every_reference_ends(opened: Open, hostile: Comparison) -> None:
    page = opened(hostile)
    ids: list[str] = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    targets: list[str] = page.evaluate(
        "[...document.querySelectorAll('[href]')].map(e => e.getAttribute('href'))"
    )
    assert targets
    assert {target.removeprefix("#") for target in targets} <= set(ids)
    used = re.findall(r"url\((?:&quot;)?#([^)&]+)", page.content())
    assert set(used) <= set(ids)


def test_the_data_for_programs_are_whole(opened: Open, hostile: Comparison) -> None:
    page = opened(hostile)
    found = page.evaluate("JSON.parse(document.getElementById('comparison').textContent)")
    assert list(found["entries"]) == sorted(HOSTILE)
    assert found["ranking"] == list(hostile.ranking)


# -- sorting -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def numbered(friendly: Comparison) -> Comparison:
    """Prices that sort differently as text, one of them missing."""
    prices = dict(zip(LABELS, (9.0, None, 100.0, 10.5), strict=True))
    return dataclasses.replace(friendly, rows={**friendly.rows, "time_over_gelu": prices})


def test_a_click_sorts_numbers_and_keeps_what_is_missing_last(
    opened: Open, numbered: Comparison
) -> None:
    page = opened(numbered)
    assert entries_in_order(page) == list(numbered.ranking)
    head = heading(page, "against GELU")
    head.click()
    assert entries_in_order(page) == ["relu", "x*sigmoid(1.7*x)", "polyrelu", "gelu"]
    cell = page.locator("table.sortable thead th", has_text="against GELU")
    assert cell.get_attribute("aria-sort") == "ascending"
    assert page.locator("table.sortable th[aria-sort]").count() == 1
    head.click()
    assert entries_in_order(page) == ["polyrelu", "x*sigmoid(1.7*x)", "relu", "gelu"]
    assert cell.get_attribute("aria-sort") == "descending"
    assert page.locator("table.sortable tbody tr").last.inner_text().count("—") == 1
    page.reload()  # nothing is remembered
    assert entries_in_order(page) == list(numbered.ranking)


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_the_keyboard_sorts(opened: Open, numbered: Comparison, key: str) -> None:
    page = opened(numbered)
    heading(page, "entry").focus()
    page.keyboard.press(key)
    assert entries_in_order(page) == ["gelu", "polyrelu", "relu", "x*sigmoid(1.7*x)"]
    while "against GELU" not in page.evaluate("document.activeElement.textContent"):
        page.keyboard.press("Tab")
    page.keyboard.press(key)
    assert entries_in_order(page)[0] == "relu"


# -- figures and parts -------------------------------------------------------------------------


def test_every_figure_is_drawn_and_described(opened: Open, friendly: Comparison) -> None:
    page = opened(friendly)
    assert page.get_by_text("could not be drawn").count() == 0
    figures = page.locator("figure")
    assert figures.count() >= 1
    for figure in figures.all():
        picture = figure.locator("svg")
        assert picture.get_attribute("role") == "img"
        assert picture.get_attribute("aria-label")
        box = picture.bounding_box()
        assert box is not None
        assert box["width"] > 300
        assert figure.locator("figcaption").inner_text()


@pytest.mark.parametrize(
    ("series", "count"),
    [
        ("losses-e*-s*", 4 * 3),  # entries times seeds
        ("losses-e*-mean", 4),
        ("zeros-e*-s*", 4 * 3),
        ("zeros-e*-mean", 4),
        ("verdict-e*-mean", 4),
        ("verdict-e*-interval", 3),  # to the best, which has none
        ("functions-e*-mean", 4),
        ("functions-e*-slope", 4),
        ("functions-e*-kinks", 2),  # relu and polyrelu
        ("costs-e*-timeovergelu", 4),
        ("coefficients-e2-l*-s*", 2 * 3),  # polyrelu alone learns: layers times seeds
    ],
)
def test_every_series_is_drawn_once(friendly_page: "Page", series: str, count: int) -> None:
    found: list[str] = friendly_page.evaluate(
        "[...document.querySelectorAll('figure g[id]:has(path)')].map(e => e.id)"
    )
    pattern = re.compile(series.replace("*", r"\d+"))
    assert len([name for name in found if pattern.fullmatch(name)]) == count


def test_headings_are_in_order_and_linked(opened: Open, friendly: Comparison) -> None:
    page = opened(friendly)
    levels = [
        int(tag[1])
        for tag in page.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(e => e.tagName)")
    ]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    links = page.locator("nav a")
    assert links.count() == page.locator("main h2").count()
    links.last.click()
    assert page.locator("h2", has_text="Notes").bounding_box()["y"] < 900  # type: ignore[index]
    assert page.evaluate("document.documentElement.lang") == "en"


def test_details_open(opened: Open, friendly: Comparison) -> None:
    page = opened(friendly)
    card = page.locator("details.card").first
    facts = card.locator("table")
    assert not facts.is_visible()
    card.locator("summary").press("Enter")
    assert facts.is_visible()
    assert "numeric(±" in facts.inner_text()


def test_the_command_is_copied_or_selected(opened: Open, friendly: Comparison) -> None:
    page = opened(friendly)
    button = page.locator("[data-copy]")
    button.click()
    page.wait_for_function("document.querySelector('[data-copy]').textContent !== 'Copy'")
    if button.inner_text() == "Selected":
        assert page.evaluate("getSelection().toString()") == friendly.command


def test_search_in_the_page_finds_every_label(opened: Open, friendly: Comparison) -> None:
    page = opened(friendly)
    for label in LABELS:
        assert page.evaluate("label => window.find(label)", label)


def test_the_page_reads_without_script(opened: Open, friendly: Comparison) -> None:
    page = opened(friendly, java_script_enabled=False)
    assert entries_in_order(page) == list(friendly.ranking)
    assert not page.locator("[data-copy]").is_visible()


def test_the_readme_picture_is_taken(friendly: Comparison, tmp_path: Path) -> None:
    target = tmp_path / "pictures" / "report.png"
    command = [sys.executable, str(PICTURE), friendly.directory, "--into", str(target)]
    # in a process of its own: playwright's driver runs once per thread
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    png = target.read_bytes()
    assert png.startswith(b"\x89PNG")
    assert int.from_bytes(png[16:20], "big") == 1200
    assert len(png) <= 300_000


def test_the_picture_of_nothing_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(PICTURE.parent))
    with pytest.raises(SystemExit, match=r"^picture: .* holds no comparison"):
        importlib.import_module("picture").main([str(tmp_path)])


# -- paper, dark, narrow -----------------------------------------------------------------------


def test_it_prints_everything(opened: Open, friendly: Comparison) -> None:
    page = opened(friendly)
    pdf = page.pdf(format="A4")
    assert pdf.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) >= 8  # six without what is folded
    assert page.locator("details[open]").count() == 0  # folded again afterwards
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 680, "height": 960})  # A4 between margins, in CSS pixels
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    assert not page.locator("[data-copy]").is_visible()
    assert not page.locator("nav").is_visible()
    for figure in page.locator("figure svg").all():
        assert figure.is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 680


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_legible_in_either_scheme(opened: Open, friendly: Comparison, scheme: str) -> None:
    page = opened(friendly, color_scheme=scheme)
    colours: dict[str, str] = page.evaluate(
        """() => {
          const style = getComputedStyle(document.documentElement);
          const names = ["paper", "tint", "ink", "soft", "link", "good", "open", "bad"];
          return Object.fromEntries(names.map(n => [n, style.getPropertyValue("--" + n).trim()]));
        }"""
    )
    assert (luminance(colours["paper"]) < 0.1) == (scheme == "dark")
    for ground in ("paper", "tint"):
        for name in ("ink", "soft", "link", "good", "open", "bad"):
            # WCAG 2.1, level AA, for text of any size
            assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
    sheet = page.locator("figure .sheet").first
    assert sheet.evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(255, 255, 255)"


@pytest.mark.parametrize("width", [320, 390, 768, 1600])
@pytest.mark.parametrize("kind", ["friendly", "hostile"])
def test_no_width_scrolls_the_page_sideways(
    opened: Open, request: pytest.FixtureRequest, width: int, kind: str
) -> None:
    page = opened(request.getfixturevalue(kind), width=width)
    page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_on_a_phone_a_name_stands_in_one_line(opened: Open, friendly: Comparison) -> None:
    page = opened(friendly, width=400)
    page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
    heights = page.evaluate(
        "[...document.querySelectorAll('.sortable tbody th bdi')].filter(b => b.innerText.length "
        "< 8).map(b => b.getClientRects().length)"
    )
    assert heights
    assert set(heights) == {1}
    width = "document.querySelector('.every-pair td').getBoundingClientRect().width"
    assert page.evaluate(width) >= 200  # a sentence of some thirty words, not one word a line


def luminance(colour: str) -> float:
    """Relative luminance of #rgb or #rrggbb, as WCAG 2.1 defines it."""
    digits = colour.removeprefix("#")
    if len(digits) == 3:
        digits = "".join(2 * digit for digit in digits)
    channels = [int(digits[start : start + 2], 16) / 255 for start in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
