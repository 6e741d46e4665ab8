"""The pictures that a run leaves: data, curves, predictions, confusion, feature maps, outputs."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from torch import Tensor

from digitlens.contract import LABELS
from digitlens.files import replacing
from digitlens_train.mnist import Split
from digitlens_train.trainer import Epoch

DPI = 100
WRONG = "tab:red"
ROWS, COLUMNS = 5, 10
"""Of images in a picture."""


def samples(split: Split) -> Figure:
    """One training image at its 28×28 pixels, beside a grid of others with their labels."""
    figure = Figure(figsize=(12, 5.2), layout="constrained")
    left, right = _side_by_side(figure, 2)
    left.suptitle(f"the first training image: a {split.labels[0]}, 28×28 pixels")
    axes = left.subplots()
    axes.imshow(split.images[0].numpy(), cmap="gray", vmin=0, vmax=255)
    axes.set_xticks(range(0, 28, 4))
    axes.set_yticks(range(0, 28, 4))
    shown = min(ROWS * COLUMNS + 1, len(split.images))
    right.suptitle(
        f"training images 2 to {shown} of {len(split.images):,}" if shown > 1 else "no others"
    )
    grid = _grid(right, ROWS, COLUMNS)
    for axes, image, label in zip(grid, split.images[1:], split.labels[1:], strict=False):
        axes.imshow(image.numpy(), cmap="gray_r", vmin=0, vmax=255)
        axes.set_title(str(label.item()), fontsize=9)
    _hide_ticks(grid)
    return figure


def losses(epochs: Sequence[Epoch], watched: str) -> Figure:
    """Cross-entropy on training and `watched` images over the epochs."""
    curves = {
        "training": [e.train_loss for e in epochs],
        watched: [e.valid_loss for e in epochs],
    }
    return _curves(epochs, curves, "loss (cross-entropy)")


def accuracies(epochs: Sequence[Epoch], watched: str) -> Figure:
    """Accuracy in percent on training and `watched` images over the epochs."""
    curves = {
        "training": [100 * e.train_accuracy for e in epochs],
        watched: [100 * e.valid_accuracy for e in epochs],
    }
    return _curves(epochs, curves, "accuracy (%)")


def predictions(split: Split, probabilities: Tensor, name: str = "validation") -> Figure:
    """Images with predicted digit and confidence; up to ten wrong ones come last."""
    confidence, predicted = probabilities.max(1)
    is_wrong = predicted != split.labels
    wrong = is_wrong.nonzero().flatten()[:COLUMNS].tolist()
    usual = list(range(min(ROWS * COLUMNS - len(wrong), len(split.labels))))
    figure = Figure(figsize=(12, 7.2), layout="constrained")
    figure.suptitle(
        f"the first {len(usual)} {name} images and the first {len(wrong)} wrong ones: "
        "predicted digit and confidence"
    )
    grid = _grid(figure, ROWS, COLUMNS)
    for axes, index in zip(grid, usual + wrong, strict=False):
        axes.imshow(split.images[index].numpy(), cmap="gray_r", vmin=0, vmax=255)
        title = f"{predicted[index]} ({100 * confidence[index]:.0f} %)"
        if is_wrong[index]:
            title += f"\nnot {split.labels[index]}"
            _frame(axes, WRONG)
        axes.set_title(title, fontsize=9, color=WRONG if is_wrong[index] else "black")
    _hide_ticks(grid)
    return figure


def confusion_counts(labels: Tensor, predicted: Tensor) -> NDArray[np.int64]:
    """Count `[predicted, actual]` pairs, `[10, 10]`."""
    pairs = predicted.numpy() * len(LABELS) + labels.numpy()
    counts = np.bincount(pairs, minlength=len(LABELS) ** 2)
    return counts.reshape(len(LABELS), len(LABELS))


def digit_accuracies(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give the accuracy of each digit, 0…1, `[10]`, from counts `[predicted, actual]`."""
    shares: NDArray[np.float64] = counts.diagonal() / np.maximum(counts.sum(0), 1)
    return shares


def confusion_matrix(counts: NDArray[np.int64]) -> Figure:
    """Draw counts `[predicted, actual]`, and name the most and the least accurate digit."""
    accuracy = digit_accuracies(counts)
    best, worst = int(accuracy.argmax()), int(accuracy.argmin())
    figure = Figure(figsize=(7.5, 7.5), layout="constrained")
    axes = figure.subplots()
    # Counts on the diagonal are hundreds of times those beside it; a root shows both.
    axes.imshow(np.sqrt(counts), cmap="Blues")
    for row, column in np.ndindex(counts.shape):
        count = counts[row, column]
        dark = np.sqrt(count) > np.sqrt(counts.max()) / 2
        color = "white" if dark else "black" if count else "lightgray"
        axes.text(column, row, f"{count}", ha="center", va="center", color=color)
    axes.set(
        xlabel="actual digit",
        ylabel="predicted digit",
        xticks=LABELS,
        yticks=LABELS,
        title=f"most accurate: {best} ({100 * accuracy[best]:.2f} %), "
        f"least accurate: {worst} ({100 * accuracy[worst]:.2f} %)",
    )
    return figure


