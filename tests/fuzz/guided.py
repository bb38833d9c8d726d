"""The long run, guided by what of xstilts an input reaches (atheris, which is libFuzzer for Python).

    pip install atheris
    python tests/fuzz/guided.py TARGET [--seconds S] [--inputs N] [--corpus FOLDER]

The random numbers from which an input is made are taken from libFuzzer's bytes: what it changes in them, it
changes in the input, and it keeps those that reach lines which none reached before. The first fault ends the
run; its bytes are written to `--corpus`, and read from there again.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from random import Random

sys.path.insert(1, str(Path(__file__).parents[1]))

FIRST, BYTES = 64, 256
"""So many inputs to begin with, each of so many random bytes."""


class Told(Random):
    """Numbers made of given bytes, and of a generator's when these are used up."""

    def __init__(self, told: bytes) -> None:
        super().__init__(0)
        self._left = memoryview(told)

    def random(self) -> float:
        """A number from 0 up to 1, of 4 bytes."""
        return self.getrandbits(32) / 2**32

    def getrandbits(self, bits: int, /) -> int:
        """A number of so many bits."""
        size = -(-bits // 8)
        if len(self._left) < size:
            return super().getrandbits(bits)
        number, self._left = int.from_bytes(self._left[:size]), self._left[size:]
        return number >> (8 * size - bits)


def main() -> None:
    """Fuzz one target until time is up or a fault is found, which libFuzzer shows with its bytes."""
    import atheris

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument(
        "--inputs", type=int, default=-1, help="at the most; -1: as many as there is time for"
    )
    parser.add_argument("--corpus", type=Path, help="where inputs that reached something new are kept")
    options = parser.parse_args()
    with atheris.instrument_imports(include=["xstilts"]):
        from targets import TARGETS
    import sandbox

    known = {one.name: one for one in TARGETS}
    if options.target not in known:
        parser.error(f"no target named {options.target}; there are {', '.join(sorted(known))}")
    folder = tempfile.TemporaryDirectory()
    corpus = options.corpus or Path(folder.name) / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    if not any(corpus.iterdir()):
        for number in range(FIRST):
            (corpus / f"first{number}").write_bytes(Random(number).randbytes(BYTES))
    inside = Path(folder.name) / "inside"
    inside.mkdir()
    wrong = known[options.target].prepare(inside)
    sandbox.limit_memory()

    def attempt(told: bytes) -> None:
        found = sandbox.attempt(wrong(Told(told)), inside)
        if found.kind == "fault":
            raise AssertionError(f"{found.what}\n{found.trace}")

    limits = {"max_total_time": options.seconds, "runs": options.inputs, "max_len": 4 * BYTES}
    how = limits | {"len_control": 0, "timeout": 60, "artifact_prefix": f"{corpus}/"}
    atheris.Setup([sys.argv[0], str(corpus), *(f"-{name}={value}" for name, value in how.items())], attempt)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
