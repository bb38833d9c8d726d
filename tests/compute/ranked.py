"""A phase that several processes train together."""

from collections.abc import Mapping
from typing import Any

from toybox import PLACES, Box

from xstilts.compute.context import Context, Means
from xstilts.compute.distributed import started
from xstilts.study.phase import Phase
from xstilts.study.step import Step

TWO = Means(processes=2)
DIVIDED = Means(processes=2, divide=True)


def together(box: Box, wanted: Phase, means: Means, **settings: Any) -> Mapping[str, Any]:
    """The record of the phase."""
    box.checkpoint(wanted.parent)
    told = {name: value for name, value in settings.items() if name == "micro_tokens"}
    root = box.store.root
    context = Context(box.store, Step(wanted), root, root, PLACES, lambda event: None, means=means, **told)
    with started(context) as found:
        return box.compute(wanted, ranks=found, **settings)
