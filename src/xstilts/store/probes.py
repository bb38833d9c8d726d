"""What probes have read: store/probes/<fingerprint>.json, each with a seal, never computed twice."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from xstilts.errors import DamageError
from xstilts.store import REMOVE, Store, checksums, read_json, schema, write_json
from xstilts.study.phase import Probe


@dataclass(frozen=True)
class Probed:
    """What was read. `rows` of the `size` rows of the use gave `tokens` to the model, in `seconds`.

    `scores` has LogME and H-score by name; those that the rows do not have are left out. `text` is the mean
    state of the rows, `fisher` the diagonal of the Fisher information of the states that a linear head reads
    (none without labels), and `vocabulary` says how often each token occurs.
    """

    rows: int
    size: int
    tokens: int
    seconds: float
    scores: Mapping[str, float] = field(default_factory=dict)
    text: list[float] = field(default_factory=list)
    fisher: list[float] = field(default_factory=list)
    vocabulary: Mapping[str, int] = field(default_factory=dict)


def read(store: Store, probe: Probe) -> Probed | None:
    """What is kept of a probe; None if there is nothing. DamageError if it is damaged."""
    path = _path(store, probe)
    if not path.is_file():
        return None
    content = read_json(path, REMOVE, Probed)
    if what := checksums.broken(content):
        raise DamageError(str(path), f"is damaged: it {what}.", REMOVE)
    return schema.made(content, Probed)


def write(store: Store, probe: Probe, probed: Probed) -> None:
    """Keep what a probe has read."""
    path = _path(store, probe)
    with store.guarded():
        path.parent.mkdir(exist_ok=True)
        write_json(path, checksums.sealed(asdict(probed)))


def _path(store: Store, probe: Probe) -> Path:
    return store.root / "probes" / f"{probe.fingerprint}.json"
