"""Names and texts that are made to be more than text: they are shown as text, in every form of the report."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from analysis import example
from analysis.example import World
from xstilts.analysis.findings import Findings
from xstilts.cli.output import print_table
from xstilts.plain import printable
from xstilts.report import drawing, latex, markdown, page
from xstilts.report.paper import Paper
from xstilts.study.claim import Claim
from xstilts.study.step import Step

EVIL = (
    "<img src=http://x.org onerror=alert(1)>'\"&amp;{{7*7}}{%x%}</title></text></script><script>alert(2)"
    "</script>\\input{/etc/passwd}$\\write18{ls}$%#_^~|`</td>[a](javascript:b)![c](http://x.org)"
    ' id="d" href="#e"'
)
CODE = "x-<b onclick=f()>'\"\\input{g}"
TASK = "own_<i onload=h()>'\"{{8*8}}"
ELEMENTS = """
    html head meta title style script body a nav div main header footer section article figure figcaption
    p h1 h2 h3 h4 dl dt dd ul ol li table caption colgroup col thead tbody tr th td
    span b i em strong small sup sub code pre br details summary
    svg g path line circle rect text tspan defs clippath lineargradient stop use
"""


class _Page(HTMLParser):
    """Elements, attributes and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.said = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.said += data


RECORD = example.record


def _record(**fields: Any) -> dict[str, Any]:
    return RECORD(**fields) | {"hardware": {"processor": EVIL}, "software": {"torch": EVIL}}


def _quoted(text: str) -> str:
    """For a string in a template of Python code."""
    return json.dumps(text)[1:-1].replace("{", "{{").replace("}", "}}")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The example's study with such names for everything, measured on a few rows."""
    small: dict[str, Any] = {
        "N": 12,
        "METRICS": {TASK: "accuracy", "lab_ner": "span_f1"},
        "FAMILIES": {TASK: "classification", "lab_ner": "tagging"},
        "LANGUAGES": ("x-en", CODE),
        "ARMS": {"none": (), EVIL: ("lab_ccg",)},
        "CLAIMS": (Claim(says=EVIL, arms=(EVIL,), targets=(TASK,), source=EVIL),),
        "rates": lambda arm, target, reference, seed: lambda code: 0.5,
        "TASK_FILE": example.TASK_FILE.replace("{name}", "it").replace("A Task of Tests", _quoted(EVIL)),
        "record": _record,
    }
    with mock.patch.multiple(example, **small):
        made = example.make(tmp_path_factory.mktemp("hostile"), seeds=(1,), without=((EVIL, "lab_ner"),))
    study = made.plan.study.changed(name=EVIL, question=EVIL, origins={})
    cells = tuple(
        type(cell)(**vars(cell) | {"backbone": EVIL}) if cell.backbone else cell for cell in made.plan.cells
    )
    for step in made.plan.steps:
        if made.store.failure(step.fingerprint):
            made.store.fail(Step(step.specification), EVIL, EVIL)
    plan = type(made.plan)(study, made.plan.steps, cells, made.plan.places, (EVIL,))
    return World(plan, made.store)


@pytest.fixture(scope="module")
def html(world: World) -> _Page:
    return _Page(page.build(Findings.of(world.plan, world.store)))


def test_the_page_has_no_element_but_its_own(html: _Page) -> None:
    assert {tag for tag, _ in html.elements} <= set(ELEMENTS.split())
    assert [tag for tag, _ in html.elements].count("script") == 1
    for tag, attributes in html.elements:
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        for name in ("href", "xlink:href"):
            assert attributes.get(name, "#").startswith("#"), (tag, attributes)
        for name in ("src", "srcset", "data", "action", "formaction", "background", "poster", "style"):
            assert "http" not in attributes.get(name, ""), (tag, attributes)


def test_the_page_shows_them_as_text(html: _Page) -> None:
    assert html.said.count(EVIL) > 10
    for text in (CODE, TASK):
        assert text in html.said


def test_the_page_says_that_nothing_may_be_loaded(html: _Page) -> None:
    (policy,) = [
        one["content"] for tag, one in html.elements if one.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy


def test_a_chart_keeps_what_stands_in_its_texts() -> None:
    import altair as alt

    text = 'an id="x" href="#y" <b> & url(#z)'
    chart = alt.Chart(alt.Data(values=[{"a": text}])).mark_text().encode(text="a:N")
    assert text in _Page(drawing.svg(chart)).said


def test_latex_commands_are_text(world: World) -> None:
    files = latex.folder(Paper(Findings.of(world.plan, world.store)), [("a", EVIL)])
    own = {r"\input{tables/" + Path(name).stem + "}" for name in files if name.startswith("tables/")}
    for name, content in files.items():
        assert re.fullmatch(r"main\.tex|references\.bib|tables/[a-z0-9-]+\.tex", name)
        text = content.decode()
        assert set(re.findall(r"\\input\{[^}]*\}", text)) <= own
        assert "\\write" not in text
        shown = re.sub(
            r"\\textbackslash\{\}input(\\\{|\()(/etc/passwd|g)(\\\}|\))", "", text
        )  # of EVIL and of CODE
        assert "input" not in shown or name == "main.tex"
    assert any(rb"\textbackslash{}input\{/etc/passwd\}" in content for content in files.values())


def test_markdown_has_neither_tags_nor_links(world: World) -> None:
    text = markdown.markdown(Paper(Findings.of(world.plan, world.store))).decode()
    assert EVIL.partition("'")[0].replace("<", "&lt;") in text
    assert "<" not in text
    assert "](" not in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("a\u202eb\u2066c", r"a\u202eb\u2066c"),
        ("\ud800", r"\ud800"),
        ("two\nlines\r", "two\nlines\\r"),
        ("नई 🏛 [/b] e\u0301", "नई 🏛 [/b] e\u0301"),
    ],
)
def test_a_terminal_is_not_steered(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_what_looks_like_markup_of_the_terminal_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("[/b]",), [("[/i] :smile: \x1b[31m",)])
    assert capsys.readouterr().out.split() == ["[/b]", "[/i]", ":smile:", r"\x1b[31m"]
