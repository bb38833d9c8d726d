"""Which rows a target is evaluated on, where mining finds its thresholds, and the study of the paper."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from xstilts.errors import InputErrors
from xstilts.study.load import load
from xstilts.study.phase import Evaluation, Phase
from xstilts.study.plan import Plan, draft, plan
from xstilts.study.sources import check_rows
from xstilts.study.study import BENCHMARKS, expand

STUDY = """
name = "targets"
question = "On what?"
references = ["majority"]
[backbones]
lab = {{ model = "lab" }}
[intermediate.arms]
none = []
[target]
tasks = ["{task}"]
{more}
[target.recipe]
max_length = 96
stride = 32
"""
CORPUS = {"xx": "a\tA\nb\tB\n", "en": "p\tP\nq\tQ\n", "gold": "a\tq\n"}
TAGS = "Anna\tB-PER\n\n"


def _plan(root: Path, task: str, files: dict[str, str], more: str = "") -> Plan:
    path = root / "study.toml"
    path.write_text(STUDY.format(task=task, more=more))
    data = root / "data"
    data.mkdir()
    for name, content in files.items():
        place = data / "target" / task / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content)
    return plan(load(path), data)


def _evaluation(found: Plan) -> Evaluation:
    specification = found.evaluation(next(cell for cell in found.cells if cell.arm == "none"))
    assert isinstance(specification, Evaluation)
    return specification


def _corpora(language: str, split: str) -> dict[str, str]:
    ends = {"xx": language}
    return {f"{language}-en.{split}.{ends.get(end, end)}": text for end, text in CORPUS.items()}


def test_dev_is_evaluated_where_there_are_no_test_rows_and_the_plan_says_so(tmp_path: Path) -> None:
    files = {f"{name}.tsv": TAGS for name in ("train-en", "dev-en", "dev-de")}
    found = _plan(tmp_path, "panx", files)
    use = _evaluation(found).use
    assert (use.split, use.languages) == ("dev", ("de", "en"))
    assert found.notes[0] == "panx: evaluated on dev, for there is no test data"
    assert not [note for note in found.notes if "checkpoints" in note]


def test_a_score_on_the_rows_that_choose_checkpoints_is_noted(tmp_path: Path) -> None:
    files = {f"{name}.tsv": TAGS for name in ("train-en", "dev-en", "dev-de")}
    choosing = '[target.recipes.panx]\nselect = "best"\nevaluations = 2'
    notes = _plan(tmp_path, "panx", files, choosing).notes
    assert (
        "panx: its 'en' rows of dev choose the checkpoints too, so that score alone is a little too high"
        in notes
    )


def test_training_rows_are_evaluated_but_in_the_source_language(tmp_path: Path) -> None:
    answers = [{"text": "Rom", "answer_start": 3}]
    paragraph = {"context": "In Rom.", "qas": [{"id": "0", "question": "Wo?", "answers": answers}]}
    file = json.dumps({"data": [{"paragraphs": [paragraph]}]})
    files = {f"tydiqa.goldp.{language}.train.json": file for language in ("en", "ko", "sw")}
    found = _plan(tmp_path, "tydiqa", files)
    use = _evaluation(found).use
    assert (use.split, use.languages) == ("train", ("ko", "sw"))
    (trained,) = (step.specification for step in found.steps if isinstance(step.specification, Phase))
    assert [use.languages for use in trained.uses] == [("en",)]
    check_rows(found.steps, found.places)


def test_a_target_of_which_nothing_is_left_is_told(tmp_path: Path) -> None:
    file = '{"data": []}'
    files = {f"tydiqa.goldp.{language}.train.json": file for language in ("en", "ko")}
    with pytest.raises(InputErrors, match=r"the train rows of 'tydiqa' are in .* of which none is wanted"):
        _plan(tmp_path, "tydiqa", files, 'languages = ["en"]')


def test_thresholds_come_from_the_development_rows_of_the_same_languages(tmp_path: Path) -> None:
    files = {name: text for language in ("de", "fr") for name, text in _corpora(language, "test").items()}
    files |= {name: text for language in ("de", "fr") for name, text in _corpora(language, "dev").items()}
    found = _plan(tmp_path, "bucc2018", files)
    evaluation = _evaluation(found)
    assert evaluation.thresholds is not None
    assert (evaluation.use.split, evaluation.thresholds.split) == ("test", "dev")
    assert evaluation.use.languages == evaluation.thresholds.languages == ("de", "fr")
    assert not [note for note in found.notes if "threshold" in note]
    (tmp_path / "data/target/bucc2018/fr-en.dev.gold").write_text("no pair\n")
    with pytest.raises(InputErrors, match=r"fr-en.dev.gold:1: has 1 column"):
        check_rows(found.steps, found.places)


def test_thresholds_from_the_evaluated_rows_are_noted(tmp_path: Path) -> None:
    found = _plan(tmp_path, "bucc2018", _corpora("zh", "dev"))
    evaluation = _evaluation(found)
    assert evaluation.thresholds == evaluation.use
    assert "bucc2018: the threshold is chosen on the evaluated rows (dev)" in found.notes


def test_test_rows_without_development_rows_are_refused(tmp_path: Path) -> None:
    files = _corpora("de", "test") | _corpora("fr", "test") | _corpora("fr", "dev")
    with pytest.raises(InputErrors, match="'bucc2018': has no dev data in de, on which a threshold could be"):
        _plan(tmp_path, "bucc2018", files)


def test_of_a_part_of_the_rows_the_plan_tells_and_the_steps_are_others(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"

    def drafted(task: str, more: str) -> Plan:
        path.write_text(STUDY.format(task=task, more=more))
        return draft(load(path), None)

    part, whole = drafted("xnli", "test_examples = 300"), drafted("xnli", "")
    assert _evaluation(part) == _evaluation(whole).changed(examples=300)
    assert _evaluation(part).fingerprint != _evaluation(whole).fingerprint
    assert any("300 test rows of each language" in note for note in part.notes)
    assert _evaluation(drafted("tatoeba", "test_examples = 300")).examples is None


def test_only_mining_has_thresholds(tmp_path: Path) -> None:
    found = _plan(tmp_path, "lab_tatoeba", {})
    assert _evaluation(found).thresholds is None
    (tmp_path / "data").rmdir()
    assert _evaluation(_plan(tmp_path, "lab_bucc", {})).thresholds is not None


# XTREME and the paper


def test_xtreme_has_nine_tasks() -> None:
    assert len(set(BENCHMARKS["xtreme"])) == 9
    assert expand(("xtreme", "xnli", "xcopa")) == (*BENCHMARKS["xtreme"], "xcopa")


def test_the_study_of_the_paper_shares_the_training_on_squad() -> None:
    found = draft(load("phang2020"))
    assert len(found.cells) == 24 * 9 * 3 + 9
    phases: dict[tuple[str, int, str], set[str]] = {}
    for cell in found.cells:
        if cell.arm and cell.phases:
            phases.setdefault((cell.arm, cell.seed, cell.phases[-1]), set()).add(cell.target)
    shared = [targets for targets in phases.values() if len(targets) > 1 and "tatoeba" not in targets]
    assert len(shared) == 24 * 3
    assert all(targets == {"xquad", "mlqa"} for targets in shared)
    missing = {"task 'ccg'", "task 'bucc2018'", "task 'mnli'"}  # of mnli the translations
    assert {str(error).split(":")[0] for error in found.errors} == missing


def test_checking_it_needs_no_torch_and_tells_what_is_not_on_the_hub(tmp_path: Path) -> None:
    program = (
        "import sys; from xstilts import __main__ as commands\n"
        f"sys.argv = ['xstilts', 'check', 'phang2020', '--store', {str(tmp_path / 'store')!r}]\n"
        "try: commands.main()\n"
        "finally: print(*sorted({'torch', 'transformers', 'huggingface_hub'} & set(sys.modules)), 'end')"
    )
    surroundings = {name: value for name, value in os.environ.items() if name != "XSTILTS_DATA"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=surroundings)
    assert done.returncode == 2
    assert "501" in done.stdout, "phases"
    assert done.stdout.splitlines()[-1] == "end"
    missing = ["task 'ccg'", "task 'mnli'", "task 'bucc2018'"]
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == missing
