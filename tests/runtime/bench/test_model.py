from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from math import prod
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import tiny
from digitlens.bench.model import FLOP_PER_IMAGE, Model, made_up
from digitlens.contract import OUTPUTS, PROBABILITIES
from digitlens.errors import ModelError, NotFoundError, UsageError
from digitlens.model_file import PACKAGED
from digitlens.session import Session


@contextmanager
def opened(path: Path, folder: Path, **dims: int) -> Iterator[Model]:
    with closing(Model(path, folder, dims)) as model:
        yield model


@pytest.fixture(scope="module")
def lenet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    with opened(PACKAGED, tmp_path_factory.mktemp("bench")) as model:
        yield model


def shapes(path: Path) -> dict[str, tuple[int, ...]]:
    with np.load(path) as arrays:
        return {name: array.shape for name, array in arrays.items()}


def test_the_packaged_model_reads_digits(lenet: Model) -> None:
    assert lenet.reads_digits
    assert lenet.contract is not None
    assert (lenet.size, lenet.precision) == (PACKAGED.stat().st_size, "float32")
    assert len(lenet.sha256) == 64
    assert lenet.dims == ["batch"]
    assert lenet.plain_outputs == [PROBABILITIES]
    assert lenet.flop == FLOP_PER_IMAGE
    assert lenet.batches([1, 8, 5]) == [1, 8, 5]


def test_an_image_takes_as_many_operations_as_the_file_says() -> None:
    model = onnx.shape_inference.infer_shapes(onnx.load(PACKAGED))
    weights = {tensor.name: list(tensor.dims) for tensor in model.graph.initializer}
    places = {
        value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim[1:]]
        for value in [*model.graph.value_info, *model.graph.output]
    }
    flop = 0
    for node in model.graph.node:
        if node.op_type in ("Conv", "Gemm"):
            positions = places[node.output[0]][1:] if node.op_type == "Conv" else []
            flop += 2 * prod(weights[node.input[1]]) * prod(positions)
        else:
            used = {weights[name][0] for name in node.input if weights.get(name)}
            assert node.op_type == "Reshape" or not used
    assert flop == FLOP_PER_IMAGE == 833_040


def test_its_inputs_are_digits_that_it_is_sure_of(lenet: Model) -> None:
    with np.load(lenet.inputs(64)) as arrays:
        assert list(arrays) == ["image"]
        glyphs = arrays["image"]
    assert (glyphs.dtype, glyphs.shape) == (np.float32, (64, 1, 32, 32))
    assert 0 <= glyphs.min() < glyphs.max() <= 1
    probabilities = Session().run(glyphs[:, 0], [PROBABILITIES])[PROBABILITIES]
    assert (probabilities.max(1) > 0.8).mean() > 0.9
    assert np.bincount(probabilities[:40].argmax(1), minlength=10).min() >= 3
    assert np.array_equal(glyphs[40:], glyphs[:24])


def test_the_first_inputs_of_every_batch_are_the_same(lenet: Model) -> None:
    with np.load(lenet.inputs(3)) as three, np.load(lenet.inputs(64)) as many:
        assert np.array_equal(three["image"], many["image"][:3])


@pytest.mark.parametrize(("batch", "count"), [(1, 10), (3, 4), (8, 2), (10, 1), (128, 1)])
def test_outputs_are_compared_for_ten_digits_or_more(lenet: Model, batch: int, count: int) -> None:
    assert len(lenet.variants(batch)) == count
    parts = []
    for variant in lenet.variants(batch):
        with np.load(lenet.inputs(batch, variant)) as arrays:
            parts.append(arrays["image"])
    glyphs = np.concatenate(parts)
    assert len(glyphs) == batch * count >= 10
    with np.load(lenet.inputs(len(glyphs))) as arrays:
        assert np.array_equal(glyphs, arrays["image"])


def test_every_variant_of_made_up_inputs_is_another(tmp_path: Path) -> None:
    path = tiny.absolute(tmp_path / "any.onnx", ["n", 3])
    with opened(path, tmp_path) as model:
        with np.load(model.inputs(2)) as first, np.load(model.inputs(2, 1)) as second:
            assert not np.array_equal(first["x0"], second["x0"])
        with np.load(model.inputs(2, 1)) as inputs, np.load(model.expected(2, 1)) as expected:
            assert np.array_equal(inputs["x0"], expected["y0"])


def test_what_is_expected_is_what_the_session_gives(lenet: Model) -> None:
    with np.load(lenet.inputs(5)) as inputs, np.load(lenet.expected(5)) as expected:
        found = Session().run(inputs["image"][:, 0])
        assert tuple(expected) == OUTPUTS
        for name in OUTPUTS:
            assert np.array_equal(expected[name], found[name])


