"""All errors of the package, as a tree.

    XstiltsError
    |-- InputError               the user's input is wrong: exit status 2
    |   |-- InputErrors          several of them, found together
    |   |-- StudyError           a study file
    |   |-- TaskError            a task or a user's task file
    |   |-- DataError            a data folder, file, line or column
    |   |   `-- NoGoldError      labels or answers that are not there
    |   |-- BackboneError        a pretrained model or its tokenizer
    |   |-- StoreError           the store: version, permission, space
    |   |   `-- DamageError      a file of the store that is not what was written
    |   |-- EngineError          a cluster, or what is said about one
    |   |-- PredictionError      files to be scored or exported
    |   `-- HubError             a repository of the Hub that cannot be written
    `-- StepError                something in the study failed to compute: exit status 1
        |-- LossError            a loss that is not a finite number
        `-- MissingResultError   a result that the store should hold and does not

Every message has three parts: where, what, and what to do now.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class XstiltsError(Exception):
    """What went wrong, where, and what to do now. Printed without a traceback."""

    exit_status = 1

    def __init__(self, where: str, what: str, now: str = "") -> None:
        self.where, self.what, self.now = where, what, now
        super().__init__(where, what, now)

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f" {self.now}" if self.now else "")


class InputError(XstiltsError):
    """The user's input is wrong; nothing was written."""

    exit_status = 2


class InputErrors(InputError):  # noqa: N818 (several errors)
    """All errors of one input, each on its own line."""

    def __init__(self, errors: Iterable[InputError]) -> None:
        self.errors = tuple(errors)
        assert self.errors, "an empty list of errors is no error"
        first = self.errors[0]
        super().__init__(first.where, first.what, first.now)

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)


class StudyError(InputError):
    """A study file is wrong; `where` names the file and the key."""


class TaskError(InputError):
    """A task does not exist, or a task file is not one."""


class DataError(InputError):
    """A data folder, file, line, column or label is missing or broken; `where` names file and line."""


class NoGoldError(DataError):
    """The labels or answers of a file are not there; its task says where to get them."""


class BackboneError(InputError):
    """A pretrained model cannot be used."""


class StoreError(InputError):
    """The store cannot be used: newer version, no permission, full disk, a damaged folder."""


class DamageError(StoreError):
    """A file of the store is not what was written: truncated, changed, or no longer there."""


class EngineError(InputError):
    """An engine cannot place steps: no cluster answers, a job is refused, a library is not installed."""


class PredictionError(InputError):
    """Files given to be scored or exported are wrong."""


class HubError(InputError):
    """A repository of the Hub cannot be written: its name, no permission, no answer."""


class StepError(XstiltsError):
    """A step of the plan failed to compute."""


class LossError(StepError):
    """A training loss is not a finite number; `where` names the phase and the update."""


class MissingResultError(StepError):
    """A result that should be in the store is not there."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The nearest known word as a question, or an empty string.

    >>> did_you_mean("mlni", ["mnli", "xnli", "squad"])
    "Did you mean 'mnli'?"
    """
    names = sorted(known)
    folded = {name.casefold(): name for name in reversed(names)}
    near = get_close_matches(word, names, n=1, cutoff=0.6)
    near = near or [folded[one] for one in get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)]
    return f"Did you mean '{near[0]}'?" if near else ""
