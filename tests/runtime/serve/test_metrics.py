import pytest

from digitlens.serve.metrics import BOUNDS, Metrics


def test_latencies_fall_into_buckets_that_add_up() -> None:
    metrics = Metrics()
    for seconds in (0.0005, 0.001, 0.3, 99.0):
        metrics.observe("digitlens_read_seconds", seconds)
    lines = metrics.text().splitlines()
    counts = [line.split()[1] for line in lines if line.startswith("digitlens_read_seconds_bucket")]
    assert counts == ["2"] * 7 + ["2", "3", "3", "3", "4"]
    assert len(counts) == len(BOUNDS) + 1
    assert "digitlens_read_seconds_sum 99.301500" in lines


def test_counts_are_kept_by_label() -> None:
    metrics = Metrics()
    for label in ('by="api"', 'by="live"', 'by="api"'):
        metrics.count("digitlens_readings_total", label)
    assert 'digitlens_readings_total{by="api"} 2' in metrics.text()
    assert "digitlens_frames_total 0" in metrics.text()


def test_a_name_that_nobody_knows_is_a_mistake() -> None:
    with pytest.raises(AssertionError):
        Metrics().count("digitlens_frame_total")
