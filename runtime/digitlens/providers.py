"""Execution providers: their names, and which are here."""

import difflib
from collections.abc import Sequence

import onnxruntime as ort

from digitlens.bench import worker
from digitlens.errors import NotFoundError, UsageError

DEFAULT = "cpu"
AUTO = "auto"
"""Stands for what `digitlens bench --pick` found to be fastest here."""

_SUFFIX = "ExecutionProvider"
_SHORT = {
    "Dml": "directml",
    "NvTensorRTRTX": "tensorrt-rtx",
    "ROCM": "rocm",
    "VitisAI": "vitisai",
}
_PACKAGES = {
    "cuda": "onnxruntime-gpu",
    "directml": "onnxruntime-directml",
    "migraphx": "onnxruntime-migraphx",
    "openvino": "onnxruntime-openvino",
    "qnn": "onnxruntime-qnn",
    "rocm": "onnxruntime-rocm",
    "tensorrt": "onnxruntime-gpu",
    "webgpu": "onnxruntime-ep-webgpu",
}
"""Packages of PyPI, by the provider that they bring; all but the one with `-ep-` replace
onnxruntime and want an environment of their own."""


def short_name(full: str) -> str:
    """`CUDAExecutionProvider` → `cuda`."""
    stem = full.removesuffix(_SUFFIX)
    return _SHORT.get(stem, stem.lower())


def available() -> tuple[str, ...]:
    """List the short names of the providers that can run nodes here, those of plugins too.

    Azure's is left out: it forwards whole models to a service and runs no node.
    """
    offered = (device.ep_name for device in worker.plugin_devices())
    names = dict.fromkeys(map(short_name, [*worker.BUILT_IN, *offered]))
    return tuple(name for name in names if name != short_name(worker.AZURE))


def known_name(name: str, others: Sequence[str] = ()) -> str:
    """Turn a short or full provider name, in any case, into onnxruntime's, available or not.

    Args:
        name: such as `cpu`.
        others: full names that are known elsewhere.

    Raises:
        UsageError: nobody knows it.
    """
    wanted = name.lower()
    known = [*ort.get_all_providers(), *others]
    for more in (lambda: known, _plugin_providers):  # plugins take time to look for
        for full in more():
            if wanted in (short_name(full), full.lower()):
                return full
    known_names = [short_name(full) for full in [*known, *_plugin_providers()]]
    near = difflib.get_close_matches(wanted.removesuffix(_SUFFIX.lower()), known_names, n=1)
    raise UsageError(
        f"no provider {name!r}{f', did you mean {near[0]}?' if near else ';'} "
        f"available here: {', '.join(available())}"
    )


def full_name(name: str) -> str:
    """Turn a provider name into onnxruntime's, as `known_name` does, if it can run nodes here.

    Raises:
        NotFoundError: onnxruntime knows the provider, but it is not here.
        UsageError: nobody knows it, or it runs no node.
    """
    full = known_name(name)
    if full == worker.AZURE:
        here = ", ".join(available())
        raise UsageError(f"the provider azure runs no node of a model; available here: {here}")
    if full in worker.BUILT_IN or short_name(full) in available():
        return full
    for plugin in worker.plugins():
        if full in plugin["providers"]:
            idle = dict(idle_plugins())  # another of its providers may have a device
            why = idle.get(plugin["package"], "it offers no device for it on this machine")
            raise NotFoundError(f"{plugin['package']} is installed, but {why}")
    raise NotFoundError(
        f"the provider {short_name(full)} is not in this build of onnxruntime; {remedy(full)}; "
        f"available here: {', '.join(available())}"
    )


def _plugin_providers() -> list[str]:
    return [full for plugin in worker.plugins() for full in plugin["providers"]]


def idle_plugins() -> list[tuple[str, str]]:
    """List the packages of plugin providers that cannot run nodes here, and why."""
    here = {device.ep_name for device in worker.plugin_devices()}
    return [
        (plugin["package"], plugin["error"] or "it offers no device on this machine")
        for plugin in worker.plugins()
        if not here.intersection(plugin["providers"])
    ]


def remedy(full: str) -> str:
    """Say how to get the provider of a full name."""
    package = _PACKAGES.get(short_name(full))
    if package is None:
        return "build onnxruntime with it, or take a build for a platform that has it"
    own = "" if package.startswith(worker.PLUGIN_PREFIX) else ", in an environment of its own"
    return f"pip install {package}{own}"
