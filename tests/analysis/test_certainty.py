"""How sure models are: measured as by hand, resampled with scores; a planted overconfidence is told."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from xstilts import lab
from xstilts.analysis import certainty, claims, frames, statistics
from xstilts.analysis.effects import Effects, Quantity
from xstilts.analysis.findings import Findings
from xstilts.analysis.pools import Pool
from xstilts.analysis.results import Line, Results
from xstilts.errors import DamageError
from xstilts.metrics import calibration
from xstilts.study.claim import MEASURES, Claim

from .certain import EXCESS, make, rewrite
from .example import TRANSFER

NONE, NLI, TAGS = (Line("lab-mini", arm) for arm in ("none", "nli", "tags"))
MAJORITY = Line("", "", "majority")
TARGETS = ("lab_nli", "lab_pairs", "lab_ner")


@pytest.fixture(scope="module")
def certain(tmp_path_factory):
    return make(tmp_path_factory.mktemp("certain"))


@pytest.fixture(scope="module")
def effects(certain):
    return Effects(certain.results)


def measured(measure, languages="transfer", kind="score"):
    return Quantity(kind, languages, measure=measure)


def stored(world, line, target, language, seed):
    """Confidences, right or not, Brier scores of every decision, and the rows that they are of."""
    (cell,) = [
        one
        for one in world.plan.cells
        if (one.backbone, one.arm, one.reference, one.target, one.seed) == (*line, target, seed)
    ]
    frame = pl.read_parquet(world.store.folder(cell.evaluation) / "predictions.parquet")
    own = frame.filter(language=language).explode("doubt", "brier")
    right = (own["gold"] == own["predicted"]).to_numpy()
    return 1 - own["doubt"].cast(pl.Float64).to_numpy(), right, own["brier"].to_numpy(), own["index"]


def test_measures_are_those_of_the_kept_numbers(certain, effects):
    for measure in MEASURES:
        sample = effects.sample(measured(measure, ("x-sa",)), NLI, ("lab_nli",))
        for seed, found in zip((1, 2, 3), sample.observed, strict=True):
            confidence, right, brier, _ = stored(certain, NLI, "lab_nli", "x-sa", seed)
            levels = calibration.levels(confidence, right)
            if measure == "calibration_error":  # corrected, but that of no calibrated model
                plain = calibration.calibration_error(confidence, right)
                assert abs(found - plain) < calibration.noise(confidence) / 2
                continue
            expected = {
                "brier_score": 100 * brier.mean(),
                "selective_accuracy": calibration.selective_accuracy(levels.counts, levels.right),
            }[measure]
            assert found == pytest.approx(expected, abs=1e-3)


def test_draws_are_those_of_the_scores(certain, monkeypatch):
    """The same examples in the same resample; Brier scores exactly, areas by groups of like confidence."""
    monkeypatch.setattr(statistics, "PSEUDO", 0)
    effects = Effects(certain.results)
    score = effects.sample(Quantity("score", ("x-sa",)), NONE, ("lab_nli",))
    pool = effects.results.pools["lab_nli"]["x-sa"]
    weights = statistics.multiplicities(f"lab_nli {pool.name}", pool.size)
    confidence, right, brier, rows = stored(certain, NONE, "lab_nli", "x-sa", 1)
    drawn = weights[:, pool.units[rows.to_numpy()]]
    shares = 100 * (drawn @ right) / drawn.sum(axis=1)
    assert score.draws[:, 0] == pytest.approx(shares - shares.mean() + score.observed[0])
    briers = effects.sample(measured("brier_score", ("x-sa",)), NONE, ("lab_nli",)).draws[:, 0]
    expected = 100 * (drawn @ brier) / drawn.sum(axis=1)
    assert briers == pytest.approx(expected - expected.mean() + briers.mean(), abs=1e-3)
    areas = effects.sample(measured("selective_accuracy", ("x-sa",)), NONE, ("lab_nli",)).draws[:, 0]
    by_hand = []
    for row in drawn[:200].astype(int):
        levels = calibration.levels(np.repeat(confidence, row), np.repeat(right, row))
        by_hand.append(float(calibration.selective_accuracy(levels.counts, levels.right)))
    assert np.corrcoef(by_hand, areas[:200])[0, 1] > 0.99
    assert np.std(by_hand) == pytest.approx(areas[:200].std(), rel=0.05)


def test_tags_have_a_decision_for_each_word(certain, effects):
    """Of three words the one in the middle is always right, the others where the names are."""
    found = effects.certainty.measured
    path, language = next(key for key in found if "ner" in str(certain.store.folder(key[0])))
    frame = pl.read_parquet(certain.store.folder(path) / "predictions.parquet").filter(language=language)
    brier = frame["brier"].explode().mean()
    assert frame["doubt"].list.len().unique().to_list() == [3]
    assert found[path, language].brier_score == pytest.approx(100 * brier, abs=1e-3)


def judged(world, *asked):
    plan = replace(world.plan, study=world.plan.study.changed(claims=asked))
    return [one.verdict for one in claims.judge(Effects(Results(plan, world.store)))]


def test_a_planted_overconfidence_is_told_and_a_calibrated_model_is_cleared(certain):
    where = {"of": "calibration_error", "targets": TARGETS}
    score = where | {"quantity": "score"}
    expected = {
        Claim(says="overconfident zero-shot", arms=("nli",), **where, margin=2.0): "confirmed",
        Claim(says="in the source too", arms=("nli",), **where, languages="source", margin=15.0): "refuted",
        Claim(says="not after tags", arms=("tags",), **where, relation="=", margin=6.0): "confirmed",
        Claim(says="well calibrated", arms=("none",), **score, relation="<", margin=9.0): "confirmed",
        Claim(says="noise is no error", arms=("none",), **score, margin=1.0): "undecided",
        Claim(says="but this is one", arms=("nli",), **score, margin=1.0): "confirmed",
        Claim(
            says="its gap", quantity="gap_difference", arms=("nli",), **where, margin=-2.0, relation="<"
        ): "confirmed",
    }
    assert judged(certain, *expected) == list(expected.values())


@pytest.mark.parametrize("more", [0.05, 0.1])
def test_differences_of_calibration_errors_are_covered(more):
    """A calibrated model shows noise alone, one that is too sure hardly any: it does not cancel."""
    pool = Pool("p", 400, np.arange(400))
    weights = statistics.multiplicities("p", 400)
    covered, differences = 0, []
    for seed in range(100):
        none, arm = (
            resampled(answered(400, excess, seed), pool, weights, f"{excess}")["calibration_error"]
            for excess in (0.0, more)
        )
        low, high = np.quantile(arm.draws - none.draws, [0.025, 0.975])
        covered += low <= 100 * more <= high
        differences.append(arm.observed - none.observed)
    assert covered >= 85
    assert np.mean(differences) == pytest.approx(100 * more, abs=2.5)


@pytest.mark.parametrize("excess", [0.0, 0.1])
def test_intervals_cover_what_endless_test_sets_would_show(excess):
    """Of a model that is calibrated, and of one that is too sure: the error is that, and no noise."""
    pool = Pool("p", 400, np.arange(400))
    weights = statistics.multiplicities("p", 400)
    truth = certainty.measured(answered(100_000, excess, 0))
    covered = dict.fromkeys(MEASURES, 0)
    for seed in range(1, 81):
        for name, one in resampled(answered(400, excess, seed), pool, weights, "none").items():
            low, high = np.quantile(one.draws, [0.025, 0.975])
            expected = 100 * excess if name == "calibration_error" else getattr(truth, name)
            covered[name] += low <= expected <= high
    assert min(covered.values()) >= 70, covered


def resampled(decisions, *where):
    return certainty.resampled(decisions, certainty.measured(decisions), *where)


@pytest.mark.parametrize("words", [1, 3])
def test_a_few_right_answers_are_not_certain(words):
    """20 of 20 right, all with the same confidence: accuracies down to 87 % would show that often enough."""
    n = 20 * words
    sure = certainty.Decisions(np.arange(n) // words, np.full(n, 0.02), np.full(n, 2 * 0.02**2), np.ones(n))
    pool, weights = Pool("p", 20, np.arange(20)), statistics.multiplicities("p", 20)
    found = resampled(sure, pool, weights, "arm", ("target", "en"))
    low, high = {}, {}
    for name, one in found.items():
        low[name], high[name] = np.quantile(one.draws, [0.025, 0.975])
    assert 80 < low["selective_accuracy"] < 92
    assert 15 < high["brier_score"] < 35
    assert 8 < high["calibration_error"] < 20


def test_one_text_tells_nothing_of_others():
    decisions, pool = answered(100, 0.1, 0), Pool("p", 1, np.zeros(100, dtype=np.int64))
    for one in resampled(
        decisions, pool, statistics.multiplicities("p", 1), "arm", ("target", "en")
    ).values():
        assert np.quantile(one.draws, 0.975) - np.quantile(one.draws, 0.025) > 180
        assert one.freedom is None


def answered(n, excess, seed):
    rng = np.random.default_rng(seed)
    confidence = rng.uniform(0.5, 1, n)
    right = rng.random(n) < confidence - excess
    brier = np.where(right, 2 * (1 - confidence) ** 2, 2 * confidence**2)
    return certainty.Decisions(np.arange(n), 1 - confidence, brier, right.astype(float))


def test_a_calibrated_model_shows_what_chance_shows(certain, effects):
    found = [one for key, one in effects.certainty.measured.items() if is_of(certain, key[0], "none")]
    assert np.mean([one.calibration_error for one in found]) == pytest.approx(
        np.mean([one.noise for one in found]), rel=0.1
    )
    over = [
        one
        for (key, code), one in effects.certainty.measured.items()
        if code != lab.BASE and is_of(certain, key, "nli")
    ]
    assert np.mean([one.calibration_error for one in over]) == pytest.approx(100 * EXCESS, abs=3)


def is_of(world, fingerprint, arm):
    return any((one.evaluation, one.arm) == (fingerprint, arm) for one in world.plan.cells)


def test_what_kept_no_probabilities_has_no_measures(world, effects):
    """A store of an earlier release is read as ever; majority answers and retrieval keep nothing."""
    old = Effects(world.results)
    assert old.certainty.targets == ()
    assert old.estimate(measured("calibration_error"), NONE, "lab_nli") is None
    assert old.estimate(Quantity("score"), NONE, "lab_nli") is not None
    assert effects.estimate(measured("calibration_error"), MAJORITY, "lab_nli") is None
    assert effects.estimate(measured("calibration_error"), NONE, "lab_tatoeba") is None
    assert [target.name for target in effects.certainty.targets] == list(TARGETS)
    claim = Claim(says="sure", arms=("nli",), of="brier_score", targets=("lab_nli",))
    plan = replace(world.plan, study=world.plan.study.changed(claims=(claim,)))
    (verdict,) = claims.judge(Effects(Results(plan, world.store)))
    assert verdict.verdict == "undecided"
    assert "kept no probabilities" in verdict.evidence


def test_a_claim_without_targets_is_about_those_that_say_how_sure_they_are(certain):
    claim = Claim(says="sure", arms=("nli",), of="brier_score")
    assert claims.targets_of(certain.results, claim) == TARGETS


def test_the_tables_have_the_measures(certain):
    kept = tuple(cell for cell in certain.plan.cells if cell.target in ("lab_nli", "lab_tatoeba"))
    found = Findings(Results(replace(certain.plan, cells=kept), certain.store))
    scores = found.scores.filter(target="lab_nli", reference="arm")
    assert scores.select(MEASURES).null_count().sum_horizontal().item() == 0
    assert found.scores.filter(target="lab_tatoeba")["brier_score"].null_count() == len(
        found.scores.filter(target="lab_tatoeba")
    )
    rows = found.effects.filter(quantity="calibration_error_difference", target="lab_nli", arm="nli")
    assert rows["level"].unique().sort().to_list() == ["language", "transfer"]
    (row,) = rows.filter(level="transfer").iter_rows(named=True)
    assert row["low"] > 0
    assert row["metric"] == "calibration_error"
    assert row["p"] <= row["p_corrected"] < 0.05
    assert set(found.effects.columns) == set(frames.EFFECTS)
    errors = found.effects.filter(quantity="calibration_error", arm="none", level="language")
    assert (errors["estimate"] == 0).any(), "corrected errors of a calibrated model, some below zero"
    assert (errors["low"] <= errors["estimate"]).all()
    assert errors["estimate"].is_between(0, errors["high"]).all()
    areas = found.effects.filter(quantity="selective_accuracy", arm="none", level="language")
    assert areas["estimate"].is_between(0, 100).all()


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("doubt", [-0.5], "confidences that are none"),
        ("doubt", [float("nan")], "confidences that are none"),
        ("brier", [3.0], "confidences that are none"),
        ("doubt", [0.1, 0.1], "one confidence for each"),
    ],
)
def test_confidences_that_are_none_are_damage(tmp_path, column, value, told):
    world = make(tmp_path, examples=3)
    cell = next(one for one in world.plan.cells if (one.arm, one.target) == ("none", "lab_nli"))
    path = world.store.folder(cell.evaluation) / "predictions.parquet"
    frame = pl.read_parquet(path)
    changed = pl.Series(column, [value] * len(frame), dtype=pl.List(pl.Float32))
    rewrite(path, frame.with_columns(changed))
    with pytest.raises(DamageError, match=f"{told}.*--repair"):
        Effects(world.results).estimate(measured("brier_score"), NONE, "lab_nli")


def test_languages_without_decisions_and_files_without_columns_are_read(tmp_path):
    world = make(tmp_path, examples=3)
    found = Effects(world.results).estimate(measured("brier_score", TRANSFER), NONE, "lab_nli")
    assert 0 <= found.low <= found.value <= found.high <= 200