def test_readings_are_the_texts_of_frames(lenet: Model) -> None:
    with np.load(lenet.readings()) as found:
        texts = found["text"]
    assert texts.shape == (24,)
    assert all(len(text.replace("\n", "")) == 10 for text in texts)
    assert len(set(texts)) > 5


def test_any_model_gets_random_inputs_of_the_batch(tmp_path: Path) -> None:
    path = tiny.absolute(tmp_path / "any.onnx", ["n", 3], ["n", 2, 4])
    with opened(path, tmp_path) as model:
        assert model.contract is None
        assert not model.reads_digits
        assert (model.flop, model.plain_outputs, model.precision) == (None, None, "")
        assert model.batches([1, 8]) == [1, 8]
        assert shapes(model.inputs(8)) == {"x0": (8, 3), "x1": (8, 2, 4)}
        assert shapes(model.expected(8)) == {"y0": (8, 3), "y1": (8, 2, 4)}
        with np.load(model.inputs(8)) as inputs:
            assert 0 <= inputs["x0"].min() < inputs["x0"].max() <= 1


@pytest.mark.parametrize(
    ("shape", "dims", "batches"),
    [
        (["n", 3], {}, [1, 8]),
        (["n", "w"], {"w": 5}, [1, 8]),
        (["n", "w"], {}, [1, 8]),
        ([None, 3], {}, [1, 8]),
        ([4, 3], {}, [4]),
        ([1, "w"], {"w": 5}, [1]),
        (["n", 3], {"n": 6}, [6]),
        ([None, 3], {"x0.0": 6}, [6]),
        ([], {}, [1]),
    ],
)
def test_batches_are_those_that_a_model_can_take(
    tmp_path: Path, shape: list[int | str | None], dims: dict[str, int], batches: list[int]
) -> None:
    path = tiny.absolute(tmp_path / "any.onnx", shape)
    with opened(path, tmp_path, **dims) as model:
        assert model.batches([1, 8]) == batches


def test_given_dimensions_are_used_everywhere(tmp_path: Path) -> None:
    path = tiny.absolute(tmp_path / "any.onnx", ["n", "w"], ["w"], [2, None])
    with opened(path, tmp_path, **{"w": 5, "x2.1": 7}) as model:
        assert model.dims == ["n", "w", "w", "x2.1"]
        assert shapes(model.expected(3)) == {"y0": (3, 5), "y1": (5,), "y2": (2, 7)}


@pytest.mark.parametrize(
    ("shape", "way_out"),
    [(["n", "w"], "--dim w=SIZE"), (["n", None], "--dim x0.1=SIZE"), ([1, "w"], "--dim w=SIZE")],
)
def test_a_dimension_without_a_size_is_named_with_the_way_out(
    tmp_path: Path, shape: list[int | str | None], way_out: str
) -> None:
    path = tiny.absolute(tmp_path / "any.onnx", shape)
    reason = "dimension 1 of the input x0 has no size"
    with opened(path, tmp_path) as model, pytest.raises(UsageError, match=reason) as error:
        model.inputs(1)
    assert way_out in str(error.value)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("kind", [TensorProto.INT64, TensorProto.FLOAT16, TensorProto.DOUBLE])
def test_inputs_have_the_type_of_the_model(tmp_path: Path, kind: int) -> None:
    path = tiny.absolute(tmp_path / "any.onnx", ["n", 3], kind=kind)
    with opened(path, tmp_path) as model, np.load(model.expected(2)) as expected:
        assert expected["y0"].dtype == helper.tensor_dtype_to_np_dtype(kind)


def test_an_input_that_cannot_be_made_up_is_named(tmp_path: Path) -> None:
    path = tiny.save(
        tmp_path / "text.onnx",
        [helper.make_node("Identity", ["name"], ["y"])],
        [tiny.value("name", ["n"], TensorProto.STRING)],
        [tiny.value("y", ["n"], TensorProto.STRING)],
    )
    reason = r"the input name is a tensor\(string\)"
    with opened(path, tmp_path) as model, pytest.raises(UsageError, match=reason) as error:
        model.inputs(1)
    assert str(path) in str(error.value)


def test_inputs_and_outputs_may_have_any_name(tmp_path: Path) -> None:
    path = tiny.save(
        tmp_path / "names.onnx",
        [helper.make_node("Abs", ["file"], ["/out/Abs:0"])],
        [tiny.value("file", ["n"])],
        [tiny.value("/out/Abs:0", ["n"])],
    )
    with opened(path, tmp_path) as model:
        assert shapes(model.inputs(2)) == {"file": (2,)}
        assert shapes(model.expected(2)) == {"/out/Abs:0": (2,)}


