"""A phase that as many processes train as the variable says."""

from collections.abc import Mapping
from typing import Any

from toybox import PLACES, Box

from xstilts.runner.context import MICRO_TOKENS
from xstilts.runner.ranks import started
from xstilts.study.phase import Phase
from xstilts.study.step import Step


def together(box: Box, wanted: Phase, **settings: Any) -> Mapping[str, Any]:
    """The record of the phase."""
    box.checkpoint(wanted.parent)
    micro_tokens = settings.get("micro_tokens", MICRO_TOKENS)
    with started(Step(wanted), box.store.root, PLACES, micro_tokens) as found:
        return box.compute(wanted, ranks=found, **settings)
