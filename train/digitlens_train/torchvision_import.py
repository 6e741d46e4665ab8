"""Import torchvision beside a PyTorch that its compiled operators do not fit.

torchvision's Linux wheels are built for CUDA. Beside a CPU-only torch its C++ library cannot be
loaded, and `import torchvision` then fails while it registers the fake kernels of two operators
that nobody has declared. Declared first, the import succeeds, and all of torchvision that is
written in Python works: the data sets and the transforms, which is what training uses.
"""

import sys

import torch

_OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)

# A library object withdraws its operators when it is collected.
_library: torch.library.Library | None = None

try:
    import torchvision  # noqa: F401
except RuntimeError as error:
    if "torchvision::nms does not exist" not in str(error):
        raise
    for _name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[_name]
    _library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for _operator in _OPERATORS:
        _library.define(_operator)  # type: ignore[no-untyped-call]

from torchvision import datasets, transforms  # noqa: E402
from torchvision.transforms.v2 import functional  # noqa: E402

__all__ = ["datasets", "functional", "transforms"]
