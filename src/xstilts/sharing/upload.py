"""Files to the Hub, or into a folder.

Who may write where is huggingface_hub's business: `hf auth login`, or HF_TOKEN.
"""

import re
import shutil
from pathlib import Path
from typing import Literal

from xstilts.disk import writes
from xstilts.errors import HubError, InputError
from xstilts.sharing.model import Files
from xstilts.version import VERSION

Kind = Literal["model", "dataset"]
LOG_IN = "Log in with `hf auth login` or set HF_TOKEN; the token must be allowed to write there."


def check_names(repository: str, licence: str | None) -> None:
    """Raises HubError unless they may be what the Hub calls a repository and a licence."""
    if re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", repository, re.ASCII) is None:
        raise HubError(f"--to {repository}", "is no name of a repository.", "It is called ORG/NAME.")
    if licence is not None and re.fullmatch(r"[a-z0-9][a-z0-9.-]*", licence) is None:
        now = "They have small letters, digits, points and hyphens: apache-2.0, cc-by-4.0."
        raise HubError(f"--licence {licence}", "is no name of a licence.", now)


def write(files: Files, folder: Path) -> Path:
    """Write the files into a folder, which must be empty or not there; gives it.

    Raises InputError if it is not, or cannot be written.
    """
    with writes(folder, "--dry-run"):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            now = "Name a folder that is empty or not there."
            raise InputError(str(folder), "holds something already.", now)
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                path.write_bytes(content)
            else:
                shutil.copyfile(content, path)
    return folder


def upload(files: Files, repository: str, kind: Kind, message: str, *, public: bool) -> str:
    """Put the files into the repository, which is made, private unless `public`; gives its address.

    A repository that is there keeps what has other names. Raises HubError if it is public and was not said to
    be, if nobody is logged in or may write there, or if the Hub does not answer.
    """
    from huggingface_hub import CommitOperationAdd, HfApi
    from huggingface_hub.errors import (  # type: ignore[attr-defined]
        HfHubHTTPError,
        HTTPError,
        LocalTokenNotFoundError,
        OfflineModeIsEnabled,
    )

    api = HfApi(library_name="xstilts", library_version=VERSION)
    where = f"{api.endpoint}/{'datasets/' * (kind == 'dataset')}{repository}"
    try:
        api.create_repo(repository, repo_type=kind, private=not public, exist_ok=True)
        if not public and not api.repo_info(repository, repo_type=kind).private:
            raise HubError(where, "is public already.", "Give --public, or name another repository.")
        operations = [CommitOperationAdd(name, content) for name, content in files.items()]
        api.create_commit(repository, operations, commit_message=message, repo_type=kind)
    except LocalTokenNotFoundError as error:
        raise HubError(where, "nobody is logged in.", LOG_IN) from error
    except OfflineModeIsEnabled as error:
        raise HubError(where, "the Hub is switched off (HF_HUB_OFFLINE).", "Unset it.") from error
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        what = f"the Hub refuses ({error.server_message or str(error).splitlines()[0]})."
        raise HubError(where, what, LOG_IN if status in (401, 403, 404) else "Try again later.") from error
    except (HTTPError, OSError) as error:
        raise HubError(where, f"the Hub cannot be reached ({error}).", "Try again later.") from error
    except (ValueError, RuntimeError) as error:  # a card that it does not take, a file that did not arrive
        raise HubError(where, f"cannot be written ({error}).") from error
    return where
