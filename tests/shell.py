"""Commands run in this process, as a user's shell would run them."""

import sys
from pathlib import Path

import pytest

from xstilts import __main__ as commands


class Shell:
    """Runs commands in this process; `before` are the first words of all of them."""

    def __init__(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *before: str
    ) -> None:
        self.capsys, self.monkeypatch, self.before = capsys, monkeypatch, before

    def __call__(self, *arguments: str | Path) -> tuple[int, str, str]:
        """Exit status, standard output, standard error."""
        self.monkeypatch.setattr(sys, "argv", ["xstilts", *self.before, *map(str, arguments)])
        try:
            commands.main()
            status = 0
        except SystemExit as end:
            status = int(end.code or 0)
        output = self.capsys.readouterr()
        return status, output.out, output.err
