import json

import numpy as np

from digitlens.serve.packet import pack
from server import unpack


def test_what_is_packed_is_unpacked() -> None:
    arrays = {
        "odd": np.arange(5, dtype=np.uint8),
        "floats": np.linspace(0, 1, 6, dtype=np.float32).reshape(2, 3),
        "none": b"",
        "bytes": b"\x01\x02\x03",
        "turned": np.arange(6, dtype=np.float32).reshape(2, 3).T,
    }
    header, found = unpack(pack({"text": "größer"}, arrays))
    assert header["text"] == "größer"
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        expected = np.frombuffer(array, np.uint8) if isinstance(array, bytes) else array
        assert found[name].dtype == expected.dtype
        assert np.array_equal(found[name], expected)


def test_everything_begins_at_a_multiple_of_four() -> None:
    for text in ("", "a", "ab", "abc"):
        packet = pack({"text": text}, {"a": b"x", "b": np.ones(1, np.float32), "c": b"xyz"})
        length = int.from_bytes(packet[:4], "little")
        assert length % 4 == len(packet) % 4 == 0
        header = json.loads(packet[4 : 4 + length])
        assert [each["offset"] for each in header["arrays"]] == [0, 4, 8]
