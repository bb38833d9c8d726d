"""The tidy tables: programs that drop missing values lose no group, and numbers are those of the page."""

import csv
import io
import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from xstilts.analysis import frames, statistics
from xstilts.analysis.effects import EFFECT, GAP, Quantity
from xstilts.analysis.findings import Findings
from xstilts.analysis.results import SCHEMA, Line, Resampled, language
from xstilts.analysis.wording import number
from xstilts.report import charts, page, tables
from xstilts.report.paper import Paper
from xstilts.sharing import card
from xstilts.study.claim import MEASURES

from .example import LANGUAGES, METRICS, make

# What pandas.read_csv takes for a missing value by default; its documentation, of `na_values`.
PANDAS = {
    *(" ".join(("#N/A", "N/A")), "#N/A", "N/A", "n/a", "NA", "<NA>", "#NA", "NULL", "null", "NaN", "-NaN"),
    *("nan", "-nan", "None", "", "-1.#IND", "1.#QNAN", "1.#IND", "-1.#QNAN"),
}
TEXTS = {
    name: [column for column, kind in schema.items() if kind == pl.String]
    for name, schema in {"results": SCHEMA, "effects": frames.EFFECTS, "verdicts": frames.VERDICTS}.items()
}
DOCUMENT = Path(__file__).parents[2] / "docs" / "tables.md"


@pytest.fixture(scope="module")
def paper(world) -> Paper:
    return Paper(Findings(world.results))


def read(content: bytes) -> list[dict[str, str | None]]:
    """The rows of a CSV file as pandas has them: missing values are None."""
    rows = csv.DictReader(io.StringIO(content.decode()))
    return [{key: None if value in PANDAS else value for key, value in row.items()} for row in rows]


def words(chart: Any) -> str:
    """Everything that stands in a chart's data."""
    return json.dumps(chart.to_dict(validate=False), ensure_ascii=False)


def test_grouping_keeps_every_arm_and_reference(paper, world):
    rows = read(tables.csv("results", paper.tables["results"]))
    keys = ("backbone", "arm", "reference", "target")
    groups = Counter(
        tuple(row[key] for key in keys) for row in rows if None not in [row[key] for key in keys]
    )
    assert sum(groups.values()) == len(rows)
    planned = {(cell.arm, cell.reference, cell.target) for cell in world.plan.cells}
    assert len(groups) == len(planned)
    assert {arm for _, arm, reference, _ in groups if reference == "arm"} == {"none", "nli", "tags"}


@pytest.mark.parametrize("name", TEXTS)
def test_no_cell_of_text_reads_as_missing(torn_world, name):
    paper = Paper(Findings(torn_world.results))
    rows = read(tables.csv(name, paper.tables[name]))
    assert rows
    assert not [row for row in rows for column in TEXTS[name] if row[column] is None]


def test_names_that_read_as_missing_are_quoted():
    table = pl.DataFrame({"arm": sorted(PANDAS - {""}), "value": 1.0})
    rows = read(tables.csv("results", table))
    assert [row["arm"] for row in rows] == [f"'{word}'" for word in sorted(PANDAS - {""})]
    assert tables.csv("results", pl.DataFrame({"arm": ["none", "nli"]})) == b"arm\nnone\nnli\n"


def test_effects_have_every_difference_mean_and_gap(paper):
    own = paper.findings.effects.filter(arm="nli", reference="arm", target="lab_nli")
    counted = Counter(own.select("quantity", "level").rows())
    families = len({language(code).family for code in LANGUAGES if code != "x-en"})
    for quantity in ("score", "difference"):
        assert counted[quantity, "language"] == len(LANGUAGES)
        assert counted[quantity, "family"] == families
        assert counted[quantity, "transfer"] == 1
    assert counted["gap", "transfer"] == counted["gap_difference", "transfer"] == 1
    retrieval = paper.findings.effects.filter(arm="nli", target="lab_tatoeba")
    assert set(retrieval["quantity"]) == {"score", "difference"}
    baseline = paper.findings.effects.filter(arm="none", reference="arm")
    assert set(baseline["quantity"]) == {"score", "gap"}
    assert set(paper.findings.effects["target"]) == {*METRICS, "mean"}


def test_effects_are_those_that_the_page_shows(paper):
    findings, line = paper.findings, Line("lab-mini", "nli")
    effects = findings.quantities

    def numbers(**wanted):
        found = paper.findings.effects.filter(arm="nli", reference="arm", target="lab_nli", **wanted)
        return found.select("estimate", "low", "high", "seeds").row(0)

    for quantity in (EFFECT, GAP):
        one = effects.estimate(quantity, line, "lab_nli")
        shown = numbers(quantity=quantity.kind, level="transfer")
        assert shown == (one.value, one.low, one.high, one.seeds)
    one = effects.estimate(Quantity("difference", ("x-ga",)), line, "lab_nli")
    assert numbers(quantity="difference", language="x-ga") == (one.value, one.low, one.high, one.seeds)

    told = f"{number(one.value, signed=True)} [{number(one.low)}, {number(one.high)}]"
    assert f"(x-ga) · {told} points against none · 3 seeds" in words(charts.gains(findings, "lab-mini"))
    score = effects.estimate(Quantity("score", ("x-ga",)), line, "lab_nli")
    assert numbers(quantity="score", language="x-ga")[:3] == (score.value, score.low, score.high)
    told = f"{number(score.value)} [{number(score.low)}, {number(score.high)}]"
    assert f"(x-ga) · {told} · 3 seeds" in words(charts.by_language(findings, "lab-mini"))


