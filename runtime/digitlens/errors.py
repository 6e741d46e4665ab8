"""Everything that digitlens raises on purpose.

    DigitlensError          exit status 1
    ├── NotFoundError       exit status 2: a file, folder or provider that is not there
    ├── UsageError          exit status 2: a request that cannot be met as it stands
    ├── DataError           a data set that is damaged or is not what it should be
    │   └── UnreadableError one that the system does not let us read, now
    ├── ImageError          a file or an array that is no readable image
    │   └── TooLargeError   one with more bytes or pixels than are read
    ├── SourceError         a camera, video or address that gives no picture
    ├── WindowError         no window can be opened
    ├── ModelError          a model file that cannot be used
    ├── RunError            a run folder or a checkpoint that cannot be used
    └── ProofError          the ONNX model does not do what PyTorch does

Every message is one line: what is wrong, with the value, and the way out.
"""


class DigitlensError(Exception):
    """The root of all; `exit_code` is what the command line exits with."""

    exit_code = 1


class NotFoundError(DigitlensError):
    """A file, folder or provider that is not there."""

    exit_code = 2


class UsageError(DigitlensError):
    """A request that cannot be met as it stands."""

    exit_code = 2


class DataError(DigitlensError):
    """A data set that is damaged or is not what it should be."""


class UnreadableError(DataError):
    """Data that the system does not let us read, now; it may be there and whole."""


class ImageError(DigitlensError):
    """A file or an array that is no readable image; `source` is the file, where it is one."""

    source = ""


class TooLargeError(ImageError):
    """An image with more bytes or pixels than are read."""


class SourceError(DigitlensError):
    """A camera, video or address that gives no picture."""


class WindowError(DigitlensError):
    """No window can be opened."""


class ModelError(DigitlensError):
    """A model file that cannot be used."""


class RunError(DigitlensError):
    """A run folder or a checkpoint that cannot be used."""


class ProofError(DigitlensError):
    """The ONNX model does not do what PyTorch does."""
