"""Images and a text about them: one of the task's labels is chosen, as in classification of texts.

A control takes something away, as a *view* of the same rows. What is right whatever the image, or whatever
the text, a model can learn without looking: it must lose when it is shown another image, or none.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from xstilts.data.examples import Seen
from xstilts.families.items import Family

UNLABELLED = "-"
"""The label of a row that has none: SNLI's annotators did not agree, or the answer is none of the labels.

Official scorers count such rows as wrong (e-bug/iglue, visual entailment and GQA); no loss is taken of them.
"""

WITHOUT_IMAGES = ("text", "caption")
"""Views that need no image files."""


def viewed(rows: Sequence[Seen], view: str, rng: np.random.Generator) -> list[Seen]:
    """The rows as a control shows them; labels and ids stay.

    "all" and "translated": as they are (translated rows are read from files of their own). "shuffled": the
    images exchanged in a random circle of all that there are, so that none keeps its own and rows about the
    same images still see the same. "text": no images and no caption. "caption": no images; where a row has a
    caption it is read before the text. "image": no text.
    """
    match view:
        case "shuffled":
            circle = list(dict.fromkeys(row.images for row in rows))
            order = [circle[place] for place in rng.permutation(len(circle))]
            after = dict(zip(order, order[1:] + order[:1], strict=True))
            return [replace(row, images=after[row.images]) for row in rows]
        case "text":
            return [replace(row, images=(), caption="") for row in rows]
        case "caption":
            return [replace(row, images=()) for row in rows]
        case "image":
            return [replace(row, text="") for row in rows]
    return list(rows)


class Visual(Family):
    """Images and a text with one label (XVNLI, MaRVL, xGQA, SNLI-VE, NLVR2, GQA, ...)."""

    name = "visual"
    tokens = 12  # XVNLI's hypotheses have seven words
    pictured = True
    unlabelled = UNLABELLED

    def texts(self, example: Seen) -> tuple[str, str | None]:
        """The text; where there is no image but a caption, the caption and the text."""
        captioned = example.caption and not example.images
        return (example.caption, example.text) if captioned else (example.text, None)


FAMILY = Visual()
