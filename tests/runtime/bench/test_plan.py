from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import tiny
from digitlens.bench import plan
from digitlens.bench.interpreter import Interpreter
from digitlens.bench.model import Model
from digitlens.bench.row import FAILED, NETWORK, NO_DEVICE, NOT_INSTALLED, OK, PEER, PIPELINE, Row
from digitlens.bench.settings import BATCHES, Settings
from digitlens.bench.worker import AZURE, CPU
from digitlens.errors import UsageError
from digitlens.model_file import PACKAGED

CUDA, OPENVINO, WEBGPU = (f"{name}ExecutionProvider" for name in ("CUDA", "OpenVINO", "WebGpu"))
OTHER = "/other/bin/python"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("plan")


@pytest.fixture(scope="module")
def lenet(folder: Path) -> Iterator[Model]:
    with closing(Model(PACKAGED, folder, {})) as model:
        yield model


@pytest.fixture(scope="module")
def other(folder: Path) -> Iterator[Model]:
    path = tiny.absolute(folder / "other.onnx", [4, "w"])
    with closing(Model(path, folder, {"w": 3})) as model:
        yield model


def interpreter(
    *available: str, path: str = "", devices: tuple[tuple[str, str], ...] = (), error: str = ""
) -> Interpreter:
    names = list(dict.fromkeys(name for name, _ in devices))
    plugin = {"package": "onnxruntime-ep-some", "providers": names, "error": error}
    found = {
        "onnxruntime": "1.31.1",
        "known": [AZURE, CPU, CUDA],
        "available": [AZURE, *available],
        "plugins": [plugin] if names else [],
        "devices": [] if error else [list(device) for device in devices if device[1]],
    }
    return Interpreter(path, found)


HERE = interpreter(CPU)


def network(*interpreters: Interpreter, model: Model, **settings: object) -> list[Row]:
    settings = {"has_pipeline": False, "batches": (1,), "paces": (None,)} | settings
    return plan.rows(Settings(**settings), [model], interpreters)


def who(rows: list[Row]) -> list[tuple[str, str, str]]:
    return [(row.case.provider, row.case.python, row.status) for row in rows]


def test_there_is_a_row_for_every_batch_number_of_threads_and_pace(lenet: Model) -> None:
    rows = network(
        interpreter(CPU, CUDA),
        model=lenet,
        batches=(1, 8),
        threads=(1, 2),
        paces=(None, 30.0, 60.0),
    )
    cases = [row.case for row in rows]
    assert [(case.provider, case.batch, case.threads, case.pace) for case in cases] == [
        (provider, batch, threads, pace)
        for provider in (CPU, CUDA)
        for batch in (1, 8)
        for threads in (1, 2)
        for pace in (None, 30.0, 60.0)
    ]
    assert {case.kind for case in cases} == {NETWORK}
    assert {row.status for row in rows} == {OK}
    assert {(row.engine, row.precision) for row in rows} == {("onnxruntime 1.31.1", "float32")}


def test_one_image_is_measured_at_a_cameras_pace_too(lenet: Model) -> None:
    rows = plan.rows(Settings(), [lenet], [HERE])
    found = [(row.case.kind, row.case.batch, row.case.pace) for row in rows]
    assert found == [
        (NETWORK, 1, None),
        (NETWORK, 1, 30.0),
        *((NETWORK, batch, None) for batch in BATCHES[1:]),
        (PIPELINE, 1, None),
        (PIPELINE, 1, 30.0),
    ]


def test_a_fixed_batch_is_the_only_one(other: Model) -> None:
    rows = network(HERE, model=other, batches=(1, 8), paces=())
    assert [(row.case.batch, row.case.pace) for row in rows] == [(4, None)]


def test_rows_stand_model_by_model(lenet: Model, other: Model) -> None:
    settings = Settings(batches=(1,), paces=(None,))
    rows = plan.rows(settings, [other, lenet], [HERE])
    found = [(row.case.kind, row.case.model.name) for row in rows]
    assert found == [
        (NETWORK, "other.onnx"),
        (NETWORK, "lenet5.onnx"),
        (PIPELINE, "lenet5.onnx"),
    ]


