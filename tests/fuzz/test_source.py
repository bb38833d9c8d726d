"""What the package's own code never does: read or write pickles, run texts as code, unpack archives."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import xstilts

SOURCE = Path(xstilts.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))

MODULES = {
    *("pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "dbm", "yaml"),
    *("zipfile", "tarfile", "zipimport", "runpy", "code", "codeop", "ctypes", "xmlrpc", "http", "ftplib"),
}
"""Pickles under all their names, what runs code, what unpacks archives, what serves."""

CALLS = {
    *("eval", "exec", "compile", "__import__", "breakpoint"),
    *("torch.load", "torch.save", "torch.hub.load", "torch.jit.load", "numpy.load", "np.load", "np.save"),
    *("os.system", "os.popen", "shutil.unpack_archive", "pd.read_pickle", "tempfile.mktemp"),
}
NUMPY = {"np.load"}
"""Reads arrays of others, if it is told to read no pickles."""
ERRORS = {"data/typology.py": {"zipfile"}}
"""Modules that a file imports for the name of an error alone."""
REMOTE = ("from_pretrained", "from_config")


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """All calls of a file with the dotted names of what they call."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def stated(call: ast.Call) -> dict[str, object]:
    """The keyword arguments of a call that are constants."""
    return {
        word.arg: word.value.value
        for word in call.keywords
        if word.arg and isinstance(word.value, ast.Constant)
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_no_pickle_no_code_from_texts_no_archives(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        allowed = ERRORS.get(path.relative_to(SOURCE).as_posix(), set())
        assert not {name.partition(".")[0] for name in names} & MODULES - allowed, names
    for name, call in calls(path):
        assert name not in CALLS or (name in NUMPY and stated(call).get("allow_pickle") is False), name
        assert stated(call).get("allow_pickle") is not True, name
        assert stated(call).get("shell") is not True, name


def test_models_are_read_from_safetensors_and_without_code_of_others() -> None:
    """Whatever reads a model, a tokenizer or its settings says so; weights are read as safetensors."""
    found = []
    for path in FILES:
        for name, call in calls(path):
            reader, _, method = name.rpartition(".")
            if method in REMOTE and reader.startswith("Auto"):
                found.append(reader)
                words = stated(call)
                if method == "from_pretrained" or "trust_remote_code" in words:
                    assert words.get("trust_remote_code") is False, f"{path}: {name}"
                if reader.startswith("AutoModel") and method == "from_pretrained":
                    assert words.get("use_safetensors") is True, f"{path}: {name}"
    assert {"AutoConfig", "AutoModel", "AutoTokenizer"} <= set(found)


PACKERS = ("gzip.", "zlib.", "lzma.", "bz2.")


def test_only_compressed_streams_within_bounds_are_unpacked() -> None:
    """`translate` writes compressed rows; reading any is one module's matter."""
    found = {path.name for path in FILES for name, _ in calls(path) if name.startswith(PACKERS)}
    assert found == {"unpacked.py", "translate.py"}


def test_what_would_be_found_is_found(tmp_path: Path) -> None:
    path = tmp_path / "wrong.py"
    path.write_text("import torch\ntorch.load('x')\nAutoModel.from_pretrained('x', trust_remote_code=True)\n")
    assert [name for name, _ in calls(path) if name in CALLS] == ["torch.load"]
    assert stated([call for _, call in calls(path)][1]) == {"trust_remote_code": True}
