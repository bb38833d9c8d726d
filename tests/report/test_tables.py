"""Files for other programs: the same bytes for the same results, and readable by those programs."""

import io

import polars as pl

from xstilts.report import page, tables
from xstilts.report.effects import Effects
from xstilts.report.results import SCHEMA

from .example import make

FORMATS = ["csv", "parquet", "latex", "markdown"]


def test_two_runs_give_identical_bytes(tmp_path):
    written = []
    for number in (1, 2):
        world = make(tmp_path / f"{number}", (1,))
        paths = page.write(world.plan, world.store, FORMATS, tmp_path / f"out{number}")
        written.append({path.name: path.read_bytes() for path in paths})
    assert list(written[0]) == ["results.csv", "results.parquet", "results.tex", "results.md"]
    assert written[0] == written[1]


def test_csv_reads_back(torn_world):
    results = torn_world.results
    table = pl.read_csv(io.BytesIO(tables.csv(results)))
    assert table.columns == list(SCHEMA)
    assert table["value"].null_count() == results.table["value"].null_count() > 0
    first = tables.csv(results).decode().splitlines()[1].split(",")
    assert first[:5] == ["example", "lab-mini", "none", '""', "lab_nli"]
    assert len(first[12].split(".")[1]) == tables.DECIMALS


def test_parquet_reads_back(world):
    assert pl.read_parquet(io.BytesIO(tables.parquet(world.results))).equals(world.results.table)


def test_markdown_has_a_row_for_each_arm(torn_world):
    text = tables.markdown(Effects(torn_world.results)).decode()
    assert "| nli | **+" in text
    assert "| missing |" in text
    assert "## lab_tatoeba, retrieval accuracy" in text


def test_latex_is_escaped(world):
    text = tables.latex(Effects(world.results)).decode()
    assert r"lab\_nli" in text
    assert "−" not in text
    assert text.count(r"\begin{tabular}") == text.count(r"\bottomrule") == 5
    assert tables._tex("50 % of {x} & ~y") == r"50 \% of \{x\} \& \textasciitilde{}y"