def test_the_reader_is_measured_in_this_python_alone(lenet: Model) -> None:
    settings = Settings(has_network=False, threads=(1, 2), paces=(None,))
    here, there = interpreter(CPU, CUDA), interpreter(CPU, OPENVINO, path=OTHER)
    rows = plan.rows(settings, [lenet], [here, there])
    assert [(row.case.provider, row.case.threads, row.case.python) for row in rows] == [
        (CPU, 1, ""),
        (CPU, 2, ""),
        (CUDA, 1, ""),
        (CUDA, 2, ""),
    ]


def test_the_reader_needs_a_provider_that_is_here_and_runs_nodes(lenet: Model) -> None:
    for names in (("azure",), ("cuda",)):
        settings = Settings(has_network=False, providers=names)
        assert plan.rows(settings, [lenet], [HERE]) == []


def test_the_reader_is_measured_once_where_a_provider_has_several_devices(lenet: Model) -> None:
    here = interpreter(CPU, devices=((OPENVINO, "CPU"), (OPENVINO, "NPU")))
    settings = Settings(batches=(1,), paces=(None,))
    rows = plan.rows(settings, [lenet], [here])
    assert [(row.case.kind, row.case.provider, row.case.device) for row in rows] == [
        (NETWORK, CPU, ""),
        (NETWORK, OPENVINO, "CPU"),
        (NETWORK, OPENVINO, "NPU"),
        (PIPELINE, CPU, ""),
        (PIPELINE, OPENVINO, ""),
    ]


def test_all_providers_but_azures_are_measured_unless_some_are_named(lenet: Model) -> None:
    here = interpreter(CUDA, CPU, OPENVINO)
    assert [name for name, *_ in who(network(here, model=lenet))] == [CPU, CUDA, OPENVINO]
    rows = network(here, model=lenet, providers=("openvino", "CPU", "OpenVINOExecutionProvider"))
    assert [name for name, *_ in who(rows)] == [OPENVINO, CPU]
    assert who(network(here, model=lenet, providers=("azure",))) == [(AZURE, "", OK)]


def test_a_misspelt_provider_is_told(lenet: Model) -> None:
    with pytest.raises(UsageError, match="no provider 'cudo', did you mean cuda"):
        network(HERE, model=lenet, providers=("cudo",))


def test_a_provider_that_only_another_environment_knows_is_no_misspelling(lenet: Model) -> None:
    there = interpreter("NewExecutionProvider", CPU, path=OTHER)
    there.found["known"].append("NewExecutionProvider")
    rows = network(HERE, there, model=lenet, providers=("new",))
    assert who(rows) == [("NewExecutionProvider", OTHER, OK)]
    with pytest.raises(UsageError, match="no provider 'new'"):
        network(HERE, model=lenet, providers=("new",))


def test_a_provider_that_is_not_here_has_one_row_with_the_way_out(lenet: Model) -> None:
    rows = network(HERE, model=lenet, providers=("cuda", "cpu"), batches=(1, 8))
    assert who(rows) == [(CUDA, "", NOT_INSTALLED), (CPU, "", OK), (CPU, "", OK)]
    assert "pip install onnxruntime-gpu" in rows[0].reason


def test_a_provider_that_another_environment_has_is_not_missed_here(lenet: Model) -> None:
    there = interpreter(CPU, OPENVINO, path=OTHER)
    rows = network(HERE, there, model=lenet, providers=("openvino", "cuda"))
    assert who(rows) == [(CUDA, "", NOT_INSTALLED), (OPENVINO, OTHER, OK)]


def test_an_environment_without_a_worker_has_a_row_of_its_own(lenet: Model) -> None:
    broken = [
        Interpreter(OTHER, error="no onnxruntime there", status=NOT_INSTALLED),
        Interpreter("/third/bin/python", error="it crashed", status=FAILED),
    ]
    rows = network(HERE, *broken, model=lenet)
    assert who(rows) == [
        (CPU, "", OK),
        ("", OTHER, NOT_INSTALLED),
        ("", "/third/bin/python", FAILED),
    ]
    assert [row.reason for row in rows[1:]] == ["no onnxruntime there", "it crashed"]
    assert rows[1].engine == ""


