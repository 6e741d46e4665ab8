"""The provider and number of threads that `digitlens bench --pick` found to be fastest here."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from digitlens import folders
from digitlens.errors import DataError, NotFoundError
from digitlens.files import write_text


@dataclass(frozen=True, slots=True)
class Pick:
    """What was fastest: the full name of a provider, threads, and the median in µs."""

    provider: str
    threads: int
    p50_us: float


def save(pick: Pick) -> None:
    """Keep a pick for `load`.

    Raises:
        UsageError: it cannot be written.
    """
    write_text(file(), json.dumps(asdict(pick)) + "\n")


def load() -> Pick:
    """Give the pick that was kept last.

    Raises:
        NotFoundError: there is none.
        DataError: it cannot be read.
    """
    try:
        fields = json.loads(file().read_bytes())
        return Pick(str(fields["provider"]), int(fields["threads"]), float(fields["p50_us"]))
    except FileNotFoundError:
        raise NotFoundError(
            "nothing was picked on this machine yet: run 'digitlens bench --pick' once"
        ) from None
    except OSError as error:
        raise DataError(
            f"{file()} cannot be read ({error.strerror}): run 'digitlens bench --pick' again"
        ) from error
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise DataError(f"{file()} is damaged: run 'digitlens bench --pick' again") from error


def file() -> Path:
    """Give the file that keeps it."""
    return folders.config() / "pick.json"
