"""Controls of targets about images in the report: beside the scores, in claims; what is said without them."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from analysis import example
from pictures import CONTROLS, planned, study
from xstilts.analysis.claims import judge, lines_of, targets_of
from xstilts.analysis.effects import EFFECT, Effects, Quantity
from xstilts.analysis.findings import Findings
from xstilts.analysis.results import Line, Results
from xstilts.analysis.transfer import maps
from xstilts.analysis.wording import line_label
from xstilts.report import page
from xstilts.report.charts import by_language
from xstilts.report.markdown import markdown
from xstilts.report.paper import Paper
from xstilts.report.tables import effect_grid, score_grid
from xstilts.store import Store
from xstilts.study.claim import Claim
from xstilts.study.load import load
from xstilts.study.phase import Evaluation, Phase, chain
from xstilts.study.plan import Plan, plan

if TYPE_CHECKING:
    from conftest import World

LABELS = {
    "shuffled-images": "images shuffled",
    "text-only": "text only",
    "image-only": "image only",
    "caption-only": "caption for image",
    "translate-test": "text translated",
}
ODDS = {"all": 2.0, "shuffled": -2.5, "text": -2.5, "image": -0.7, "caption": 2.2, "translated": 1.3}
SCRATCH = "scratch"


def odds(one: Evaluation) -> float:
    """Log-odds of a right answer: the images are used, and the arm `mood` helps."""
    phases = [model for model in chain(one.model) if isinstance(model, Phase)]
    if one.model is None:
        return -0.7
    helped = 0.8 if len(phases) > 1 and one.use.view != "shuffled" else 0.0
    return ODDS[one.use.view] + helped if one.use.family == "visual" else 0.5


def computed(plan: Plan, folder: Path) -> tuple[Effects, Store]:
    """A store with results of all steps."""
    store = Store(folder)
    store.prepare()
    for step in plan.steps:
        match step.specification:
            case Phase() as phase:
                example.write_phase(store, phase)
            case Evaluation() as one:
                example.write_evaluation(store, one, lambda code, one=one: odds(one), 1)
    return Effects(Results(plan, store)), store


@pytest.fixture
def effects(world: "World", tmp_path: Path) -> Effects:
    return computed(planned(world, "majority", *CONTROLS), tmp_path / "store")[0]


def test_every_score_stands_beside_its_controls(effects: Effects) -> None:
    (target,) = effects.results.targets
    names = [name for name, _ in score_grid(Findings(effects.results), target).rows]
    assert names[:2] == ["none", "mood"]
    assert set(names) == {
        *("none", "mood", "majority class", *LABELS.values()),
        *("mood, images shuffled", "mood, text translated"),
    }
    rows = {name: entries for name, entries, *_ in effect_grid(Findings(effects.results), SCRATCH).rows}
    assert set(rows) == {"none", "mood", "majority class", *LABELS.values()}
    assert rows["none"][0].text > rows["text only"][0].text


def test_controls_are_scores_and_no_tested_effects(effects: Effects) -> None:
    kinds = {cell.row: cell.kind for cell in maps(effects)[SCRATCH]}
    assert kinds == {"none": "score", "mood": "effect", "majority class": "score"} | dict.fromkeys(
        LABELS.values(), "score"
    )


def test_a_control_of_every_arm_is_compared_with_its_own_arm(effects: Effects) -> None:
    for name, arm in (("shuffled-images", "mood"), ("translate-test", "mood"), ("text-only", "none")):
        assert effects.against(Line(SCRATCH, "mood"), name) == Line(SCRATCH, arm, name)
        assert effects.against(Line(SCRATCH, "none"), name) == Line(SCRATCH, "none", name)
    used = effects.estimate(Quantity("difference", "all", "shuffled-images"), Line(SCRATCH, "mood"), "xvnli")
    assert used is not None and used.low > 20


def test_a_claim_against_a_control_is_judged(effects: Effects) -> None:
    claims = (
        Claim(
            says="Images are used", arms=("none", "mood"), against="shuffled-images", languages=("fr", "en")
        ),
        Claim(says="The text alone does it", arms=("none",), against="text-only", relation="<"),
        Claim(
            says="Captions do as well",
            arms=("none",),
            against="caption-only",
            relation="<",
            languages="source",
        ),
    )
    plan = effects.results.plan
    judged = Plan(plan.study.changed(claims=claims), plan.steps, plan.cells, plan.places)
    found = Effects(Results(judged, effects.results.store))
    verdicts = judge(found)
    assert [one.verdict for one in verdicts[:2]] == ["confirmed", "refuted"]
    assert [part.name for part in verdicts[0].parts] == ["none − shuffled-images", "mood − shuffled-images"]
    assert targets_of(found.results, claims[2]) == ("xvnli",)
    assert {line_label(line) for line in lines_of(found, claims[0])} == {
        *("none", "mood", "images shuffled", "mood, images shuffled"),
    }


def test_the_report_says_it_in_words_tables_and_pictures(effects: Effects, tmp_path: Path) -> None:
    findings = Findings(effects.results)
    paper = Paper(findings)
    (told,) = [text for text in paper.results if text.startswith("Controls on xvnli:")]
    for name in LABELS.values():
        assert f"{name} " in told
        assert name in markdown(paper).decode()
    assert by_language(findings, SCRATCH) is not None
    (path,) = page.write(findings, ["html"], tmp_path)
    text = path.read_text()
    assert all(name in text for name in LABELS.values())
    assert "snli_ve-text" in text, "what a control was trained on"
    latex = page.write(findings, ["latex"], tmp_path / "latex")
    tables = [one.read_text() for one in latex if one.name in ("scores-xvnli.tex", "transfer.tex")]
    assert len(tables) == 2
    assert all(name in table for name in LABELS.values() for table in tables)


def test_targets_about_text_have_no_empty_rows(world: "World", tmp_path: Path) -> None:
    planned(world)
    path = study(world, "text-only", "shuffled-images")
    path.write_text(path.read_text().replace('tasks = ["xvnli"]', 'tasks = ["xvnli", "./mood.py"]'))
    effects, _ = computed(plan(load(path), world.folder / "data"), tmp_path / "store")
    assert not effects.results.missing
    grids = {target.name: score_grid(Findings(effects.results), target) for target in effects.results.targets}
    assert [name for name, _ in grids["mood"].rows] == ["none", "mood"]
    cells = {(cell.row, cell.column): cell for cell in maps(effects)[SCRATCH]}
    assert cells["text only", "mood"].kind == cells["text only", "mean"].kind == "absent"
    assert cells["text only", "xvnli"].kind == "score"
    assert not [cell for cell in cells.values() if cell.kind == "missing"]
    claim = Claim(says="Images help", arms=("none",), against="text-only")
    assert targets_of(effects.results, claim) == ("xvnli",)
    assert targets_of(effects.results, claim.changed(against="none")) == ("xvnli", "mood")
    assert page.write(Findings(effects.results), ["svg"], tmp_path)


@pytest.mark.parametrize(
    ("references", "warned"),
    [((), True), (("image-only",), True), (("text-only",), False), (("shuffled-images",), False)],
)
def test_without_a_control_the_report_says_what_it_does_not_know(
    world: "World", tmp_path: Path, references: tuple[str, ...], warned: bool
) -> None:
    effects, _ = computed(planned(world, *references), tmp_path / "store")
    texts = Findings(effects.results).limitations
    assert any("Nothing tells whether the images of xvnli are used" in text for text in texts) is warned
    assert EFFECT.against == "none"
