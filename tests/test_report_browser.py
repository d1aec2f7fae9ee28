"""The page in a real browser, opened from disk: sorting, copying, colours, a phone, paper; and nothing leaves it.

Skipped where there is no Chromium or Chrome: put one on the path, or name it in MARKETSHOCK_BROWSER.
"""

from __future__ import annotations

import base64
import re

import pytest

import marketshock as ms
from marketshock.report.reproduce import reproduction

from .chromium import Page, found
from .test_report import contrast

pytestmark = pytest.mark.skipif(found() is None, reason="no Chromium on the path and none in MARKETSHOCK_BROWSER")

COLUMN = "[...document.getElementById(%r).tBodies[0].rows].map(r => r.cells[%d].textContent)"
CLICK = "document.getElementById(%r).tHead.rows[0].cells[%d].querySelector('button').click()"
SORTED = "document.getElementById(%r).tHead.rows[0].cells[%d].getAttribute('aria-sort')"
# Every element with a text of its own that is seen, its colour and the first paper behind it, as #rrggbb.
TEXTS = """
(() => {
  const hex = c => '#' + c.match(/[\\d.]+/g).slice(0, 3).map(v => (+v).toString(16).padStart(2, '0')).join('');
  const out = {};
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || ['SCRIPT', 'title', 'desc'].includes(e.tagName) || !e.getClientRects().length) continue;
    const style = getComputedStyle(e), svg = e.namespaceURI.endsWith('svg');
    let behind = e, paper = '';
    while (behind && (!paper || /, 0\\)$/.test(paper))) {
      paper = getComputedStyle(behind).backgroundColor;
      behind = behind.parentElement;
    }
    const key = [hex(svg ? style.fill : style.color), hex(paper)].join(' ');
    out[key] = out[key] || e.tagName + ': ' + e.textContent.trim().slice(0, 40);
  }
  return out;
})()
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """The main job with moves: what ``marketshock report`` writes, and a backtest."""
    catalog, members = ms.load_catalog(), ms.datasets.sp500()
    moves = ms.fragility(members.prices, members=ms.Membership.from_frame(members.joined(), name="members"))
    held = ms.backtest(
        catalog["deepseek-selloff"], ms.snapshot(), ms.rules.HoldAfter(days=5), tickers=("NVDA", "AAPL", "MSFT")
    )
    return ms.report.html([reproduction(), moves, held], tmp_path_factory.mktemp("browser") / "report.html")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    page = Page(str(found()), tmp_path_factory.mktemp("profile"))
    yield page
    page.close()


@pytest.fixture
def table(page, path):
    """The id of the first table of firms, on a fresh page."""
    page.open(path)
    return page.run("document.querySelector('section table').id")


def shares(cells: list[str]) -> list[float]:
    return [float(cell.removesuffix(" %")) for cell in cells]


def test_opens_from_disk_without_a_complaint_and_without_a_request(page, path):
    page.open(path)
    assert page.run("document.querySelector('h1').textContent") == "Event study report"
    outside = [url for url in page.requests() if url != path.as_uri() and not url.startswith("data:")]
    assert outside == []
    assert path.as_uri() in page.requests()
    page.run("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.run("document.querySelectorAll('thead button').forEach(b => b.click())")
    page.run("new Promise(done => setTimeout(done, 200))")
    assert page.complaints() == []
    assert [u for u in page.requests() if not u.startswith(("data:", "file:"))] == []


def test_the_policy_lets_nothing_load(page, path):
    """What the page would load if somebody put it in is refused by the browser itself."""
    page.open(path)
    got = page.run(
        "new Promise(done => { const i = new Image(); i.onload = () => done('loaded');"
        " i.onerror = () => done('refused'); i.src = 'http://127.0.0.1:9/x.png'; })"
    )
    assert got == "refused"
    assert any("Content Security Policy" in told for told in page.complaints())


def test_a_click_sorts_numbers_and_a_third_restores(page, table):
    head = page.run(f"[...document.getElementById({table!r}).tHead.rows[0].cells].map(c => c.textContent)")
    at = head.index("AR(0)")
    given = page.run(COLUMN % (table, at))
    assert page.run(SORTED % (table, at)) is None
    page.run(CLICK % (table, at))
    assert page.run(SORTED % (table, at)) == "ascending"
    assert shares(page.run(COLUMN % (table, at))) == sorted(shares(given)) != shares(given)
    page.run(CLICK % (table, at))
    assert page.run(SORTED % (table, at)) == "descending"
    assert shares(page.run(COLUMN % (table, at))) == sorted(shares(given), reverse=True)
    other = head.index("p")
    page.run(CLICK % (table, other))
    assert page.run(SORTED % (table, at)) is None, "one column at a time"
    assert page.run(COLUMN % (table, other))[0] == "<0.0001"
    for _ in range(2):
        page.run(CLICK % (table, other))
    assert page.run(COLUMN % (table, at)) == given


def test_text_sorts_as_text_and_rows_stay_whole(page, table):
    rows = f"[...document.getElementById({table!r}).tBodies[0].rows].map(r => r.textContent)"
    given = page.run(rows)
    page.run(CLICK % (table, 0))
    names = page.run(COLUMN % (table, 0))
    assert names == sorted(ms.MAGNIFICENT_SEVEN)
    assert sorted(page.run(rows)) == sorted(given)


def test_missing_last_totals_below(page, path):
    """Tests that do not apply stay at the end both ways; the total stays where it is."""
    page.open(path)
    name = page.run(
        "[...document.querySelectorAll('table')].find(t => t.caption.textContent.startsWith('All events')).id"
    )
    head = page.run(f"[...document.getElementById({name!r}).tHead.rows[0].cells].map(c => c.textContent)")
    for _ in range(2):
        page.run(CLICK % (name, head.index("p")))
        cells = page.run(COLUMN % (name, head.index("p")))
        n = cells.count("-")
        assert n > 0
        assert cells[-n:] == ["-"] * n
    caps = page.run("[...document.querySelectorAll('table')].find(t => t.tFoot).id")
    page.run(CLICK % (caps, 6))
    changes = [float(cell.replace(",", "")) for cell in page.run(COLUMN % (caps, 6))]
    assert changes == sorted(changes)
    assert page.run(f"document.getElementById({caps!r}).tFoot.rows[0].cells[0].textContent") == "total"


def test_keyboard(page, table):
    """A header is a button: Enter sorts; the order is told to who does not see it."""
    page.run(f"document.getElementById({table!r}).tHead.rows[0].cells[0].querySelector('button').focus()")
    for kind in ("keyDown", "keyUp"):
        page.call("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", text="\r", windowsVirtualKeyCode=13)
    assert page.run(SORTED % (table, 0)) == "ascending"
    assert page.run("document.querySelector('[role=status]').textContent") == "ticker: sorted ascending"


@pytest.mark.parametrize("way", ["clipboard", "old", "none"])
def test_copy_gives_tabs(page, table, way):
    """By the clipboard, by the old command where there is none, and selected where neither works."""
    take = "window.taken = null; Object.defineProperty(navigator, 'clipboard', {configurable: true, value: %s});"
    write = "{writeText: t => { window.taken = t; return Promise.resolve(); }}"
    refuse = "{writeText: t => Promise.reject(new Error('no'))}"
    page.run(take % {"clipboard": write, "old": "undefined", "none": refuse}[way])
    page.run(
        "document.execCommand = () => { const a = document.activeElement;"
        f" window.taken = a.value || null; return {'true' if way == 'old' else 'false'}; }}"
    )
    page.run(f"document.querySelector('button[data-table={table}]').click()")
    page.run("new Promise(done => setTimeout(done, 50))")
    if way == "none":
        assert page.run("document.querySelector('[role=status]').textContent").startswith("Table selected")
        assert "AAPL" in page.run("getSelection().toString()")
        return
    lines = page.run("window.taken").splitlines()
    cells = page.run(f"[...document.getElementById({table!r}).rows].map(r => [...r.cells].map(c => c.textContent))")
    assert [line.split("\t") for line in lines] == cells
    assert page.run("document.querySelector('[role=status]').textContent") == "Table copied"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_all_text_has_contrast(page, path, dark):
    """Computed by the browser for each text that is seen, those in the pictures too."""
    page.open(path, dark=dark)
    pairs = page.run(TEXTS)
    assert len(pairs) >= 5
    for pair, where in pairs.items():
        ink, paper = pair.split()
        assert contrast(ink, paper) >= 4.5, (pair, where)
    paper = page.run("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", paper))) < 200) == dark


def test_no_black_is_left_in_the_pictures_of_a_dark_page(page, path):
    """What is black by default is written without a colour: it takes the page's ink all the same."""
    page.open(path, dark=True)
    black = page.run(
        "[...document.querySelectorAll('svg path, svg use, svg text')].filter(e => { const s = getComputedStyle(e);"
        " return [s.fill, s.stroke].includes('rgb(0, 0, 0)'); }).length"
    )
    assert black == 0


