"""Mined pairs and their scores as the official code has them, with XTREME's way of mining."""

from typing import Any

import numpy as np
import pytest

from xstilts.metrics import mining

from .cases import cases

OURS = {"margin": "ratio", "retrieval": "max", "dist": "cosine", "threshold": 0, "use_shift_embeds": False}
CASES = [
    case
    for case in cases("bucc2018")
    if (given := case.values[1]["input"]).get("kind") == "mine"
    and all(given.get(name, value) == value for name, value in OURS.items())
]


def _lines(text: str) -> list[str]:
    """The official reader cuts the last character of every line, also where it is no line end."""
    return [line[:-1] for line in text.splitlines(keepends=True)]


@pytest.mark.parametrize(("family", "case"), CASES)
def test_official_candidates(family: str, case: dict[str, Any]) -> None:
    given, expected = case["input"], case["expected"]["candidates"]
    source, target = _lines(given["src_text"]), _lines(given["trg_text"])
    (left, _), (right, _) = mining.distinct(source), mining.distinct(target)
    found = mining.candidates(
        np.array(given["src_embeddings"], np.float32)[left],
        np.array(given["trg_embeddings"], np.float32)[right],
        neighbours=given.get("neighborhood", mining.NEIGHBOURS),
    )
    assert [source[left[row]] for row in found.source] == [row[1] for row in expected]
    assert [target[right[row]] for row in found.target] == [row[2] for row in expected]
    np.testing.assert_allclose(found.score, [row[0] for row in expected], atol=case["tolerance"], rtol=0)
