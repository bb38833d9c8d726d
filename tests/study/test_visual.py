"""Targets about images: the cells of their controls, what these share, what is refused before a run."""

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pictures import CONTROLS, laid, planned, study
from shell import Shell
from xstilts.errors import InputErrors
from xstilts.run.cost import tokens_of
from xstilts.study.load import load
from xstilts.study.phase import Evaluation, Phase, chain
from xstilts.study.plan import Cell, Plan, draft, plan
from xstilts.study.sources import check_rows, look
from xstilts.study.use import Use

if TYPE_CHECKING:
    from conftest import World


def cells(found: Plan, reference: str) -> list[Cell]:
    return [cell for cell in found.cells if cell.reference == reference]


def trained(found: Plan, cell: Cell) -> Use:
    """The rows on which the target of a cell was trained."""
    phase = found.evaluation(cell).model
    assert isinstance(phase, Phase)
    return phase.uses[0]


def told(path: Path, data: Path | None = None) -> str:
    with pytest.raises(InputErrors) as raised:
        plan(load(path), data)
    return str(raised.value)


def test_every_control_has_its_cells(world: "World") -> None:
    found = planned(world, "majority", *CONTROLS)
    counted = Counter((cell.arm, cell.reference) for cell in found.cells)
    assert counted == {
        ("none", ""): 2,
        ("mood", ""): 2,
        ("none", "shuffled-images"): 2,
        ("mood", "shuffled-images"): 2,
        ("none", "translate-test"): 2,
        ("mood", "translate-test"): 2,
        ("none", "text-only"): 2,
        ("none", "image-only"): 2,
        ("none", "caption-only"): 2,
        ("", "majority"): 1,
    }


@pytest.mark.parametrize("reference", ["shuffled-images", "translate-test"])
def test_what_is_asked_otherwise_is_trained_once(world: "World", reference: str) -> None:
    found = planned(world, reference)
    own = {(cell.arm, cell.seed): cell for cell in cells(found, "")}
    for cell in cells(found, reference):
        plain = own[cell.arm, cell.seed]
        assert cell.phases == plain.phases
        assert cell.evaluation != plain.evaluation
        assert found.evaluation(cell).trained_by == found.evaluation(plain).trained_by


@pytest.mark.parametrize("reference", ["text-only", "image-only", "caption-only"])
def test_what_is_trained_otherwise_is_asked_otherwise(world: "World", reference: str) -> None:
    found = planned(world, reference)
    view = reference.removesuffix("-only")
    for cell in cells(found, reference):
        evaluation = found.evaluation(cell)
        assert (evaluation.use.view, trained(found, cell).view) == (view, view)
        assert trained(found, cell).development is not None
        assert f"-{view}-" in evaluation.name
        assert (evaluation.use.images == "") == (reference != "image-only")
    assert all(trained(found, cell).view == "all" for cell in cells(found, ""))


def test_translated_rows_are_those_of_the_release(world: "World") -> None:
    found = planned(world, "translate-test")
    translated, plain = (
        found.evaluation(cells(found, reference)[0]).use for reference in ("translate-test", "")
    )
    assert (translated.split, translated.view) == ("test-translated", "translated")
    assert translated.languages == plain.languages == ("en", "fr")
    assert translated.data[0] == plain.data[0], "English is not translated"
    assert translated.data[1] != plain.data[1]
    assert translated.images == plain.images


def test_missing_translations_are_told_by_language(world: "World") -> None:
    data = laid(world.folder / "data")
    (data / "target/xvnli/annotations_machine-translate/fr/test.jsonl").unlink()
    text = told(study(world, "translate-test"), data)
    assert "no test-translated data of task 'xvnli' in 'fr': looked for target/xvnli/annotations_mac" in text


def test_images_are_part_of_the_identity_of_what_shows_them(world: "World") -> None:
    before = planned(world, "text-only")
    (world.folder / "data/images/flickr30k/0.jpg").write_bytes(b"another")
    after = planned(world, "text-only")
    for reference, same in (("", False), ("text-only", True)):
        one, other = (cells(each, reference)[0].evaluation for each in (before, after))
        assert (one == other) is same


def test_a_study_without_images_has_the_fingerprints_that_it_had(world: "World") -> None:
    path = world.study()
    plain = plan(load(path))
    (world.folder / "images").mkdir()
    pictured = plan(load(path), images=world.folder / "images")
    assert [step.fingerprint for step in plain.steps] == [step.fingerprint for step in pictured.steps]
    evaluation = next(s.specification for s in plain.steps if isinstance(s.specification, Evaluation))
    assert not {"view", "images"} & json.loads(evaluation.use.canonical).keys()


