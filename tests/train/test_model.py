import torch

from digitlens.contract import GRAPH_ORDER
from digitlens_train.model import LeNet, layers, summary


def test_the_layers_have_the_shapes_and_parameters_of_lenet5() -> None:
    assert [(layer.name, layer.shape, layer.parameters) for layer in layers(LeNet())] == [
        ("conv1", (6, 28, 28), 156),
        ("pool1", (6, 14, 14), 0),
        ("conv2", (16, 10, 10), 2_416),
        ("pool2", (16, 5, 5), 0),
        ("conv3", (120, 1, 1), 48_120),
        ("fc1", (84,), 10_164),
        ("logits", (10,), 850),
    ]


def test_the_summary_totals_61706_parameters_in_megabytes() -> None:
    text = summary(LeNet())
    assert "61,706" in text
    assert "0.247 MB" in text  # 61,706 × 4 bytes


def test_activations_come_in_graph_order_and_forward_gives_the_logits() -> None:
    model, image = LeNet(), torch.rand(3, 1, 32, 32)
    outputs = model.activations(image)
    assert tuple(outputs) == GRAPH_ORDER
    assert torch.equal(model(image), outputs["logits"])
    assert torch.allclose(outputs["probabilities"].sum(1), torch.ones(3))


def test_conv_and_fc_taps_are_after_tanh_and_pools_are_averages() -> None:
    torch.manual_seed(0)
    outputs = LeNet().activations(100 * torch.randn(2, 1, 32, 32))
    for name in ("conv1", "conv2", "conv3", "fc1"):
        assert -1 <= outputs[name].min() < -0.1
        assert 0.1 < outputs[name].max() <= 1
    expected = torch.nn.functional.avg_pool2d(outputs["conv1"], 2)
    assert torch.equal(outputs["pool1"], expected)


def test_probabilities_are_less_sure_the_higher_the_temperature() -> None:
    model, image = LeNet(), torch.rand(3, 1, 32, 32)
    model.temperature.fill_(4)
    outputs = model.activations(image)
    assert torch.allclose(outputs["probabilities"], (outputs["logits"] / 4).softmax(1))
    assert (outputs["probabilities"].amax(1) < outputs["logits"].softmax(1).amax(1)).all()