def test_a_plugin_without_a_device_and_one_that_fails_have_their_reasons(lenet: Model) -> None:
    idle = interpreter(CPU, devices=((WEBGPU, ""),))
    torn = interpreter(CPU, devices=((WEBGPU, "GPU"),), error="its library is torn")
    for here, status, reason in (
        (idle, NO_DEVICE, "onnxruntime-ep-some is registered, but offers no device"),
        (torn, FAILED, "its library is torn"),
    ):
        _, row = network(here, model=lenet)
        assert (row.case.provider, row.status) == (WEBGPU, status)
        assert reason in row.reason


def test_peers_that_are_here_are_measured_where_a_model_reads_digits(
    lenet: Model, other: Model
) -> None:
    settings = Settings(
        has_network=False, has_pipeline=False, has_peers=True, batches=(1, 8), threads=(1, 2)
    )
    assert plan.rows(settings, [other], [HERE]) == []
    rows = [r for r in plan.rows(settings, [lenet], [HERE]) if r.case.provider == "OpenCV DNN"]
    assert [(row.case.batch, row.case.threads, row.case.pace) for row in rows] == [
        (1, 1, None),
        (1, 1, 30.0),
        (1, 2, None),
        (1, 2, 30.0),
        (8, 1, None),
        (8, 2, None),
    ]
    assert {row.case.kind for row in rows} == {PEER}
    assert rows[0].engine.startswith("opencv-python")


@pytest.mark.extras
def test_peers_that_are_not_here_are_named_with_the_way_out(
    lenet: Model, other: Model, tmp_path: Path
) -> None:
    wanted = Settings(has_peers=True, run=tmp_path)
    reasons = plan.left_out(wanted, [lenet, other, lenet])
    assert len(reasons) == len(set(reasons))
    assert any(reason.startswith("PyTorch eager: no run folder") for reason in reasons)
    assert not any(reason.startswith("OpenCV DNN") for reason in reasons)
    for reason in reasons:
        assert "pip install" in reason or "--run DIR" in reason or "convert it" in reason
    assert plan.left_out(wanted, [other]) == []
    assert plan.left_out(Settings(run=tmp_path), [lenet]) == []


def test_a_misspelt_dimension_is_told(lenet: Model, other: Model) -> None:
    with pytest.raises(UsageError, match=r"no dimension 'h' .* are w$"):
        network(HERE, model=other, dims={"h": 3})
    with pytest.raises(UsageError, match=r"no dimension 'h' .* are batch, w$"):
        plan.rows(Settings(dims={"h": 3}), [lenet, other], [HERE])
    assert network(HERE, model=other, dims={"w": 3})


def test_a_model_without_symbolic_dimensions_says_so(tmp_path: Path) -> None:
    path = tiny.absolute(tmp_path / "fixed.onnx", [2, 3])
    reason = "no dimension 'n' in the model: it has none"
    with closing(Model(path, tmp_path, {})) as model, pytest.raises(UsageError, match=reason):
        network(HERE, model=model, dims={"n": 3})


def test_rows_of_the_same_work_and_pace_are_measured_in_turns(lenet: Model) -> None:
    here = interpreter(CPU, CUDA)
    settings = Settings(batches=(1, 8), threads=(1, 2))
    rows = plan.rows(settings, [lenet], [here])
    groups = plan.comparisons(rows)
    assert [(row.case.kind, row.case.batch, row.case.pace) for row, *_ in groups] == [
        (NETWORK, 1, None),
        (NETWORK, 1, 30.0),
        (NETWORK, 8, None),
        (PIPELINE, 1, None),
        (PIPELINE, 1, 30.0),
    ]
    assert {len(group) for group in groups} == {4}
    assert sorted(map(id, rows)) == sorted(id(row) for group in groups for row in group)