def test_retrieval_and_text_targets_have_no_controls(world: "World") -> None:
    laid(world.folder / "data")
    path = study(world, "text-only", "shuffled-images")
    path.write_text(path.read_text().replace('tasks = ["xvnli"]', 'tasks = ["xvnli", "./mood.py"]'))
    found = plan(load(path), world.folder / "data")
    assert {cell.target for cell in found.cells if cell.reference} == {"xvnli"}
    assert {cell.target for cell in found.cells if not cell.reference} == {"xvnli", "mood"}


def test_controls_stand_where_there_is_no_arm_none(world: "World") -> None:
    laid(world.folder / "data")
    path = study(world, "text-only")
    path.write_text(path.read_text().replace("none = []\n", "").split("[[claims]]")[0])
    found = plan(load(path), world.folder / "data")
    assert {cell.arm for cell in cells(found, "text-only")} == {"none"}
    assert all(len(list(chain(found.evaluation(c).model))) == 2 for c in cells(found, "text-only"))


def test_the_lab_needs_no_folder_and_translates_without_fault(world: "World") -> None:
    path = study(world, *CONTROLS)
    path.write_text(path.read_text().replace('["xvnli"]', '["lab_vnli"]'))
    found = plan(load(path))
    assert {cell.reference for cell in found.cells} == {"", *CONTROLS}
    (use,) = {found.evaluation(cell).use for cell in cells(found, "translate-test")}
    assert set(use.data) == {found.evaluation(cells(found, "")[0]).use.data[use.languages.index("x-en")]}
    assert use.images == ""
    assert look(found.steps, found.places)[1] == ()


# What is refused


@pytest.mark.parametrize("control", CONTROLS)
def test_controls_need_a_target_about_images(world: "World", control: str) -> None:
    question = 'question = "Does mood help?"'
    path = world.study((question, f'{question}\nreferences = ["{control}"]'))
    text = told(path)
    assert f"references: '{control}' is a control of targets about images, and no target can have it" in text
    assert "'mood': it is about text alone; 'search': it is about text alone" in text


def test_a_control_that_no_target_can_have_is_told_why(world: "World") -> None:
    path = study(world, "caption-only", "translate-test")
    path.write_text(path.read_text().replace('["xvnli"]', '["marvl", "nlvr2"]').replace('"xvnli"', '"marvl"'))
    text = told(path)
    assert "('marvl': its rows have no captions; 'nlvr2': its rows have no captions)" in text
    assert "translate-test" not in text, "marvl has translations"
    path.write_text(path.read_text().replace('["marvl", "nlvr2"]', '["nlvr2"]'))
    assert "('nlvr2': its release keeps no translations of the evaluated rows)" in told(path)


def test_unknown_and_repeated_references(world: "World") -> None:
    assert "Did you mean 'text-only'?" in told(study(world, "text_only"))
    assert "references: names 'text-only' more than once" in told(study(world, "text-only", "text-only"))


def test_no_folder_of_images_is_told_once(world: "World") -> None:
    data = laid(world.folder / "data")
    (data / "images").rename(world.folder / "pictures")
    assert sorted(told(study(world, "shuffled-images"), data).splitlines()) == [
        f"task '{name}': has images, and their folder is not known. Name their folder with --images DIR or "
        "XSTILTS_IMAGES, laid out as in docs/multimodal.md."
        for name in ("snli_ve", "xvnli")
    ]
    assert (
        plan(load(study(world)), data, world.folder / "pictures").places.images == world.folder / "pictures"
    )


def test_all_missing_images_are_counted(world: "World") -> None:
    data = laid(world.folder / "data", images=0)
    (data / "images/flickr30k/2.jpg").write_bytes(b"")
    found = planned(world, "shuffled-images")
    messages = sorted(map(str, look(found.steps, found.places)[1]))
    assert [message.split(" Name")[0] for message in messages] == [
        "task 'snli_ve': 3 of 4 images are not there: 0, 1, 3.",
        "task 'xvnli': 3 of 4 images are not there: 0, 1, 3.",
    ]
    with pytest.raises(InputErrors, match="3 of 4 images are not there"):
        check_rows(found.steps, found.places)


