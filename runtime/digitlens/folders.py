"""Where a user's files go by the customs of the system.

XDG Base Directory Specification 0.8 on Linux, Apple's File System Programming Guide, and
%LOCALAPPDATA% on Windows.
"""

import os
import sys
from pathlib import Path

_NAME = "digitlens"


def cache() -> Path:
    """Give the folder for what can be fetched or made again; it need not exist."""
    if sys.platform == "win32":
        return _local_data() / _NAME / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / _NAME
    return _named("XDG_CACHE_HOME", ".cache") / _NAME


def config() -> Path:
    """Give the folder for settings; it need not exist."""
    if sys.platform == "win32":
        return _local_data() / _NAME
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / _NAME
    return _named("XDG_CONFIG_HOME", ".config") / _NAME


def _local_data() -> Path:
    return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / _NAME


def _named(variable: str, usual: str) -> Path:
    """Give the folder in an environment variable, which must be absolute to count."""
    named = os.environ.get(variable, "")
    return Path(named) if Path(named).is_absolute() else Path.home() / usual
