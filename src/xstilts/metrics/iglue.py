"""IGLUE's numbers, as its official evaluation gives them (Bugliarello et al. 2022; e-bug/iglue at 43cbac9).

XVNLI's accuracy is `accuracy` with the labels below; a gold label "-" is always wrong and counts.
"""

from collections.abc import Mapping, Sequence
from statistics import fmean

import numpy as np
from numpy.typing import ArrayLike

from xstilts.errors import PredictionError
from xstilts.metrics.metric import check_counts

XVNLI_LABELS = ("contradiction", "neutral", "entailment")
"""In the order of the outputs, which is not that of XTREME's XNLI."""

LANGUAGES: Mapping[str, tuple[str, ...]] = {
    "xvnli": ("en", "ar", "es", "fr", "ru"),
    "xgqa": ("en", "bn", "de", "id", "ko", "pt", "ru", "zh"),
    "marvl": ("en", "id", "sw", "ta", "tr", "zh"),
    "xflickrco": ("en", "de", "es", "id", "ja", "ru", "tr", "zh"),
    "wit": ("en", "ar", "bg", "da", "el", "et", "id", "ja", "ko", "tr", "vi"),
}
"""English is what is trained on (MaRVL's is NLVR2), the others are zero-shot."""

_NO_LOG = -1.0
"""What a language without a score counts in the official averages."""


def consistency(captions: Sequence[str], gold: Sequence[object], predicted: Sequence[object]) -> float:
    """MaRVL's and NLVR2's: the percentage of distinct captions (by exact text) with all examples right.

    PredictionError if the three differ in length, or are empty.
    """
    check_counts("consistency", gold, predicted)
    check_counts("consistency", captions, predicted)
    right: dict[str, bool] = {}
    for caption, label, answer in zip(captions, gold, predicted, strict=True):
        right[caption] = right.get(caption, True) and label == answer
    if not right:
        raise PredictionError("metric 'consistency'", "there are no examples.")
    return 100.0 * sum(right.values()) / len(right)


def answer_accuracy(gold: Mapping[str, str], predictions: Sequence[tuple[str, str]]) -> dict[str, float]:
    """xGQA's accuracy of predictions (question id, answer), in percent; answers are compared as they stand.

    `accuracy` is the official value: a question without a prediction is not counted, and neither is a
    prediction without a gold answer, while each of several predictions for a question is. Beside it
    `accuracy_of_all`: over all questions, a missing prediction being wrong and the last of several taken.
    PredictionError if no prediction has a gold answer (the official code divides by zero).
    """
    equal = [gold[question] == answer for question, answer in predictions if question in gold]
    if not equal:
        what = "no prediction belongs to a question that has an answer."
        raise PredictionError("metric 'answer_accuracy'", what, "Compare the ids of both files.")
    last = dict(predictions)
    return {
        "accuracy": 100.0 * sum(equal) / len(equal),
        "accuracy_of_all": 100.0 * sum(last.get(one) == answer for one, answer in gold.items()) / len(gold),
    }


def retrieval(scores: ArrayLike, image_of_caption: Sequence[int]) -> dict[str, dict[str, float]]:
    """Image and text retrieval (xFlickr&CO, WIT) from the score of every caption with every image.

    `scores` [captions, images], `image_of_caption` [captions] the right image of each. Gives for
    "image_retrieval" (a caption looks for its image) and "text_retrieval" (an image for any of its captions)
    r1, r5 and r10 in percent, and medr and meanr, the median, rounded down, and mean rank from 1. Of equal
    scores the lower index comes first; the official sort leaves their order open. PredictionError if an image
    has no caption, or the shapes do not fit.
    """
    table, right = np.asarray(scores, dtype=np.float64), np.asarray(image_of_caption, dtype=np.int64)
    if table.ndim != 2 or right.shape != table.shape[:1]:
        what = f"scores of shape {table.shape} for {right.size} captions."
        raise PredictionError("metric 'retrieval'", what, "Give one row for each caption.")
    captions, images = table.shape
    if not captions or sorted(set(right.tolist())) != list(range(images)):
        raise PredictionError(
            "metric 'retrieval'", f"the captions do not cover the images 0 to {images - 1}."
        )
    rows = np.arange(captions)
    to_image = _ranks(table)[rows, right]
    to_caption = np.full(images, captions)
    np.minimum.at(to_caption, right, _ranks(table.T)[right, rows])
    return {"image_retrieval": _recall(to_image), "text_retrieval": _recall(to_caption)}


def _ranks(scores: np.ndarray) -> np.ndarray:
    """The rank, from 0, of every column among its row [n, m]."""
    order = np.argsort(-scores, axis=1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(scores.shape[1])[None], axis=1)
    return ranks


def _recall(ranks: np.ndarray) -> dict[str, float]:
    within = {f"r{k}": 100.0 * float(np.mean(ranks < k)) for k in (1, 5, 10)}
    return {**within, "medr": float(np.floor(np.median(ranks) + 1)), "meanr": float(np.mean(ranks) + 1)}


def averages(task: str, scores: Mapping[str, float]) -> dict[str, float]:
    """A task's zero-shot numbers from those of its languages: `english`, `average`, `average_of_present`.

    `average` is the plain mean over all its languages except English, the opposite of XTREME's. A language
    that is missing counts -1 in it, as in the official tables; `average_of_present` leaves it out, and is
    missing where no language but English is there. The official tables start from scores rounded to three
    decimals (xGQA's are not), and for retrieval use r1 of each direction. PredictionError: an unknown task.
    """
    if task not in LANGUAGES:
        raise PredictionError(f"task '{task}'", "is no task of IGLUE.", f"They are {', '.join(LANGUAGES)}.")
    others = [code for code in LANGUAGES[task] if code != "en"]
    present = [scores[code] for code in others if code in scores]
    return {
        "english": scores.get("en", _NO_LOG),
        "average": fmean(scores.get(code, _NO_LOG) for code in others),
        **({"average_of_present": fmean(present)} if present else {}),
    }
