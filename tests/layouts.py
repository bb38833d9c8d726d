"""docs/data-layouts.md, from the tasks themselves. `python tests/layouts.py` writes it anew."""

from pathlib import Path

from xstilts import tasks as registry
from xstilts.cli import show_tasks

PAGE = Path(__file__).parents[1] / "docs" / "data-layouts.md"
HEAD = """# Where the data lie

Every task of the package, with the files that are looked for below the folder of `--data` (or
`XSTILTS_DATA`), and its copy on the Hugging Face Hub, which is read where the folder has nothing of the task.
`xstilts tasks NAME` tells the same of one task, with licence, citation and the rows of the release.

- Lay in the original files as they are unpacked; each may be compressed, with `.gz` after its name.
- `{lang}` stands for the code of the language, `*` for anything. Of several files of a split the first that
  is there is read (`or`); what stands after `with` must be there beside it, what stands after `also` is read
  after it.
- Splits: `train`, `dev` and `test`; `train-translated` are training rows in other languages
  ([more](translated-data.md)), `test-translated` test rows translated into the source language.
- Files of tasks of your own lie beside the study that declares them ([more](your-data.md)), or beside the
  task file ([more](adding-a-task.md)).

This page is written by `python tests/layouts.py`, and a test compares it with the tasks.
"""


def page() -> str:
    """The page as it should be."""
    found = [registry.find(name) for name in registry.names()]
    parts = [HEAD]
    for one in (one for one in found if one.made is None):
        lines = "\n".join(show_tasks.places(one))
        source = f" From {one.url}" if one.url else ""
        parts.append(f"## {one.name}\n\n{one.description}.{source}\n\n```text\n{lines}\n```\n")
    lab = ", ".join(f"`{one.name}`" for one in found if one.made is not None)
    parts.append(
        f"## The lab\n\nThe embedded lab makes the rows of these, and nothing has to be laid in: {lab}.\n"
    )
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
