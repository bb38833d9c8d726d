"""What a user says about engines: the names, the file of options, and what is refused."""

import re
from pathlib import Path

import pytest

from xstilts.errors import EngineError, InputErrors
from xstilts.run.engine import options_of
from xstilts.run.options import Options, RayOptions, read

FILE = """
[ray]
gpus = 0.5
[slurm]
partition = "gpu"
hours = 8
setup = ["module load cuda"]
extra = { "mail-type" = "END", exclusive = true }
"""


def test_a_file_says_what_it_says_and_the_rest_is_as_without_one(tmp_path: Path) -> None:
    path = tmp_path / "cluster.toml"
    path.write_text(FILE)
    options = read(path)
    assert options.ray == RayOptions(gpus=0.5)
    assert (options.slurm.partition, options.slurm.hours) == ("gpu", 8.0)
    assert options.slurm.setup == ("module load cuda",)
    assert options.slurm.extra == {"mail-type": "END", "exclusive": True}
    assert options.slurm.jobs == Options().slurm.jobs
    assert read(None) == Options()


def test_all_that_is_wrong_with_a_file_is_said_at_once(tmp_path: Path) -> None:
    path = tmp_path / "cluster.toml"
    path.write_text('[slurm]\npartitoin = "gpu"\ngpus = 0.5\n[rey]\n')
    with pytest.raises(InputErrors) as caught:
        read(path)
    assert set(str(caught.value).splitlines()) == {
        f"{path}: slurm.partitoin: no such key. Did you mean 'partition'?",
        f"{path}: slurm.gpus: must be a whole number, got 0.5.",
        f"{path}: rey: no such key. Did you mean 'ray'?",
    }


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("[local]\nprocesses_per_phase = 2", None),
        ("[slurm]\ngpus = 8", None),
        ("[local]", "local.divide_model: needs two or more; `processes_per_phase` is 1."),
        ("[ray]\ngpus = 0.5", "ray.divide_model: needs two or more; `gpus` is 0.5."),
        ("[slurm]", "slurm.divide_model: needs two or more; `gpus` is 1."),
    ],
)
def test_a_model_is_divided_among_several(tmp_path: Path, table: str, words: str | None) -> None:
    path = tmp_path / "cluster.toml"
    path.write_text(f"{table}\ndivide_model = true\n")
    if words is None:
        read(path)
    else:
        with pytest.raises(EngineError, match=re.escape(f"{path}: {words}")):
            read(path)


def test_a_file_that_is_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="cannot be read"):
        read(tmp_path / "nothing.toml")
    (tmp_path / "x.toml").write_text("[[")
    with pytest.raises(EngineError, match="is not TOML"):
        read(tmp_path / "x.toml")
    (tmp_path / "x.toml").write_text("[slurm]\npartition = gpu\n")
    with pytest.raises(EngineError, match=r"The line is: partition = gpu -- A text stands in quotes"):
        read(tmp_path / "x.toml")
    (tmp_path / "x.toml").write_bytes("[slurm]\nhours = 8\n".encode("utf-16"))
    with pytest.raises(EngineError, match=r"x\.toml:1: is not UTF-8 but UTF-16"):
        read(tmp_path / "x.toml")
    (tmp_path / "x.toml").write_bytes("[slurm]\r\nhours = 8\r\n".encode("utf-8-sig"))
    assert read(tmp_path / "x.toml").slurm.hours == 8


def test_engines_have_names() -> None:
    with pytest.raises(EngineError, match=r"--engine: no engine 'slrum'\. Did you mean 'slurm'\?"):
        options_of("slrum", Options())


def test_an_address_is_that_of_ray() -> None:
    assert options_of("ray", Options(), "host:1").address == "host:1"
    with pytest.raises(EngineError, match="Add --engine ray"):
        options_of("slurm", Options(), "host:1")


def test_workers_are_those_of_this_computer() -> None:
    """A number that nothing would follow is refused, and not ignored."""
    for cluster in ("ray", "slurm"):
        with pytest.raises(EngineError, match=f"--workers: counts .* not with --engine {cluster}"):
            options_of(cluster, Options(), workers=2)
    assert options_of("local", Options(), workers=2) == options_of("local", Options())
