"""The pictures of a report, as SVG that stands inside a page."""

import html
import io
import re
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from digitlens.contract import LABELS
from digitlens_train.calibration import Bin
from digitlens_train.trainer import Epoch

BEFORE, AFTER = "tab:gray", "tab:blue"


def curves(runs: Sequence[tuple[str, str, Sequence[Epoch]]]) -> Figure:
    """Loss and accuracy of runs, each with a name and what its epochs were validated on.

    Training is dashed.
    """
    figure = Figure(figsize=(12, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for axes, what, scale in ((left, "loss", 1), (right, "accuracy", 100)):
        for number, (name, watched, epochs) in enumerate(runs):
            # matplotlib reads mathematics between $, and hides names that begin with _.
            shown = "run " + name.replace("$", r"\$")
            for images, style in (("train", "--"), ("valid", "-")):
                values = [scale * getattr(epoch, f"{images}_{what}") for epoch in epochs]
                label = f"{shown}, {'training' if images == 'train' else watched}"
                numbers = [epoch.epoch for epoch in epochs]
                axes.plot(numbers, values, style, color=f"C{number}", label=label, marker=".")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
    left.set(xlabel="epoch", ylabel="cross-entropy", yscale="log")
    right.set(xlabel="epoch", ylabel="accuracy (%)")
    right.legend(fontsize=8)
    return figure


def calibration(before: Sequence[Bin], after: Sequence[Bin]) -> Figure:
    """Accuracy over confidence, before and after temperature scaling, and how many there are."""
    figure = Figure(figsize=(6, 5.6), layout="constrained")
    top, bottom = figure.subplots(2, 1, height_ratios=[3, 1], sharex=True)
    top.plot([0, 1], [0, 1], ":", color="black", label="perfect")
    for parts, color, label in ((before, BEFORE, "before"), (after, AFTER, "after")):
        confidence = [part.confidence for part in parts]
        top.plot(confidence, [p.accuracy for p in parts], "o-", color=color, label=label)
        bottom.plot(confidence, [p.count for p in parts], "o-", color=color)
    top.set(ylabel="accuracy", xlim=(0, 1.02), ylim=(0, 1.02))
    top.grid(alpha=0.3)
    top.legend(title="temperature scaling")
    bottom.set(xlabel="confidence", ylabel="images", yscale="log")
    bottom.grid(alpha=0.3)
    return figure


def digit_accuracies(accuracies: Sequence[float]) -> Figure:
    """Accuracy, 0…1, of each digit, as bars that start where they differ."""
    figure = Figure(figsize=(6, 3), layout="constrained")
    axes = figure.subplots()
    percent = [100 * accuracy for accuracy in accuracies]
    bars = axes.bar(list(LABELS), percent, color=AFTER)
    axes.bar_label(bars, fmt="%.2f", fontsize=8)
    low = max(0.0, 100 - 1.6 * (100 - min(percent)) - 0.1)
    axes.set(
        xlabel="digit", ylabel="accuracy (%)", xticks=LABELS, ylim=(low, 100 + (100 - low) / 8)
    )
    return figure


def kernels(weights: Tensor) -> Figure:
    """conv1's kernels float32 `[6, 1, 5, 5]` on one scale, blue negative, red positive."""
    figure = Figure(figsize=(9, 1.9), layout="constrained")
    limit = float(weights.abs().max())
    grid = list(np.asarray(figure.subplots(1, len(weights))).flat)
    for index, (axes, kernel) in enumerate(zip(grid, weights[:, 0], strict=True)):
        colours = axes.imshow(kernel.numpy(), cmap="bwr", vmin=-limit, vmax=limit)
        axes.set_title(str(index), fontsize=9)
        axes.set_xticks([])
        axes.set_yticks([])
    figure.colorbar(colours, ax=grid, shrink=0.9)
    return figure


def svg(figure: Figure, title: str, number: int) -> str:
    """Give `figure` as an SVG element that a screen reader calls `title`.

    Title and `number` together are unlike those of all other figures of the page.
    """
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": title, "svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    element = buffer.getvalue()
    element = element[element.index("<svg") :]
    # One page holds many figures, and their inner names must not meet.
    prefix = re.sub(r"\W+", "-", f"{number} {title}")
    element = re.sub(r'(\bid="|"#|url\(#)', rf"\g<1>{prefix}-", element)
    return element.replace("<svg", f'<svg role="img" aria-label="{html.escape(title)}"', 1)