def maps(glyph: Tensor, activation: Tensor, name: str) -> Figure:
    """Draw the feature maps `[channels, height, width]` of one layer beside the input `[32, 32]`.

    Maps of one pixel (conv3) are drawn twice: all in one strip, and zoomed with their values.
    """
    count, height, _ = activation.shape
    columns = {6: 3, 16: 4}.get(count, 15)
    rows = -(-count // columns)
    figure = Figure(figsize=(12, 6 if height > 1 else 7.5), layout="constrained")
    left, right = _side_by_side(figure, 2 if height > 1 else 3.2)
    left.suptitle("input, 32×32")
    axes = left.subplots()
    axes.imshow(glyph.numpy(), cmap="gray", vmin=0, vmax=1)
    _hide_ticks([axes])
    shape = "×".join(str(size) for size in activation.shape)
    title = f"{name}: {shape} after tanh, blue −1, white 0, red +1"
    if height == 1:
        _draw_single_pixels(right, activation.flatten(), title, columns)
        return figure
    right.suptitle(title)
    grid = _grid(right, rows, columns)
    for index, (axes, feature_map) in enumerate(zip(grid, activation, strict=True)):
        axes.imshow(feature_map.numpy(), cmap="bwr", vmin=-1, vmax=1)
        axes.set_title(f"{index}", fontsize=9)
    _hide_ticks(grid)
    return figure


def final_layer(glyph: Tensor, logits: Tensor, probabilities: Tensor) -> Figure:
    """Draw the ten outputs `[10]` as coloured boxes, the winner framed, beside the input."""
    winner = int(logits.argmax())
    figure = Figure(figsize=(12, 3.6), layout="constrained")
    left, right = _side_by_side(figure, 3)
    axes = left.subplots()
    axes.imshow(glyph.numpy(), cmap="gray", vmin=0, vmax=1)
    axes.set_title("input, 32×32")
    _hide_ticks([axes])
    axes = right.subplots()
    colours = axes.imshow(logits.reshape(2, 5).numpy(), cmap="viridis")
    limits = colours.get_clim()
    for label, logit in enumerate(logits.tolist()):
        row, column = divmod(label, 5)
        bright = logit > (limits[0] + limits[1]) / 2
        text = f"{label}\nlogit {logit:.2f}\n{100 * probabilities[label]:.2f} %"
        color = "black" if bright else "white"
        axes.text(column, row, text, ha="center", va="center", color=color, fontsize=11)
    row, column = divmod(winner, 5)
    axes.add_patch(Rectangle((column - 0.48, row - 0.48), 0.96, 0.96, fill=False, ec=WRONG, lw=4))
    axes.set_title(f"the ten outputs: {winner} wins")
    _hide_ticks([axes])
    right.colorbar(colours, ax=axes, label="logit")
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write `figure` as PNG, the same bytes for the same figure."""
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=DPI, metadata={"Software": None})


def _curves(epochs: Sequence[Epoch], curves: dict[str, list[float]], what: str) -> Figure:
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    numbers = [e.epoch for e in epochs]
    for name, values in curves.items():
        axes.plot(numbers, values, marker="o", markersize=4, label=f"{name}: {values[-1]:.4g}")
    axes.set(xlabel="epoch", ylabel=what, title=f"{what} over {len(epochs)} epochs")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend(title="after the last epoch")
    return figure


def _draw_single_pixels(figure: SubFigure, values: Tensor, title: str, columns: int) -> None:
    figure.suptitle(title)
    strip, zoomed = figure.subplots(2, 1, height_ratios=[1, 9])
    strip.imshow(values.reshape(1, -1).numpy(), cmap="bwr", vmin=-1, vmax=1, aspect="auto")
    strip.set_title(f"all {len(values)}, each a single pixel", fontsize=9)
    _hide_ticks([strip])
    zoomed.imshow(values.reshape(-1, columns).numpy(), cmap="bwr", vmin=-1, vmax=1, aspect="auto")
    zoomed.set_title("zoomed: number and value of each", fontsize=9)
    for index, value in enumerate(values.tolist()):
        row, column = divmod(index, columns)
        color = "white" if abs(value) > 0.6 else "black"
        text = f"{index}\n{value:+.2f}"
        zoomed.text(column, row, text, ha="center", va="center", fontsize=7, color=color)
    _hide_ticks([zoomed])


def _side_by_side(figure: Figure, ratio: float) -> list[SubFigure]:
    grid = figure.subfigures(1, 2, squeeze=False, width_ratios=[1, ratio])
    return list(np.asarray(grid).flat)


def _grid(figure: Figure | SubFigure, rows: int, columns: int) -> list[Axes]:
    return list(figure.subplots(rows, columns).flat)


def _hide_ticks(grid: Iterable[Axes]) -> None:
    for axes in grid:
        axes.set_xticks([])
        axes.set_yticks([])


def _frame(axes: Axes, color: str) -> None:
    for spine in axes.spines.values():
        spine.set(color=color, linewidth=2)
