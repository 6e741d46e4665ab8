"""Read handwritten digits and see what the network sees: the runtime, free of PyTorch.

>>> from digitlens import Reader
>>> reading = Reader().read("photo.jpg")
>>> reading.text
'407'
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from digitlens.errors import DigitlensError
    from digitlens.live.watch import watch
    from digitlens.reader import Reader
    from digitlens.reading import Digit, LiveReading, Reading

__version__ = "0.2.0"

__all__ = ["Digit", "DigitlensError", "LiveReading", "Reader", "Reading", "__version__", "watch"]

# onnxruntime reads this once, on import, and sends telemetry without it.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

_HOMES = {
    "Digit": "digitlens.reading",
    "DigitlensError": "digitlens.errors",
    "LiveReading": "digitlens.reading",
    "Reader": "digitlens.reader",
    "Reading": "digitlens.reading",
    "watch": "digitlens.live.watch",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Import a public name on first use, so that ``digitlens --help`` loads no network."""
    if name not in _HOMES:
        raise AttributeError(f"module 'digitlens' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
