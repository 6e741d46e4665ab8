"""The libraries that the runtime stands on: whether they load, and what spoils them.

Nothing is imported at the top but the standard library, so that this works where they do not.
"""

import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distributions, requires, version
from types import ModuleType

ONNXRUNTIMES = {f"onnxruntime{kind}" for kind in ("", "-gpu", "-openvino", "-directml", "-qnn",
                                                  "-rocm", "-migraphx")}  # fmt: skip
OPENCVS = {f"opencv-{kind}" for kind in ("python", "python-headless", "contrib-python",
                                         "contrib-python-headless")}  # fmt: skip
RIVALS = (ONNXRUNTIMES, OPENCVS)
"""Distributions that overwrite each other's files, so that only one of a set may be installed."""

PACKAGES = {"numpy": {"numpy"}, "onnxruntime": ONNXRUNTIMES, "cv2": OPENCVS}
"""Modules in the order in which they need each other, and the distributions that bring them."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: what, the way out, and whether readings cannot be relied on."""

    what: str
    way_out: str
    is_fatal: bool


def rivals() -> list[Problem]:
    """Name distributions that overwrite each other's files."""
    problems = []
    for kinds in RIVALS:
        found = sorted(_installed() & kinds)
        if len(found) > 1:
            what = f"{' and '.join(found)} are installed and overwrite each other's files"
            way_out = f"keep one: pip uninstall {' '.join(found)}, then install the one you want"
            problems.append(Problem(what, way_out, False))
    return problems


def outdated() -> list[Problem]:
    """Name distributions that are older than this digitlens needs; none where it is no package."""
    problems = []
    for requirement in _requirements():
        name, _, least = requirement.partition(">=")
        try:
            found = version(name)
        except PackageNotFoundError:
            continue
        if _numbers(found) < _numbers(least):
            way_out = f'pip install --upgrade "{requirement}"'
            problems.append(Problem(f"{name} {found} is older than {least}", way_out, True))
    return problems


def installed_version(module: str) -> str:
    """Give the version of the package that brings a module, by what pip wrote down."""
    found = sorted(_installed() & PACKAGES[module])
    return version(found[0]) if found else "none"


def unloadable() -> list[Problem]:
    """Try to import each library, and say why one cannot be used."""
    return [
        _reason(module, packages, error)
        for module, packages in PACKAGES.items()
        if (error := _error(module)) is not None
    ]


def is_hollow(module: object) -> bool:
    """Tell whether a library is a folder that an uninstallation left behind, with nothing in it."""
    return (
        isinstance(module, ModuleType)
        and module.__name__ in PACKAGES
        and getattr(module, "__file__", None) is None
    )


def _error(name: str) -> Exception | None:
    """Give what importing a module raises; of one that is hollow, that it is not there."""
    try:
        module = importlib.import_module(name)
    except Exception as error:  # a library that does not fit another raises what it likes
        return error
    return ModuleNotFoundError(name) if is_hollow(module) else None


def _reason(module: str, packages: set[str], error: Exception) -> Problem:
    found = sorted(_installed() & packages)
    usual = {"cv2": "opencv-python"}.get(module, module)
    if not found:
        return Problem(f"{usual} is not installed", f"pip install {usual}", True)
    names, again = " and ".join(found), f"pip install --force-reinstall --no-deps {found[-1]}"
    if isinstance(error, ModuleNotFoundError) and (error.name or module) == module:
        what = f"{names} is installed, but its files are gone, as after another was uninstalled"
        return Problem(what, again, True)
    text = " ".join(str(error).split())[:200]
    if module == "cv2" and "shared object file" in text:
        again = (
            "on Debian: apt install libgl1 libglib2.0-0; or, without a screen: "
            "pip uninstall opencv-python, pip install opencv-python-headless"
        )
    return Problem(f"{names} cannot be loaded ({text})", again, True)


def _installed() -> set[str]:
    return {each.metadata["Name"].lower() for each in distributions() if each.metadata["Name"]}


def _requirements() -> Iterable[str]:
    """Give what this package needs without an extra, such as `numpy>=2.0`."""
    try:
        return [each for each in requires("digitlens") or [] if ";" not in each and ">=" in each]
    except PackageNotFoundError:
        return []


def _numbers(text: str) -> tuple[int, ...]:
    """Give the numbers of a version without what a build adds to it, as in `1.24.1+cu128`."""
    release = text.partition("+")[0].split(".")
    return tuple(int(part) for part in release if part.isdecimal())
