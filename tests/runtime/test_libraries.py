import onnxruntime as ort
import pytest

from digitlens import libraries, providers


def test_every_build_of_onnxruntime_is_known_to_overwrite_the_others() -> None:
    remedies = [providers.remedy(full) for full in ort.get_all_providers()]
    packages = {words.split()[2].rstrip(",") for words in remedies if words.startswith("pip")}
    assert len(packages) > 3
    assert {name for name in packages if "-ep-" not in name} < libraries.ONNXRUNTIMES


@pytest.mark.parametrize(
    ("found", "is_old"),
    [("1.24.1", False), ("1.24.1+cu128", False), ("1.31.0", False), ("1.24", True), ("1.9", True)],
)
def test_what_is_older_is_told_and_what_a_build_adds_to_a_version_is_not(
    monkeypatch: pytest.MonkeyPatch, found: str, is_old: bool
) -> None:
    monkeypatch.setattr(libraries, "requires", lambda _: ["onnxruntime>=1.24.1"])
    monkeypatch.setattr(libraries, "version", lambda _: found)
    assert [problem.is_fatal for problem in libraries.outdated()] == [True] * is_old
