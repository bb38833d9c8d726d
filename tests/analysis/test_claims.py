"""Claims are confirmed, refuted or undecided by what was measured, and never by what is missing."""

from dataclasses import replace

import pytest

from xstilts.analysis.claims import judge
from xstilts.analysis.effects import Effects
from xstilts.analysis.results import Line, Results
from xstilts.study.claim import Claim


def judged(world, *claims):
    study = world.plan.study.changed(claims=claims)
    return judge(Effects(Results(replace(world.plan, study=study), world.store)))


def test_the_claims_of_the_example(world):
    words = [verdict.verdict for verdict in judge(Effects(world.results))]
    assert words == ["confirmed", "confirmed", "refuted", "undecided", "confirmed", "confirmed"]


def test_a_slope_says_over_what(world):
    (verdict,) = judged(
        world,
        Claim(says="falls", quantity="slope_with_distance", arms=("none",), languages="all", relation="<"),
    )
    assert verdict.evidence.startswith("Slope of the score over the planted distance on lab_nli")


def test_a_verdict_carries_its_evidence(world):
    (verdict,) = judged(world, Claim(says="helps", arms=("nli",), targets=("lab_nli",)))
    assert verdict.low < verdict.effect < verdict.high
    assert verdict.n_seeds == 3
    assert 0 < verdict.smallest_effect < 20
    assert verdict.evidence == "Difference on lab_nli (7 languages, 3 seeds), nli − none."


@pytest.mark.parametrize(
    ("relation", "margin", "verdict"),
    [
        (">", 0.0, "confirmed"),
        (">", 60.0, "refuted"),
        ("<", 0.0, "refuted"),
        ("<", 60.0, "confirmed"),
        ("=", 60.0, "confirmed"),
        ("=", 1.0, "refuted"),
    ],
)
def test_relations_and_margins(world, relation, margin, verdict):
    claim = Claim(says="so", arms=("nli",), targets=("lab_nli",), relation=relation, margin=margin)
    assert judged(world, claim)[0].verdict == verdict


def test_a_claimed_value_is_confirmed_around_it(world):
    claim = Claim(says="so", arms=("nli",), targets=("lab_nli",), relation="=", margin=8.0)
    (plain,) = judged(world, claim.changed(relation=">", margin=0.0))
    for off, verdict in ((0.0, "confirmed"), (30.0, "refuted"), (-30.0, "refuted")):
        (found,) = judged(world, claim.changed(about=plain.effect + off))
        assert found.verdict == verdict
        assert found.claim.bounds == (plain.effect + off - 8.0, plain.effect + off + 8.0)


def test_a_margin_inside_the_interval_is_undecided(world):
    (plain,) = judged(world, Claim(says="so", arms=("nli",), targets=("lab_nli",)))
    claims = [
        Claim(says="so", arms=("nli",), targets=("lab_nli",), relation=relation, margin=plain.effect)
        for relation in (">", "<", "=")
    ]
    assert {verdict.verdict for verdict in judged(world, *claims)} == {"undecided"}


def test_all_arms_must_hold(world):
    """nli helps its target and tags does not: "both help" is not confirmed."""
    (both,) = judged(world, Claim(says="both", arms=("nli", "tags"), targets=("lab_nli",)))
    assert both.verdict != "confirmed"
    assert "nli − none: +" in both.evidence
    assert "tags − none: " in both.evidence


def test_one_contrary_arm_refutes(world):
    (both,) = judged(world, Claim(says="both", arms=("nli", "tags"), targets=("lab_tatoeba",)))
    assert both.verdict == "refuted"
    assert both.effect < -10


def test_missing_results_leave_a_claim_undecided(torn_world):
    claims = (
        Claim(says="helps", arms=("nli",), targets=("lab_ner",)),
        Claim(says="helps all", arms=("nli",)),
    )
    for verdict in judged(torn_world, *claims):
        assert verdict.verdict == "undecided"
        assert verdict.evidence == "Results are missing for nli."
        assert verdict.effect is None


def test_many_claims_raise_the_bar(world):
    """Holm: the probability of a claim grows with the number of claims judged beside it."""
    claim = Claim(says="helps", arms=("nli",), targets=("lab_pairs",), margin=3.0)
    others = [Claim(says=f"so {n}", arms=("tags",), targets=("lab_pairs",), margin=n / 50) for n in range(20)]
    alone, among = judged(world, claim)[0], judged(world, claim, *others)[0]
    assert among.probability > 2 * alone.probability


def test_the_score_and_the_gap_are_claimed_of_the_arm_itself(world):
    score = Claim(says="good", quantity="score", arms=("none",), targets=("lab_nli",), margin=20.0)
    gap = Claim(says="gap", quantity="gap", arms=("none",), margin=0.0)
    verdicts = judged(world, score, gap)
    assert [verdict.verdict for verdict in verdicts] == ["confirmed", "confirmed"]
    assert "lab_tatoeba" not in verdicts[1].evidence  # retrieval has no source language, hence no gap


def test_single_languages_and_the_source(world):
    source = Claim(says="en", arms=("nli",), targets=("lab_nli",), languages="source")
    one = Claim(says="ga", arms=("nli",), targets=("lab_nli",), languages=("x-ga",))
    verdicts = judged(world, source, one)
    assert "(1 language, 3 seeds)" in verdicts[0].evidence
    assert verdicts[0].effect != verdicts[1].effect


def test_a_quantity_that_scores_do_not_give_is_not_called_missing(world):
    """A run that answers nothing has no share of nothing to keep, though all is measured."""
    claim = Claim(says="It keeps", quantity="retention", arms=("nli",), targets=("lab_ner",))
    study = world.plan.study.model_copy(update={"claims": (claim,)})
    results = Results(replace(world.plan, study=study), world.store)
    effects = Effects(results)
    assert judge(effects)[0].effect is not None
    for key, sample in effects.results._samples.items():
        sample.draws[:] = 0.0 if key[:2] == (Line("lab-mini", "nli"), "lab_ner") else sample.draws
    (verdict,) = judge(Effects(results))
    assert verdict.verdict == "undecided"
    assert verdict.evidence == (
        "A score in the source language is, or may well be, 0, of which nothing is a share."
    )
