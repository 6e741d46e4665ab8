import pytest

from digitlens.batch.storage import display


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ("scans/a?b@c", "scans/a?b@c"),
        ("s3://bucket/a@b/c", "s3://bucket/a@b/c"),
        ("s3://me:secret@bucket/a?region=eu&key=x", "s3://bucket/a"),
        ("s3://me:sec/ret@bucket/a", "s3://bucket/a"),
        ("hdfs://me@host:8020/a", "hdfs://host:8020/a"),
        ("hdfs://host:8020/a@b", "hdfs://host:8020/a@b"),
    ],
)
def test_keys_and_queries_are_not_shown(place: str, shown: str) -> None:
    assert display(place) == shown