def test_a_model_without_inputs_can_be_run(tmp_path: Path) -> None:
    node = helper.make_node("Constant", [], ["y"], value_floats=[1.0, 2.0])
    path = tiny.save(tmp_path / "none.onnx", [node], [], [tiny.value("y", [2])])
    with opened(path, tmp_path) as model:
        assert model.batches([1, 8]) == [1]
        assert shapes(model.expected(1)) == {"y": (2,)}


def test_a_model_that_gives_something_else_every_time_is_refused(tmp_path: Path) -> None:
    node = helper.make_node("RandomUniform", [], ["y"], shape=[2, 2])
    path = tiny.save(tmp_path / "random.onnx", [node], [], [tiny.value("y", [2, 2])])
    with opened(path, tmp_path) as model, pytest.raises(ModelError, match="random numbers"):
        model.expected(1)


def test_a_dimension_of_size_0_is_refused(tmp_path: Path) -> None:
    node = helper.make_node("Relu", ["x"], ["y"])
    path = tiny.save(
        tmp_path / "zero.onnx", [node], [tiny.value("x", [0, 2])], [tiny.value("y", [0, 2])]
    )
    with opened(path, tmp_path) as model, pytest.raises(UsageError, match="size 0"):
        model.inputs(0)


def test_a_model_that_the_cpu_cannot_run_is_told_with_the_way_out(tmp_path: Path) -> None:
    path = tiny.save(
        tmp_path / "sum.onnx",
        [helper.make_node("Add", ["a", "b"], ["y"])],
        [tiny.value("a", ["n", "v"]), tiny.value("b", ["n", "w"])],
        [tiny.value("y", ["n", "v"])],
    )
    reason = r"the CPU cannot run it.*--dim NAME=SIZE"
    with (
        opened(path, tmp_path, v=3, w=4) as model,
        pytest.raises(ModelError, match=reason) as error,
    ):
        model.expected(1)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_model_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"missing\.onnx"):
        Model(tmp_path / "missing.onnx", tmp_path, {})


def as_text(path: Path) -> None:
    path.write_text("hello")


def with_an_unknown_operator(path: Path) -> None:
    node = helper.make_node("Convolute", ["x"], ["y"])
    tiny.save(path, [node], [tiny.value("x", [1])], [tiny.value("y", [1])])


def with_a_broken_contract(path: Path) -> None:
    model = onnx.load(PACKAGED)
    model.metadata_props[0].value = '{"schema": 1'
    onnx.save(model, path)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (as_text, "no ONNX file"),
        (with_an_unknown_operator, "the CPU cannot open it .*Convolute"),
        (with_a_broken_contract, "the CPU cannot open it .*contract cannot be read"),
        (Path.mkdir, "no regular file"),
    ],
)
def test_a_model_that_cannot_be_loaded_is_named_in_one_line(
    tmp_path: Path, make: Callable[[Path], None], reason: str
) -> None:
    path = tmp_path / "bad.onnx"
    make(path)
    with pytest.raises(ModelError, match=reason) as error:
        Model(path, tmp_path, {})
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        ("tensor(float)", np.float32),
        ("tensor(float16)", np.float16),
        ("tensor(double)", np.float64),
        ("tensor(int8)", np.int8),
        ("tensor(int16)", np.int16),
        ("tensor(int32)", np.int32),
        ("tensor(int64)", np.int64),
        ("tensor(uint8)", np.uint8),
        ("tensor(uint16)", np.uint16),
        ("tensor(uint32)", np.uint32),
        ("tensor(uint64)", np.uint64),
        ("tensor(bool)", np.bool_),
    ],
)
def test_numbers_and_truth_values_are_made_up(kind: str, dtype: type) -> None:
    found = made_up(kind, [40, 50], np.random.default_rng(0))
    assert (found.dtype, found.shape) == (dtype, (40, 50))
    assert 0 <= found.min() < found.max() <= 1
    assert made_up(kind, [], np.random.default_rng(0)).shape == ()
    assert made_up(kind, [0, 3], np.random.default_rng(0)).shape == (0, 3)
    again = made_up(kind, [40, 50], np.random.default_rng(0))
    assert np.array_equal(found, again)


@pytest.mark.parametrize(
    "kind", ["tensor(string)", "tensor(bfloat16)", "seq(tensor(float))", "optional(tensor(float))"]
)
def test_other_kinds_cannot_be_made_up(kind: str) -> None:
    with pytest.raises(ValueError, match="cannot be made up") as error:
        made_up(kind, [1], np.random.default_rng(0))
    assert kind in str(error.value)
