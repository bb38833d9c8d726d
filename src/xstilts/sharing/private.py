"""What is nobody's business: paths of the user's computer, and tokens, in the files that are shared."""

import html
import json
import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from xstilts.analysis.methods import last_name
from xstilts.store import Store
from xstilts.study.plan import Plan

SECRETS = ("token", "use_auth_token", "hub_token")
"""Keys in which older files of transformers may hold the user's token of the Hub."""
WORDS = re.compile(".*_tokens?|added_tokens_decoder|chat_template|id2label|label2id")
"""Keys of transformers' files whose values are tokens and labels, which may look like paths."""
ROOTED = r"[/~].|file:|[A-Za-z]:[/\\]|\\\\"
"""How the path of a folder begins that starts from the root, a home folder or a drive."""
WITHIN = re.compile(
    r"(?<![\w/\\.:<~*{}()\[\]-])(?:~[\w.-]*|/[\w.-]+|[A-Za-z]:|\\\\[\w.-]+)[/\\]+[\w./\\~ -]*[\w~-]"
)
"""Such a path within a text."""
LEFT_OUT = "# Paths of the computer where this was written are left out; the last name of each stands here."


def is_path(value: str) -> bool:
    """Whether it is a path of this or another computer, not the name of a file or of a model of the Hub."""
    if re.match(rf"[/~]|\.\.?/|{ROOTED}", value):
        return "\n" not in value
    try:
        return "/" in value and Path(value).exists()
    except (OSError, ValueError):  # too long for a name
        return False


def without_paths(content: Any) -> Any:
    """What a JSON file of transformers or peft holds, without the paths and tokens of its user."""
    if isinstance(content, dict):
        return {
            key: value if WORDS.fullmatch(key) else without_paths(value)
            for key, value in content.items()
            if key not in SECRETS
            and (WORDS.fullmatch(key) or not (isinstance(value, str) and is_path(value)))
        }
    if isinstance(content, list):
        return [without_paths(one) for one in content if not (isinstance(one, str) and is_path(one))]
    return content


def folders(plan: Plan, store: Store) -> list[Path]:
    """Where the study, its store, its data, tasks and models lie."""
    places = plan.places
    found = [plan.study.folder, store.root, *places.tasks.values(), *places.backbones.values()]
    return found + [folder for folder in (places.data, places.images) if folder is not None]


def without_folders(text: str, folders: Iterable[Path]) -> str:
    """A text with the last names of those folders in place of their paths, and `~` for the home folder."""
    names = {str(path): path.name for one in folders for path in (one.absolute(), one.resolve()) if path.name}
    names |= {str(Path.home()): "~"} if Path.home().name else {}
    for path in sorted(names, key=len, reverse=True):
        for form in dict.fromkeys((path, html.escape(path), json.dumps(path)[1:-1])):
            text = _replaced(text, form, names[path])
    return text


def study_text(text: str) -> str:
    """A study file with the last names of the paths in it, and a line at its top that says so."""
    found = text
    for path in sorted(set(_paths(tomllib.loads(text))), key=len, reverse=True):
        for form in dict.fromkeys((path, json.dumps(path, ensure_ascii=False)[1:-1])):
            found = _replaced(found, form, last_name(path))
    found = WITHIN.sub(lambda match: last_name(match[0]), found)
    return text if found == text else f"{LEFT_OUT}\n{found}"


def _replaced(text: str, path: str, name: str) -> str:
    return re.sub(rf"(?<![\w.<+}}]){re.escape(path)}(?![\w-]|\.\w)", lambda _: name, text)


def _paths(content: Any) -> Iterator[str]:
    """Keys and values that are paths from the root, a home folder or a drive on."""
    if isinstance(content, str):
        if re.match(ROOTED, content):
            yield content
    elif isinstance(content, dict | list):
        for one in (*content, *content.values()) if isinstance(content, dict) else content:
            yield from _paths(one)
