"""The kinds of task: how an example becomes token ids, which states a head reads, how scores become answers.

A family is a module of this package which binds `FAMILY`. Its `axis` says along which axis of the head's
scores the choice is made, so that one head and one cross-entropy serve all of them:

- "outputs": each state that is read gives one decision among the head's outputs (classification, tagging,
  masked language modelling);
- "reads": the states read in one item compete, once for each of the head's outputs (the options of a
  multiple choice; the first and the last token of a span).

Nothing here knows a model or imports torch; a tokenizer is handed in.
"""

import importlib

from xstilts.families.items import Family, Layout
from xstilts.families.text import TEXT_FAMILIES, TextReadout


def find(name: str) -> Family:
    """The family of that name."""
    family: Family = importlib.import_module(f"xstilts.families.{name}").FAMILY
    return family


def read_out(name: str, layout: Layout) -> Family | TextReadout:
    """The family as a layout reads it out: by a head, or in text."""
    return TextReadout(find(name)) if layout.readout == "text" and name in TEXT_FAMILIES else find(name)