def test_the_heat_map_and_the_table_say_the_same_of_significance(paper):
    tested = [cell for cell in paper.findings.maps["lab-mini"] if cell.kind == "effect"]
    rows = paper.findings.effects.filter(quantity="difference", level="transfer")
    assert len(rows) == len(tested)
    found = {(row["arm"], row["target"]): row["p_corrected"] for row in rows.iter_rows(named=True)}
    for cell in tested:
        assert (found[cell.row, cell.column] < 0.05) == cell.strong
    assert any(cell.strong for cell in tested)
    assert not all(cell.strong for cell in tested)


def test_languages_are_corrected_for_their_number(paper):
    rows = paper.findings.effects.filter(quantity="difference", level="language", reference="arm")
    assert rows["p_corrected"].to_list() == statistics.holm(rows["p"].to_list())
    assert paper.findings.effects.filter(quantity="score")["p"].null_count() == len(
        paper.findings.effects.filter(quantity="score")
    )


def test_missing_results_are_rows_without_numbers(torn_world):
    paper = Paper(Findings(torn_world.results))
    rows = paper.findings.effects.filter(arm="nli", target="lab_ner", reference="arm", quantity="difference")
    assert len(rows) > 1
    assert rows["estimate"].is_null().all()
    assert paper.tables["verdicts"].filter(pl.col("claim").str.contains("NER"))["estimate"].is_null().all()


def test_verdicts_are_those_of_the_page(paper):
    table = paper.tables["verdicts"]
    assert table["verdict"].to_list() == [one.verdict for one in paper.findings.judged]
    assert table["estimate"].to_list() == [one.effect for one in paper.findings.judged]
    assert table["p_corrected"].to_list() == [one.probability for one in paper.findings.judged]
    assert table["source"].to_list() == ["-"] * len(table)
    assert table["arms"][3] == "nli, tags"


def test_gains_are_told_by_family_and_language(paper):
    (grid,) = [one for one in paper.grids["gains"] if one.title.startswith("lab_nli")]
    assert grid.columns == ("nli", "tags")
    assert {f"{language(code).name} ({code})" for code in LANGUAGES} <= {name for name, _ in grid.rows}
    row = paper.findings.effects.filter(
        arm="tags", reference="arm", target="lab_nli", quantity="difference", language="x-ra"
    ).row(0, named=True)
    entry = dict(grid.rows)[f"{language('x-ra').name} (x-ra)"][1]
    assert entry.text == number(row["estimate"], signed=True)
    assert entry.strong == (row["p_corrected"] < 0.05)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_three_tables_are_written_and_read_back(tmp_path, kind):
    world = make(tmp_path / "world", (1,))
    paths = page.write(Findings.of(world.plan, world.store), [kind], tmp_path)
    assert [path.name for path in paths] == [f"{name}.{kind}" for name in TEXTS]
    paper = Paper(Findings(world.results))
    for path in paths:
        table = pl.read_csv(path) if kind == "csv" else pl.read_parquet(path)
        own = paper.tables[path.stem]
        assert table.columns == own.columns
        for name in own.columns:
            if own[name].dtype == pl.Float64 and not own[name].is_null().all():
                assert table[name].to_list() == pytest.approx(own[name].to_list(), abs=1e-4, nan_ok=True)
            elif own[name].dtype == pl.String:
                assert table[name].cast(pl.String).to_list() == own[name].to_list()


def test_every_column_is_documented():
    sections = DOCUMENT.read_text().split("\n## ")[1:]
    stated = {
        section.split("`")[1].removesuffix(".csv"): re.findall(r"^\| `(\w+)` ", section, re.MULTILINE)
        for section in sections
        if section.startswith("`")
    }
    assert stated == {
        "results": [*SCHEMA, *MEASURES, "at_chance"],
        "effects": list(frames.EFFECTS),
        "verdicts": list(frames.VERDICTS),
    }


def test_the_interval_of_a_negative_correlation_holds_it(world, monkeypatch):
    """Also on the card of a model: a correlation may be below zero."""
    results = world.results
    first, *others = results.targets
    changed = replace(first, metric="pearson_correlation")
    monkeypatch.setitem(results.__dict__, "targets", (changed, *others))
    cell = next(one for one in world.plan.cells if one.target == first.name and not one.reference)
    low = Resampled(-20.0, np.linspace(-30.0, -10.0, statistics.RESAMPLES))
    monkeypatch.setitem(results.__dict__, "drawn", {(cell.evaluation, code): low for code in LANGUAGES})
    found = list(card._measured(Findings(results), cell))
    assert len(found) == len(LANGUAGES) + 1
    assert all(one.low < one.value == -20 < one.high < 0 for one in found)
