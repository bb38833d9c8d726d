"""The page in a headless browser: no complaint, sorting and tooltips by pointer and keyboard, at two widths.

Nothing drives the browser from outside: a second script, let in by the page's policy, plays the reader.
"""

import base64
import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from xstilts.analysis.findings import Findings
from xstilts.report import page

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="needs chromium")

READER = """
const said = {};
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const column = (table, place) => [...table.tBodies[0].rows].map((row) => row.cells[place].textContent.trim());
const tip = document.getElementById("tip");
addEventListener("securitypolicyviolation", (event) => (said.violation = event.violatedDirective));

const table = document.querySelector("#own table");
const sorts = all("thead button", table);
said.focusable = all("thead button").every((button) => button.tabIndex === 0);
said.first = column(table, 3);
sorts[3].click();
said.ascending = [column(table, 3), table.tHead.rows[0].cells[3].getAttribute("aria-sort")];
sorts[3].click();
said.descending = [column(table, 3), table.tHead.rows[0].cells[3].getAttribute("aria-sort")];
sorts[3].click();
said.again = [column(table, 3), table.tHead.rows[0].cells[3].getAttribute("aria-sort")];
sorts[0].click();
said.names = column(table, 0);

const figure = document.getElementById("figure-transfer");
const marks = all(".told", figure);
said.stops = marks.filter((mark) => mark.tabIndex === 0).length;
const middle = (mark) => {
  mark.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
  const box = mark.getBoundingClientRect();
  return { clientX: box.left + box.width / 2, clientY: box.top + box.height / 2, bubbles: true };
};
const harm = marks.find((mark) => mark.getAttribute("aria-label").startsWith("tags on lab_tatoeba"));
const at = middle(harm);
said.hit = document.elementFromPoint(at.clientX, at.clientY) === harm;
harm.dispatchEvent(new PointerEvent("pointermove", at));
said.pointed = [tip.hidden, tip.textContent];
const box = tip.getBoundingClientRect();
said.inside = box.left >= 0 && box.right <= document.documentElement.clientWidth && box.width > 50;
dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
said.escaped = tip.hidden;
marks[0].focus();
const named = (mark) => mark.getAttribute("aria-label").split(" · ")[0];
said.focused = [tip.hidden, tip.firstChild.textContent, named(marks[0])];
const press = (key) =>
  document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
press("ArrowRight");
said.right = named(document.activeElement);
press("ArrowDown");
said.down = named(document.activeElement);
document.activeElement.blur();
said.blurred = tip.hidden;

const steps = document.querySelector("#steps details");
said.closed = !steps.open;
location.hash = document.querySelector("#transfer td a").getAttribute("href");
said.wide = document.documentElement.scrollWidth > document.documentElement.clientWidth;
said.drawn = all("svg.marks").every((chart) => chart.getBoundingClientRect().height > 20);
setTimeout(() => {
  said.opened = steps.open;
  all("details").forEach((one) => (one.open = true));
  setTimeout(() => {
    const scrolls = (box) => box.scrollWidth > box.clientWidth + 1;
    said.scrolling = all(".scroll").filter(scrolls).length;
    said.unmarked = all(".scroll").filter((box) => scrolls(box) !== box.classList.contains("wide")).length;
    document.body.dataset.said = JSON.stringify(said);
  }, 200);
}, 200);
"""


def browse(path: Path, width: int, *options: str) -> tuple[str, str]:
    """The page as the browser has it after a while, and what the browser logs."""
    command = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", f"--window-size={width},900"]
    command += ["--enable-logging=stderr", "--virtual-time-budget=3000", "--dump-dom", *options]
    command += [f"--user-data-dir={path.parent / 'profile'}", path.as_uri()]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return ran.stdout, ran.stderr


@pytest.fixture(scope="module")
def html(world) -> str:
    return page.build(Findings.of(world.plan, world.store))


@pytest.fixture(scope="module", params=[1400, 500])
def said(request, html, tmp_path_factory) -> dict[str, Any]:
    """What the reader found, at a width (a headless window is no narrower than 500 pixels)."""
    digest = base64.b64encode(hashlib.sha256(READER.encode()).digest()).decode()
    read = html.replace("script-src ", f"script-src &#39;sha256-{digest}&#39; ")
    assert read != html
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(read.replace("</body>", f"<script>{READER}</script></body>"), encoding="utf-8")
    document, log = browse(path, request.param)
    assert "CONSOLE" not in log
    found = re.search(r'<body[^>]* data-said="([^"]*)"', document)
    assert found, log
    told: dict[str, Any] = json.loads(found[1].replace("&quot;", '"').replace("&amp;", "&"))
    return told


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_browser_has_nothing_to_complain_of(html, tmp_path, scheme):
    path = tmp_path / "page.html"
    path.write_text(html, encoding="utf-8")
    document, log = browse(path, 1400, "--force-dark-mode" if scheme == "dark" else "--disable-dark-mode")
    assert "CONSOLE" not in log
    assert '<th scope="col" aria-sort="none"><button type="button">' in document


def test_tables_are_sorted_by_their_headings(said):
    assert said["focusable"]
    assert said["first"] == ["83.0", "35.0"]
    assert said["ascending"] == [["35.0", "83.0"], "ascending"]
    assert said["descending"] == [["83.0", "35.0"], "descending"]
    assert said["again"] == [["83.0", "35.0"], "none"]
    assert said["names"] == ["nli", "tags"]


def test_marks_are_told_to_the_pointer(said):
    assert said["hit"], "something lies over the mark"
    hidden, text = said["pointed"]
    assert not hidden
    assert re.fullmatch(r"tags on lab_tatoeba−[\d.]+ \[.*\] points against none3 seeds", text)
    assert said["inside"]
    assert said["escaped"]


def test_marks_are_told_to_the_keyboard(said):
    assert said["stops"] == 1, "a chart is one stop of the Tab key"
    hidden, shown, expected = said["focused"]
    assert (hidden, shown) == (False, expected)
    assert (said["right"], said["down"]) == ("nli on lab_pairs", "tags on lab_pairs")
    assert said["blurred"]


def test_a_number_opens_its_steps(said):
    assert said["closed"]
    assert said["opened"]


def test_charts_are_drawn_and_the_page_is_no_wider_than_its_window(said):
    assert said["drawn"]
    assert not said["wide"]
    assert said["scrolling"] > 0
    assert said["unmarked"] == 0
    assert "violation" not in said
