"""xstilts: a laboratory for cross-lingual intermediate-task training."""

from typing import TYPE_CHECKING, Any

from xstilts.errors import InputErrors, XstiltsError
from xstilts.version import VERSION

if TYPE_CHECKING:
    from xstilts.api import Study
    from xstilts.systems.test import test

__version__ = VERSION
__all__ = ["InputErrors", "Study", "XstiltsError", "__version__", "test"]


def __getattr__(name: str) -> Any:
    """Import the API when it is first asked for, so that `import xstilts` stays light."""
    if name == "Study":
        from xstilts.api import Study

        return Study
    if name == "test":
        from xstilts.systems.test import test

        return test
    raise AttributeError(f"module 'xstilts' has no attribute '{name}'")
