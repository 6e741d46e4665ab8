from types import SimpleNamespace

import onnxruntime as ort
import pytest

from digitlens import providers
from digitlens.bench import worker
from digitlens.errors import NotFoundError, UsageError

ALL = ort.get_all_providers()
CPU = "CPUExecutionProvider"


@pytest.mark.parametrize(
    ("full", "short"),
    [
        (CPU, "cpu"),
        ("CUDAExecutionProvider", "cuda"),
        ("TensorrtExecutionProvider", "tensorrt"),
        ("NvTensorRTRTXExecutionProvider", "tensorrt-rtx"),
        ("DmlExecutionProvider", "directml"),
        ("CoreMLExecutionProvider", "coreml"),
        ("Something", "something"),
    ],
)
def test_short_names_are_what_people_call_them(full: str, short: str) -> None:
    assert providers.short_name(full) == short


@pytest.mark.parametrize("full", ALL)
def test_a_provider_is_known_by_its_short_and_full_name_in_any_case(full: str) -> None:
    short = providers.short_name(full)
    for name in (short, short.upper(), short.title(), full, full.lower(), full.upper()):
        assert providers.known_name(name) == full


def test_no_two_providers_have_one_short_name() -> None:
    assert len(set(map(providers.short_name, ALL))) == len(ALL)


def test_providers_that_run_nodes_are_available() -> None:
    assert "cpu" in providers.available()
    assert "azure" not in providers.available()
    for name in providers.available():
        assert providers.short_name(providers.full_name(name)) == name


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("openvno", "openvino"),
        ("cudda", "cuda"),
        ("OpenVNOExecutionProvider", "openvino"),
        ("tensort", "tensorrt"),
        ("direct-ml", "directml"),
    ],
)
def test_a_misspelt_name_is_set_right(name: str, meant: str) -> None:
    for function in (providers.known_name, providers.full_name):
        with pytest.raises(UsageError, match=f"did you mean {meant}?") as error:
            function(name)
        assert repr(name) in str(error.value)
        assert "available here: cpu" in str(error.value)


@pytest.mark.parametrize("name", ["", "xyzzy", "ExecutionProvider", "12345"])
def test_a_name_that_is_like_no_other_lists_what_is_here(name: str) -> None:
    with pytest.raises(UsageError, match=r"no provider .*; available here: cpu"):
        providers.known_name(name)


@pytest.mark.parametrize("name", ["azure", "AzureExecutionProvider", "AZURE"])
def test_azure_is_known_but_runs_no_node(name: str) -> None:
    assert providers.known_name(name) == "AzureExecutionProvider"
    with pytest.raises(UsageError, match="azure runs no node of a model; available here: cpu"):
        providers.full_name(name)


@pytest.mark.parametrize("name", ["cpu", "CPU", "cpuexecutionprovider"])
def test_the_processor_is_here(name: str) -> None:
    assert providers.full_name(name) == CPU


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("cuda", "onnxruntime-gpu"),
        ("tensorrt", "onnxruntime-gpu"),
        ("openvino", "onnxruntime-openvino"),
        ("directml", "onnxruntime-directml"),
        ("migraphx", "onnxruntime-migraphx"),
        ("qnn", "onnxruntime-qnn"),
        ("webgpu", "onnxruntime-ep-webgpu"),
    ],
)
def test_a_provider_that_is_not_here_is_told_with_its_package(name: str, package: str) -> None:
    with pytest.raises(NotFoundError, match=f"{name} is not in this build") as error:
        providers.full_name(name)
    assert f"pip install {package}" in str(error.value)
    assert "available here: cpu" in str(error.value)
    has_own = "in an environment of its own" in str(error.value)
    assert has_own is not package.startswith("onnxruntime-ep-")


@pytest.mark.parametrize("full", [name for name in ALL if name != CPU])
def test_every_provider_has_a_remedy_of_one_line(full: str) -> None:
    remedy = providers.remedy(full)
    assert remedy.startswith(("pip install onnxruntime-", "build onnxruntime with it"))
    assert "\n" not in remedy


def test_a_plugin_may_have_a_device_for_another_of_its_providers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plugin = {"package": "onnxruntime-ep-x", "providers": ["AProvider", "BProvider"], "error": ""}
    monkeypatch.setattr(worker, "plugins", lambda: [plugin])
    monkeypatch.setattr(worker, "plugin_devices", lambda: [SimpleNamespace(ep_name="AProvider")])
    assert providers.full_name("AProvider") == "AProvider"
    with pytest.raises(NotFoundError, match="onnxruntime-ep-x is installed, but it offers no dev"):
        providers.full_name("BProvider")
