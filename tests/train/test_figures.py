import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.text import Text

from digitlens_train import figures
from digitlens_train.mnist import Mnist


def texts(figure: Figure) -> str:
    """All words of a figure."""
    return "\n".join(text.get_text() for text in figure.findobj(Text))


def test_confusion_counts_predicted_by_actual() -> None:
    labels, predicted = torch.tensor([3, 3, 5]), torch.tensor([3, 8, 5])
    counts = figures.confusion_counts(labels, predicted)
    assert counts[3, 3] == counts[8, 3] == counts[5, 5] == 1
    assert counts.sum() == 3


def test_the_confusion_matrix_names_the_best_and_the_worst_digit() -> None:
    counts = np.diag(np.full(10, 90)) + 1
    counts[4, 9], counts[:, 2] = 50, 0
    counts[2, 2] = 100
    words = texts(figures.confusion_matrix(counts))
    assert "most accurate: 2 (100.00 %)" in words
    assert "least accurate: 9" in words


def test_predictions_mark_the_wrong_ones(subset: Mnist) -> None:
    probabilities = torch.nn.functional.one_hot(subset.valid.labels, 10).float() * 0.9
    wrong_label = (int(subset.valid.labels[7]) + 1) % 10
    probabilities[7] = 0
    probabilities[7, wrong_label] = 0.6
    words = texts(figures.predictions(subset.valid, probabilities))
    assert f"{wrong_label} (60 %)\nnot {int(subset.valid.labels[7])}" in words
    assert words.count("not ") == 2  # among the first ones, and in the row of wrong ones
    assert f"{int(subset.valid.labels[0])} (90 %)" in words


def test_predictions_say_of_which_images(subset: Mnist) -> None:
    probabilities = torch.nn.functional.one_hot(subset.valid.labels, 10).float()
    words = texts(figures.predictions(subset.valid, probabilities, "held-out"))
    assert "the first 50 held-out images" in words


def test_a_single_image_is_all_of_the_samples(subset: Mnist) -> None:
    assert "no others" in texts(figures.samples(subset.train.first(1)))


def test_the_final_layer_labels_every_box_and_frames_the_winner() -> None:
    logits = torch.arange(10.0)
    figure = figures.final_layer(torch.zeros(32, 32), logits, logits.softmax(0))
    words = texts(figure)
    assert "9 wins" in words
    assert all(f"{label}\nlogit {label:.2f}" in words for label in range(10))
