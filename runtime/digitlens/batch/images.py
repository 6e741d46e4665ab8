"""Encoded images: files, and the members of tar files in the layout of WebDataset."""

import tarfile
from collections.abc import Iterator
from typing import Self, TypeVar

from digitlens.batch import inputs, storage
from digitlens.batch.contents import Image
from digitlens.batch.inputs import File
from digitlens.batch.kind import kind_of
from digitlens.errors import DataError, ImageError, TooLargeError
from digitlens.sources import MAX_BYTES

MAX_NAME = 1 << 20
"""Bytes of a long name, and of what else stands before a member."""

_EXTENSIONS = (b"x", b"g", b"X", tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)


def of_files(files: tuple[File, ...]) -> Iterator[Image]:
    """Give the images of files, in their order.

    Raises:
        SourceError: a file system elsewhere does not answer.
    """
    for file in files:
        try:
            with storage.reading(file.place), storage.open_file(file.place, file.path) as stream:
                # To read a number of bytes that is not there takes memory for it all the same.
                yield Image(file.source, _too_large(file.size) or stream.read())
        except DataError as error:
            yield Image(file.source, error)


def of_tar(file: File) -> Iterator[Image]:
    """Give the images of a tar file, called `FILE#MEMBER`; members of other kinds are labels.

    Raises:
        DataError: the file is damaged, or ends too early.
        SourceError: a file system elsewhere does not answer.
    """
    with (
        storage.reading(file.place),
        storage.open_stream(file.place, file.path) as stream,
        tarfile.open(fileobj=stream, mode="r|*", tarinfo=_Header) as tar,
    ):
        for member in tar:
            vars(tar)["members"] = []  # it would keep all of them
            if kind_of(member.name) != "image" or not (member.isfile() or _is_link(member)):
                continue
            source = inputs.valid(f"{file.source}#{member.name}")
            if _is_link(member):
                yield Image(source, ImageError(f"a link to {inputs.valid(member.linkname)}"))
                continue
            content = tar.extractfile(member)
            assert content is not None
            yield Image(source, _too_large(member.size) or content.read())
        while rest := tar.fileobj.read(storage.BUFFER):
            if rest.strip(b"\0"):
                raise DataError("there is more after its end mark: give joined files apart")


def _is_link(member: tarfile.TarInfo) -> bool:
    return member.issym() or member.islnk()


def _too_large(size: int) -> TooLargeError | None:
    if size <= MAX_BYTES:
        return None
    return TooLargeError(f"too large: more than {MAX_BYTES >> 20} MiB; scale it down")


_H = TypeVar("_H", bound=tarfile.TarInfo)


class _Header(tarfile.TarInfo):
    """The head of a member; tarfile takes a damaged one for the end, and says nothing."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(archive)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]  # the end mark
            raise
        except tarfile.EmptyHeaderError as error:  # type: ignore[attr-defined]
            raise tarfile.ReadError("it ends without its end mark") from error
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(str(error)) from error

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        return _bounded(super().frombuf(buf, encoding, errors))

    @classmethod
    def _frombuf(cls, *buffer: object, **options: object) -> Self:
        # Patch releases since 2026 call this in place of the public one.
        return _bounded(super()._frombuf(*buffer, **options))  # type: ignore[misc, no-any-return]


def _bounded(header: _H) -> _H:
    """Refuse a long name before it is read."""
    if header.type in _EXTENSIONS and header.size > MAX_NAME:
        raise tarfile.ReadError(f"a name of {header.size:,} bytes")
    return header