def test_many_missing_images_are_not_all_named(world: "World", monkeypatch: pytest.MonkeyPatch) -> None:
    laid(world.folder / "data", images=0)
    found = planned(world)
    monkeypatch.setattr("xstilts.study.sources.SHOWN", 2)
    (one, *_) = look(found.steps, found.places)[1]
    assert "4 of 4 images are not there: 0, 1 and 2 more." in str(one)


def test_images_that_no_step_shows_need_not_be_there(world: "World") -> None:
    laid(world.folder / "data", images=0)
    found = planned(world, "text-only")
    blind = [step for step in found.steps if "-text" in step.name]
    assert len(blind) == 4
    assert look(blind, found.places)[1] == ()
    check_rows(blind, found.places)


def test_a_row_that_names_a_path_elsewhere_is_told(world: "World") -> None:
    data = laid(world.folder / "data")
    path = data / "target/xvnli/fr/test.jsonl"
    path.write_text(path.read_text().replace('"Flikr30kID": "3"', '"Flikr30kID": "../../secret"'))
    found = planned(world)
    messages = "\n".join(map(str, look(found.steps, found.places)[1]))
    assert "the image name '../../secret' is no path below a folder" in messages


def test_running_is_refused_where_a_model_reads_text_alone(world: "World") -> None:
    found = planned(world, "majority", "text-only")
    with pytest.raises(InputErrors) as raised:
        check_rows(found.steps, found.places)
    messages = [str(error) for error in raised.value.errors]
    assert messages and all("shows images to a model" in message for message in messages)
    assert not any("-text-" in message or "majority" in message for message in messages)


# Commands


def test_check_names_the_folder_and_counts_cells(
    world: "World", capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XSTILTS_IMAGES", raising=False)
    shell = Shell(capsys, monkeypatch)
    data = laid(world.folder / "data")
    path = study(world, "majority", *CONTROLS)
    status, output, complaint = shell("check", path, "--data", data, "--steps")
    assert (status, complaint) == (0, "")
    for line in ("none (shuffled-images)", "mood (translate-test)", "none (caption-only)"):
        assert line in output
    empty = world.folder / "empty"
    empty.mkdir()
    status, output, complaint = shell("check", path, "--data", data, "--images", empty, "--steps")
    assert status == 2
    assert "none (text-only)" in output, "the plan is shown nevertheless"
    assert "task 'xvnli': 4 of 4 images are not there: 0, 1, 2, 3." in complaint
    monkeypatch.setenv("XSTILTS_IMAGES", str(empty))
    assert shell("check", path, "--data", data)[0] == 2
    status, _, complaint = shell("run", path, "--data", data, "--images", data / "images")
    assert status == 2
    assert "shows images to a model" in complaint


# Claims


def claimed(world: "World", claim: str, *references: str) -> Path:
    path = study(world, *references)
    path.write_text(f"{path.read_text()}\n[[claims]]\nsays = 'x'\narms = ['none']\n{claim}\n")
    return path


def test_a_claim_may_be_against_a_control(world: "World") -> None:
    against = 'against = ["text-only", "shuffled-images"]\nlanguages = ["en", "fr"]'
    assert load(claimed(world, against, "text-only", "shuffled-images")).claims[1].opponents == (
        "text-only",
        "shuffled-images",
    )


@pytest.mark.parametrize(
    ("claim", "message"),
    [
        ('against = "text-only"', r"the study does not measure the reference 'text-only'"),
        ('against = "shuffled-image"', r"no arm named 'shuffled-image'. Did you mean 'shuffled-images'"),
        (
            'against = "caption-only"\ntargets = ["mood"]',
            r"claims\[2\].targets: 'mood' is not measured with the control 'caption-only'",
        ),
        (
            'against = "caption-only"\nquantity = "gain_over_random"',
            "is a difference of arms; 'caption-only' is a reference",
        ),
    ],
)
def test_claims_that_name_controls_wrongly(world: "World", claim: str, message: str) -> None:
    path = claimed(world, claim, "caption-only", "majority")
    path.write_text(path.read_text().replace('tasks = ["xvnli"]', 'tasks = ["xvnli", "./mood.py"]'))
    with pytest.raises(InputErrors, match=message):
        load(path)


def test_what_is_not_laid_into_the_data_folder_yet_has_a_cost_all_the_same(tmp_path: Path) -> None:
    """The release of GQA tells how many questions it has."""
    found = draft(load("multimodal"), tmp_path, tmp_path)
    assert found.errors
    steps = [step for step in found.steps if step.kind == "phase" and step.name == "gqa-seed1"]
    assert steps
    assert all(tokens_of(step, found.places) == 5 * 943_000 * 12 for step in steps)
