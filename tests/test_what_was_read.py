"""Records of steps and the report name the files that were read, and say where the release has other rows."""

import json
import shutil
from pathlib import Path

import xstilts
from xstilts.analysis.findings import Findings
from xstilts.compute import work
from xstilts.report import latex, markdown
from xstilts.report.paper import Paper
from xstilts.store import Store
from xstilts.study.load import load
from xstilts.study.plan import Plan, plan

PAIR = {"gold_label": "neutral", "sentence1": "A dog runs.", "sentence2": "It is late."}
STUDY = """
name = "told"
question = "?"
references = ["majority"]
[backbones]
tiny = { model = "lab" }
[intermediate.arms]
none = []
[target]
tasks = ["xnli"]
languages = ["en", "de"]
trained_by = { xnli = "nli_mix" }
[target.recipe]
max_length = 64
stride = 16
"""


def planned(folder: Path) -> Plan:
    (folder / "data/intermediate/nli_mix").mkdir(parents=True)
    (folder / "data/intermediate/nli_mix/train.jsonl").write_text((json.dumps(PAIR) + "\n") * 5)
    (folder / "data/target/xnli").mkdir(parents=True)
    for language, rows in (("en", 3), ("de", 2)):
        file = folder / f"data/target/xnli/test-{language}.tsv"
        file.write_text("A dog runs.\tIt is late.\tneutral\n" * rows)
    (folder / "study.toml").write_text(STUDY)
    return plan(load(folder / "study.toml"), folder / "data")


def test_records_and_reports_name_the_files(tmp_path: Path) -> None:
    found, store = planned(tmp_path), Store(tmp_path / "store")
    store.prepare()
    (cell,) = [cell for cell in found.cells if cell.reference == "majority"]
    step = found.by_fingerprint[cell.evaluation]
    assert work.compute(step, store, found.places, lambda event: None) == "done"

    sources = (store.record(step.fingerprint) or {})["sources"]
    told = {(one["task"], one["split"], one["language"]): one for one in sources}
    trained = told["nli_mix", "train", "en"]
    assert trained["files"] == ["intermediate/nli_mix/train.jsonl"]
    assert (trained["rows"], trained["release"]) == (5, 17_244)
    assert trained["data"].startswith("sha256:")
    assert [told["xnli", "test", code]["rows"] for code in ("de", "en")] == [2, 3]
    assert str(tmp_path) not in json.dumps(sources)

    shutil.move(tmp_path / "data", tmp_path / "elsewhere")
    again = plan(load(tmp_path / "study.toml"), tmp_path / "elsewhere")
    paper = Paper(Findings.of(again, store))
    (data,) = [sheet for sheet in paper.sheets if sheet.title == "Data"]
    files, rows, release = "intermediate/nli_mix/train.jsonl", "5 rows", "17,244"
    assert ("nli_mix", "train", "en", files, rows, release) in data.rows
    trained_on = "Not the whole release: nli_mix, train, en: 5 rows; the release has 17,244."
    tested_on = "Not the whole release: xnli, test, de en: 2 to 3 rows, in all 5; the release has 5,010 each."
    assert paper.findings.limitations[-2:] == [trained_on, tested_on]
    assert files in markdown.markdown(paper).decode()
    written = latex.folder(paper, [])
    assert r"\input{tables/data}" in written["main.tex"].decode()
    assert r"nli\_mix/\allowbreak{}train.jsonl" in written["tables/data.tex"].decode()
    assert not any("Williams" in text for text in paper.references), "MultiNLI was not read"
    assert any("Kaushik" in text for text in paper.references)


def test_a_check_in_python_names_them_too(tmp_path: Path) -> None:
    planned(tmp_path)
    found = xstilts.Study.load(str(tmp_path / "study.toml")).check(data=tmp_path / "data")
    told = {(one.task, one.split, one.language): (one.files, one.rows) for one in found.sources}
    assert told["nli_mix", "train", "en"] == (("intermediate/nli_mix/train.jsonl",), 5)
    trained_on = "Not the whole release: nli_mix, train, en: 5 rows; the release has 17,244"
    assert trained_on in found.notes
    assert trained_on in repr(found)
    assert f"<li>{trained_on}</li>" in found._repr_html_()
