"""What is nobody's business: paths of the user's computer, and tokens, in the files that are shared."""

import re
from pathlib import Path
from typing import Any

SECRETS = ("token", "use_auth_token", "hub_token")
"""Keys in which older files of transformers may hold the user's token of the Hub."""
WORDS = re.compile(".*_tokens?|added_tokens_decoder|chat_template|id2label|label2id")
"""Keys of transformers' files whose values are tokens and labels, which may look like paths."""


def is_path(value: str) -> bool:
    """Whether it is a path of this or another computer, not the name of a file or of a model of the Hub."""
    if re.match(r"[/~]|file:|[A-Za-z]:[/\\]|\\\\|\.\.?/", value):
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
