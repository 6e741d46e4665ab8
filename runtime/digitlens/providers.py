"""Execution providers: their names, which are here, and which one ran the nodes."""

import difflib
from collections import Counter

import onnxruntime as ort

from digitlens.errors import NotFoundError, UsageError

DEFAULT = "cpu"
_SUFFIX = "ExecutionProvider"
_SHORT = {"Dml": "directml", "NvTensorRTRTX": "tensorrt-rtx", "ROCM": "rocm", "VitisAI": "vitisai"}


def short_name(full: str) -> str:
    """`CUDAExecutionProvider` → `cuda`."""
    stem = full.removesuffix(_SUFFIX)
    return _SHORT.get(stem, stem.lower())


def available() -> tuple[str, ...]:
    """List the short names of the providers that can run nodes here.

    Azure's is left out: it forwards whole models to a service and runs no node.
    """
    names = (short_name(full) for full in ort.get_available_providers())
    return tuple(name for name in names if name != "azure")


def full_name(name: str) -> str:
    """Turn a short or full provider name, in any case, into onnxruntime's.

    Raises:
        NotFoundError: onnxruntime knows the provider, but this build lacks it.
        UsageError: nobody knows it.
    """
    known: dict[str, str] = {short_name(full): full for full in ort.get_all_providers()}
    wanted = short_name(name) if name.endswith(_SUFFIX) else name.lower()
    wanted = next((s for s, full in known.items() if full.lower() == name.lower()), wanted)
    here = available()
    if wanted in here:
        return known[wanted]
    choice = f"available here: {', '.join(here)}"
    if wanted == "azure":
        raise UsageError(f"the provider azure runs no node of a model; {choice}")
    if wanted in known:
        raise NotFoundError(f"the provider {wanted} is not in this build of onnxruntime; {choice}")
    near = difflib.get_close_matches(wanted, known, n=1)
    raise UsageError(
        f"no provider {name!r}{f', did you mean {near[0]}?' if near else ';'} {choice}"
    )


def placement(session: ort.InferenceSession) -> dict[str, int]:
    """Count the nodes by the short name of the provider that really runs them.

    The session must have been made with `session.record_ep_graph_assignment_info` set.
    """
    counts: Counter[str] = Counter()
    for subgraph in session.get_provider_graph_assignment_info():
        counts[short_name(subgraph.ep_name)] += len(subgraph.get_nodes())
    return dict(counts)