@pytest.mark.parametrize("width", [320, 360, 414, 768, 1200])
def test_the_page_does_not_scroll_sideways(page, path, width):
    page.open(path, width=width, height=740)
    page.run("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.run("document.documentElement.scrollWidth") <= width
    beyond = page.run(
        "[...document.querySelectorAll('body *')].filter(e => !e.closest('.box') && e.getClientRects().length"
        f" && !e.matches('.skip, .said') && e.getBoundingClientRect().right > {width} + 0.5)"
        ".map(e => e.outerHTML.slice(0, 80))"
    )
    assert beyond == []


def test_tables_scroll_in_their_boxes_on_a_phone(page, path):
    page.open(path, width=360, height=740)
    box = "document.querySelector('section table').closest('.box')"
    assert page.run(f"{box}.scrollWidth > {box}.clientWidth")
    page.run(f"{box}.scrollLeft = 200")
    assert page.run(f"{box}.scrollLeft") == 200
    left = page.run(
        f"{box}.querySelector('tbody th').getBoundingClientRect().left - {box}.getBoundingClientRect().left"
    )
    assert left == 0, "the name of the row stays"


def test_links_of_the_contents_lead_to_what_they_name(page, path):
    page.open(path)
    wrong = page.run(
        "[...document.querySelectorAll('nav a')].filter(a => document.querySelector(a.getAttribute('href'))"
        ".textContent !== a.textContent).length"
    )
    assert wrong == 0
    assert page.run("document.querySelectorAll('nav a').length") == page.run(
        "document.querySelectorAll('main h2, main h3').length"
    )


def test_paper_is_light_without_buttons_and_with_what_was_folded(page, path):
    """Also of a dark page."""
    page.open(path, dark=True)
    page.call("Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    assert page.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.run("[...document.querySelectorAll('.copy')].every(b => getComputedStyle(b).display === 'none')")
    assert page.run("getComputedStyle(document.querySelector('thead')).display") == "table-header-group"
    page.run("window.dispatchEvent(new Event('beforeprint'))")
    assert page.run("[...document.querySelectorAll('details')].every(d => d.open)")
    page.run("window.dispatchEvent(new Event('afterprint'))")
    assert page.run("[...document.querySelectorAll('details')].every(d => !d.open)")
    page.call("Emulation.setEmulatedMedia", media="", features=[])
    pdf = base64.b64decode(page.call("Page.printToPDF", preferCSSPageSize=True)["data"])
    assert pdf.startswith(b"%PDF")
    assert 5 < len(re.findall(rb"/Type\s*/Page\b", pdf)) < 80


def test_readable_without_script(page, path):
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        page.open(path)
    finally:
        page.call("Emulation.setScriptExecutionDisabled", value=False)
    assert page.run("[...document.querySelectorAll('.copy')].every(b => getComputedStyle(b).display === 'none')")
    assert page.run("document.querySelectorAll('section tbody tr').length") > 100
