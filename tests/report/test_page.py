"""The page is one file that loads nothing, says everything in order, and escapes what it did not write."""

import base64
import hashlib
import re
from dataclasses import replace
from unittest import mock

import pytest

from xstilts.analysis import methods
from xstilts.analysis.claims import judge, results_behind
from xstilts.analysis.effects import Effects
from xstilts.analysis.findings import Findings
from xstilts.analysis.results import Results
from xstilts.errors import InputError
from xstilts.report import page, tables
from xstilts.report.paper import Paper
from xstilts.store import Record, Store
from xstilts.study.study import BackboneTable


@pytest.fixture(scope="module")
def html(world):
    return page.build(Findings.of(world.plan, world.store))


@pytest.fixture(scope="module")
def torn_html(torn_world):
    return page.build(Findings.of(torn_world.plan, torn_world.store))


def test_the_page_loads_nothing(html):
    assert (
        html.count("<script>") == html.count("<script") == html.count("<style>") == html.count("<style") == 1
    )
    assert not re.search(r"<link|<img|<iframe|@import|@font-face", html)
    assert not re.search(r'(?:src|href)="(?!#)', html)
    assert not re.search(r"url\((?!#)", html)


def test_only_its_own_style_and_script_are_let_in(html):
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)[1].replace(
        "&#39;", "'"
    )
    for element in ("style", "script"):
        text = re.search(f"<{element}>(.*)</{element}>", html, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none'; ")
    assert not re.search(r' style="(?!italic)| on[a-z]+="', html)  # the policy would refuse them


def test_every_number_of_a_table_leads_to_its_steps(html, world):
    cells = [cell for cell in world.plan.cells if (cell.arm, cell.target) == ("nli", "lab_ner")]
    shown = next(one.text for one in tables.effect_grid(Findings(world.results), "lab-mini").rows[1][1][2:])
    anchor = re.search(rf'<a href="#([\w-]+)">{re.escape(shown)}</a>', html)[1]
    rows = html[html.index(f'<tr id="{anchor}"') :].split("</tr>")[: len(cells)]
    for cell, row in zip(cells, rows, strict=True):
        assert re.findall(r"<code>(\w+)</code>", row) == [cell.evaluation, *cell.phases]


def test_a_claim_leads_to_all_that_it_compares(world):
    effects = Effects(world.results)
    places = {one.claim.says: results_behind(effects, one) for one in judge(effects)}
    assert [name for name, _ in places["NLI helps its own target"]] == ["nli on lab_nli", "none on lab_nli"]
    random = [name for name, _ in places["NLI beats random weights"]]
    assert random == ["nli on lab_nli", "random weights on lab_nli"]
    assert len(places["Nothing changes NER"]) == 3


def test_sections_stand_in_their_order(html):
    order = re.findall(r'<section id="(\w+)"', html)
    above = "claims transfer languages gap own planted curves"
    assert order == f"{above} method leaks results limitations steps references".split()
    assert html.index("<h1>Which English") < html.index('class="answer"') < html.index('id="claims"')


def test_navigation_leads_somewhere(html):
    targets = set(re.findall(r'<a href="#([\w-]+)"', html))
    assert targets <= set(re.findall(r'\bid="([\w-]+)"', html))


def test_the_glossary_explains_every_arm_and_task(html, world):
    text = html[html.index('<details id="glossary">') : html.index("</header>")]
    words = dict(re.findall("<dt>(.*?)</dt><dd>(.*?)</dd>", text))
    assert words["none"] == "No intermediate training."
    assert words["nli"] == "Trained on lab_nli."
    assert words["lab_ner"] == "A task of the family tagging. Scored by accuracy."
    assert {"Arm", "Backbone", "Zero-shot", "Interval", "Verdict"} <= set(words)
    tasks = {use.task for step in world.plan.steps for use in getattr(step.specification, "uses", ())}
    assert {*tasks, *(cell.target for cell in world.plan.cells)} <= set(words)


def test_a_claim_is_drawn_over_an_axis(html):
    rows = html.partition('<table class="claims">')[2].partition("</table>")[0].split("<tr>")
    claims = {re.search('<th scope="row">(.*?)</th>', row)[1]: row for row in rows[2:]}
    drawn = re.findall(r'<text x="([\d.]+)" y="36">([−\d.]+)</text>', claims["NLI helps its own target"])
    places, labels = zip(*((float(place), float(label)) for place, label in drawn), strict=True)
    assert labels == (0, 10, 20, 30)
    zero = float(re.search(r'class="zero" x1="([\d.]+)"', claims["NLI helps its own target"])[1])
    assert zero == places[0]
    assert re.findall(r'y="36">(.*?)<', claims["Nothing changes NER"]) == ["−4", "−2", "0", "2", "4"]


def test_all_that_can_be_too_wide_scrolls(html):
    for table in re.findall(r"(<div[^>]*>)?<table(?: class=\"(\w+)\")?>", html):
        assert table[1] == "claims" or 'class="scroll"' in table[0]
    assert html.count('class="scroll chart"') == html.count("<figure")


@pytest.mark.parametrize("path", ["/home/someone/ours", "models/ours/", r"C:\models\ours", "ours"])
def test_a_folder_is_called_by_its_last_name(world, path):
    tables = {"lab-mini": BackboneTable(model=path)}
    plan = replace(world.plan, study=world.plan.study.changed(backbones=tables))
    assert methods.models(plan, world.store)[0][1].startswith("ours with checksum sha256:lab")


def test_charts_are_inlined(html):
    assert html.count("<figure") == html.count('<svg xmlns="http://www.w3.org/2000/svg"') == 9


def test_gains_by_language_and_what_was_read_stand_on_the_page(html, world):
    assert html.index('id="figure-languages"') < html.index('id="figure-gains"') < html.index('id="gap"')
    (grid, *_) = Paper(Findings(world.results)).grids["gains"]
    for _, entries in grid.rows:
        assert all(f"<small>{entry.interval}</small>" in html for entry in entries)
    data = html[html.index('<h3 id="data">Data</h3>') :]
    assert "<code>lab:lab_nli</code>" in data[: data.index("</table>")]


def test_marks_tell_what_they_show(html):
    told = [text.split(" · ") for text in re.findall(r'<path class="told"[^>]*><title>([^<]*)</title>', html)]
    assert ["nli on lab_nli", "3 seeds"] in [[one[0], one[-1]] for one in told]
    assert "aria-label" not in "".join(re.findall(r"<svg.*?</svg>", html, re.DOTALL))
    assert len(told) == html.count('class="told"') > 100


def test_the_answer_is_a_sentence(world, torn_world):
    answer = Findings(world.results).answer
    assert answer.startswith(
        "Of 8 pairs of an intermediate arm and a target, 2 help, 1 hurts and 5 show no effect"
    )
    assert "the largest help is nli on lab_nli, +" in answer
    assert Findings(torn_world.results).answer.endswith("; 2 pairs wait for results.")


def test_verdicts_are_shown(html):
    assert html.count('class="badge confirmed"') == 4
    assert html.count('class="badge refuted"') == 1
    assert html.count('class="badge undecided"') == 1


def test_an_intermediate_task_at_chance_is_marked(html, world):
    own = {score.arm: score for score in methods.own_scores(world.results)}
    assert own["nli"].learned
    assert not own["tags"].learned
    assert own["nli"].seeds == 3
    assert html.count("⚠ at chance") == 1
    assert "The arm tags did not learn lab_ccg" in html


def test_one_training_at_chance_is_told_among_others_that_learned(world):
    """As XLM-R collapses: with one seed of three, which the mean of all three hides."""
    bad = next(cell for cell in world.plan.cells if cell.arm == "nli" and cell.seed == 2).phases[0]
    record = Store.record

    def collapsed(store: Store, step: str) -> Record | None:
        found = record(store, step)
        if step != bad or found is None:
            return found
        return found | {"source_score": {"lab_nli": found["source_score"]["lab_nli"] | {"value": 33.0}}}

    with mock.patch.object(Store, "record", collapsed):
        findings = Findings(Results(world.plan, world.store))
        (nli,) = [score for score in findings.own_scores if score.arm == "nli"]
        assert nli.learned and nli.at_chance == (2,)
        assert "lab_nli (nli with seed 2)" in " ".join(findings.conditions_of_study)
        assert any(
            "nli did not learn lab_nli (at chance with seed 2)" in text for text in findings.limitations
        )


def test_failures_are_listed_with_their_reason(torn_html, torn_world):
    assert "2 steps failed" in torn_html
    assert torn_html.count("The loss is nan.") == 2
    assert [failed.cells for failed in methods.failures(torn_world.plan, torn_world.store)] == [1, 1]
    assert "2 of 20 cells are missing." in torn_html


def test_one_seed_is_said_to_be_one(torn_html, html):
    assert "One seed: the intervals cover the choice of test examples only" in torn_html
    assert "One seed" not in html
    assert "3 seeds tell little about their own spread" in html


def test_text_of_others_is_escaped(world):
    study = world.plan.study.changed(question="Is <script>alert(1)</script> & so on safe?")
    html = page.build(Findings.of(replace(world.plan, study=study), world.store))
    assert html.count("<script") == 1
    assert "Is &lt;script&gt;alert(1)&lt;/script&gt; &amp; so on safe?" in html
    assert "&lt;example@example.org&gt;" in html  # in the citation of a task


def test_costs_count_every_step_once(world):
    phases = [step for step in world.plan.steps if step.kind == "phase"]
    cost = {one.kind: one for one in methods.costs(world.plan, world.store)}
    assert cost["phase"].done == cost["phase"].planned == len(phases)
    assert cost["phase"].tokens == 54_000 * len(phases)
    assert methods.machines(world.plan, world.store) == [
        "An example of a processor, xstilts 0.1.0, torch 2.13.0"
    ]


def test_recipes_are_told_once(world):
    rows = methods.recipes(world.plan)
    assert [row["tasks"] for row in rows] == ["lab_nli", "lab_pairs", "lab_ner", "lab_ccg"]
    assert rows[0]["seeds"] == "1, 2, 3"


def test_a_study_without_targets_has_a_page(world):
    html = page.build(Findings.of(replace(world.plan, cells=()), world.store))
    assert "This study trains and measures no target." in html
    assert 'id="curves"' in html


def test_a_study_without_any_result_has_a_page(world, tmp_path):
    empty = type(world.store)(tmp_path / "nothing")
    html = page.build(Findings.of(world.plan, empty))
    assert "no comparison with the arm none" in html
    assert "0 of 52" in html
    assert not (tmp_path / "nothing").exists()


def test_several_backbones_have_a_map_each(world):
    again = tuple(replace(cell, backbone="other") for cell in world.plan.cells if cell.backbone)
    plan = replace(world.plan, cells=world.plan.cells + again)
    names = [figure.name for figure in page.figures(Findings.of(plan, world.store))]
    assert names[:2] == ["transfer-lab-mini", "transfer-other"]
    assert "nli on other" not in Findings(world.results).answer


def test_figures_are_written_as_files(world, tmp_path):
    paths = page.write(Findings.of(world.plan, world.store), ["svg"], tmp_path)
    assert [path.name for path in paths][:4] == ["transfer.svg", "languages.svg", "gains.svg", "gap.svg"]
    assert paths[0].read_text().startswith("<svg")


def test_a_folder_that_cannot_be_written_is_named(world, tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(InputError, match=r"file/results.csv: cannot be written.*--out"):
        page.write(Findings.of(world.plan, world.store), ["csv"], tmp_path / "file")


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (89, "89 s"), (209, "3.5 min"), (7560, "2.1 h")])
def test_durations(seconds, text):
    assert page.duration(seconds) == text
