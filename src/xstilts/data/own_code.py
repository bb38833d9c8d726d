"""Faults in a user's own task file, told with the line of it."""

import traceback
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xstilts.errors import DataError, TaskError


@contextmanager
def own_code(path: Path | None) -> Iterator[None]:
    """Tell whatever goes wrong in the code of a user's task file with the line of it, as a TaskError.

    What is no fault of the code passes: a file that cannot be read or decoded, and errors that say where.
    """
    try:
        yield
    except Exception as error:
        cause = error.__cause__ if isinstance(error, DataError) else error
        if path is None or cause is None:
            raise
        number, line = _line_of(path, cause)
        of_the_file = isinstance(cause, OSError | EOFError | zlib.error | UnicodeDecodeError)
        if isinstance(error, DataError) and (number == 0 or of_the_file):
            raise
        where = f"{path}:{number}" if number else str(path)
        if isinstance(error, TaskError):
            raise TaskError(where, error.what, error.now) from error
        what = f"{type(cause).__name__}: {cause}".removesuffix(": ") + (f", in `{line}`." if line else ".")
        read = f" It happened at {error.where}." if isinstance(error, DataError) else ""
        raise TaskError(where, f"the task file fails: {what}", f"Correct the line.{read}") from error


def _line_of(path: Path, error: BaseException) -> tuple[int, str]:
    """The last line of a file that an error passed through; (0, "") if it passed through none."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return error.lineno or 0, (error.text or "").strip()
    frames = [one for one in traceback.extract_tb(error.__traceback__) if one.filename == str(path)]
    return (frames[-1].lineno or 0, frames[-1].line or "") if frames else (0, "")
