"""`xstilts export`: what a study predicted, laid out as `xstilts score` and XTREME's evaluator read it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from predictions import LAB, TARGETS, predicted
from xstilts.errors import InputError, StudyError
from xstilts.store import Store
from xstilts.study.load import load
from xstilts.study.plan import plan
from xstilts.xtreme import layouts
from xstilts.xtreme.export import export
from xstilts.xtreme.score import score

if TYPE_CHECKING:
    from conftest import World


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "store")
    made.prepare()
    return made


def test_a_folder_for_each_arm_and_seed(world: "World", store: Store, tmp_path: Path) -> None:
    found = plan(load(world.study()))
    predicted(found, store, {"mood": ["yes", "no"], "search": [0]})
    written = export(found, store, tmp_path / "out")
    assert [folder.name for folder in written.folders] == [
        "none-seed1",
        "none-seed2",
        "mood-seed1",
        "mood-seed2",
    ]
    assert written.missing == written.lost == written.unlike == ()
    assert (tmp_path / "out" / "mood-seed2" / "mood" / "test-de.tsv").read_text() == "yes\nno\n"
    assert (tmp_path / "out" / "none-seed1" / "search" / "test-en.tsv").read_text() == "0\n"


@pytest.mark.parametrize("out", ["file", "file/out"])
def test_a_folder_that_cannot_be_written_is_named(
    world: "World", store: Store, tmp_path: Path, out: str
) -> None:
    found = plan(load(world.study()))
    predicted(found, store, {"mood": ["yes", "no"], "search": [0]})
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot be written \(.*\)\. Name another folder with --out"):
        export(found, store, tmp_path / out)


def test_what_is_not_computed_is_named(world: "World", store: Store, tmp_path: Path) -> None:
    written = export(plan(load(world.study())), store, tmp_path / "out")
    assert written.folders == ()
    assert "mood-seed1/mood" in written.missing
    assert not (tmp_path / "out").exists()


def test_a_part_of_the_rows_is_no_submission(world: "World", store: Store, tmp_path: Path) -> None:
    study = load(world.study())
    part = plan(study.changed(target=study.target.changed(test_examples=1)))
    with pytest.raises(StudyError, match="a part of the test rows"):
        export(part, store, tmp_path / "out")


def test_every_layout_is_read_back(world: "World", store: Store, tmp_path: Path) -> None:
    found = plan(load(world.study(text=LAB)))
    size = 300
    answers = {
        "lab_qa": [f"answer {row}" for row in range(size)],
        "lab_pos": [["NOUN", "VERB"], ["X"]] * (size // 2),
        "lab_tatoeba": list(range(size)),
    }
    predicted(found, store, answers)
    (folder,) = export(found, store, tmp_path / "out").folders
    questions = json.loads((folder / "lab_qa" / "test-x-ga.json").read_text())
    assert questions["x-ga7"] == "answer 7"
    assert layouts.sentences((folder / "lab_pos" / "test-x-ga.tsv").read_text())[:2] == [
        ("NOUN", "VERB"),
        ("X",),
    ]
    rows = layouts.lines((folder / "lab_tatoeba" / "test-x-ga.tsv").read_text())
    assert sorted(map(int, rows)) == answers["lab_tatoeba"]
    assert rows != [str(row) for row in answers["lab_tatoeba"]], (
        "in the order of the sorted English sentences"
    )
    itself = score("lab_tatoeba", folder, folder)
    assert itself["average"] == {"accuracy": 100.0}


@pytest.mark.parametrize(("end", "last"), [("", []), ("\n\n\n", [(), ()])])
def test_every_further_blank_line_of_the_data_is_an_empty_sentence(
    world: "World", store: Store, tmp_path: Path, end: str, last: list[tuple[str, ...]]
) -> None:
    files = {
        "train-en": "Rome\tB-LOC\n\n",
        "dev-de": f"\nRom\tB-LOC\nist\tO\n\n\n \nda\tO\n{end}",
    }
    folder = tmp_path / "data" / "target" / "panx"
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / f"{name}.tsv").write_text(text)
    found = plan(load(world.study(("TASK", "panx"), ("LANGUAGE", "de"), text=TARGETS)), tmp_path / "data")
    predicted(found, store, {"panx": [["B-PER", "O"], ["I-LOC"]]})
    exported = export(found, store, tmp_path / "out")
    assert exported.unlike == ("panx: these are the rows of dev; a submission has those of test.",)
    (written,) = exported.folders
    text = (written / "panx" / "test-de.tsv").read_text()
    # What the official evaluator's read_tag makes of the tags of the data, line by line.
    gold = "".join(line.partition("\t")[2].strip() + "\n" for line in files["dev-de"].splitlines())
    assert layouts.sentences(gold) == [(), ("B-LOC", "O"), (), (), ("O",), *last]
    assert layouts.sentences(text) == [(), ("B-PER", "O"), (), (), ("I-LOC",), *last]


def test_questions_that_share_an_id_are_told(world: "World", store: Store, tmp_path: Path) -> None:
    found = plan(load(world.study(text=LAB.replace(', "lab_pos", "lab_tatoeba"', ""))))
    answers = {"lab_qa": [f"answer {row}" for row in range(300)]}
    predicted(found, store, answers, lambda language, row: "5" if row == 7 else str(row))
    written = export(found, store, tmp_path / "out")
    (line,) = written.lost
    assert line.endswith("test-x-ga.json: 1 of 300 questions share their id with a later one.")
    questions = json.loads((written.folders[0] / "lab_qa" / "test-x-ga.json").read_text())
    assert (len(questions), questions["5"]) == (299, "answer 7")
