"""RESULTS.md: the headline figures, from the chapters' stored outputs and the stored tables; the README's picture.

`python -m tools.report` writes both; `make results` does so after the tables are complete.
"""

import base64
import dataclasses
import functools
import math
import statistics

import nbformat
import numpy as np

from aelib import data
from tools import chapters

PICTURE = "a4f75a89"  # a cell of chapter 03
TOLERANCE = 0.05  # of a chapter's own run, against the mean of the seeds


@dataclasses.dataclass
class Row:
    """A headline figure.

    claim: of the check in the chapter's stored outputs that saw it; table: (name, column, {column: value}) of the runs
    over several seeds; scale: multiplies both. The others are text, of sources outside the project.
    """

    chapter: str
    quantity: str
    claim: str | None = None
    table: tuple | None = None
    lecture: str = ""
    peer: str = ""
    scale: float = 1

    def run(self):
        """What the chapter's own run gave: (lowest, highest)."""
        for check in record(self.chapter)["checks"]:
            if check["claim"] == self.claim:
                return [self.scale * value for value in check["value"]]
        raise ValueError(f"chapter {self.chapter} has no check {self.claim!r}")

    def seeds(self):
        """The figures of the seeds."""
        name, column, where = self.table
        table = data.load_results(name)
        figures = table[column][np.logical_and.reduce([table[key] == value for key, value in where.items()])]
        if len(figures) < 3:
            raise ValueError(f"{name}.csv: {len(figures)} rows with {where}, expected three seeds or more")
        return (self.scale * figures).tolist()


ROWS = [
    Row(
        "01",
        "one Oja unit: cosine with the first component",
        "Oja, one unit: |cos| with the first component",
    ),
    Row(
        "01",
        "tied autoencoder, 3,000 steps: test MSE off PCA's, per cent (20 starts)",
        "3,000 steps: test MSE off PCA's by per cent",
    ),
    Row(
        "01",
        "gene expression, 10 codes: training MSE above PCA's floor, per cent",
        "genes, 10 codes: train MSE above PCA's floor by per cent",
    ),
    Row(
        "02",
        "784-300-150-300-784, the lecture's recipe: test MSE",
        "lecture's recipe, L2(5e-5): test MSE",
        ("recipe", "test_mse", {"recipe": "lecture: L2(5e-5)"}),
        lecture="0.0104, last training batch",
    ),
    Row("02", "PCA, 150 components: test MSE", "PCA, 150 components: test MSE"),
    Row(
        "02",
        "784-300-150-300-784, the chapter's recipe: test MSE",
        "this recipe: test MSE",
        ("recipe", "test_mse", {"recipe": "sigmoid and cross-entropy"}),
    ),
    Row("02", "2 codes: test MSE", table=("code_size", "test_mse", {"n_codes": 2})),
    Row("02", "10 codes: test MSE", table=("code_size", "test_mse", {"n_codes": 10})),
    Row("02", "30 codes: test MSE", table=("code_size", "test_mse", {"n_codes": 30})),
    Row(
        "02",
        "2 to 150 codes: share of PCA's test MSE",
        "the autoencoder's share of PCA's error, every size",
    ),
    Row(
        "03",
        "denoiser, noise of level 1.0: test MSE",
        "denoiser, level 1.0: test MSE",
    ),
    Row("03", "the same, 6 epochs: test MSE", table=("denoising", "test_gaussian_10", {"training": "gaussian_10"})),
    Row(
        "03",
        "trained without noise, 6 epochs: test MSE",
        table=("denoising", "test_gaussian_10", {"training": "clean"}),
    ),
    Row(
        "03",
        "denoiser, share of the best matrix's test MSE, clipped",
        "denoiser: test MSE over the clipped linear one's",
    ),
    Row(
        "03",
        "the clean image shown in training instead: test MSE it pretends, over the true one",
        "the clean image shown instead: share of the true error",
    ),
    Row(
        "04",
        "dense VAE, 20 codes: test -ELBO, gray pixels, nats",
        "dense VAE, 20 codes: test -ELBO, nats",
        peer="100, training batches (the recipe's notebook)",
    ),
    Row(
        "04",
        "convolutional VAE, 2 codes: test -ELBO, gray pixels, nats",
        "convolutional VAE, 2 codes: test -ELBO, nats",
        peer="146.95, training (keras.io)",
    ),
    Row("04", "dense VAE, 5 epochs: test -ELBO, nats", table=("formulas", "test_bound", {"formula": "right"})),
    Row(
        "04",
        "the same, its scale a linear layer as printed (erratum 5)",
        table=("formulas", "test_bound", {"formula": "scale is t"}),
    ),
    Row(
        "05",
        "784-500, persistent chains, k = 2, 30 epochs: test log-likelihood, nats",
        "persistent chains, k = 2: test log-likelihood",
    ),
    Row(
        "05",
        "persistent chains, k = 1, 15 epochs: test log-likelihood, nats",
        table=("boltzmann", "test_log_likelihood", {"method": "persistent"}),
        peer="-86.3, CD-25 (Salakhutdinov and Murray 2008)",
    ),
    Row(
        "05",
        "CD-2, 15 epochs: test log-likelihood, nats",
        table=("boltzmann", "test_log_likelihood", {"method": "CD-2"}),
        peer="-105.5, CD-3 (the same)",
    ),
    Row(
        "05",
        "CD-1, 15 epochs: test log-likelihood, nats",
        table=("boltzmann", "test_log_likelihood", {"method": "CD-1"}),
        peer="-125.5 (the same)",
    ),
    Row(
        "05",
        "time of a Gibbs step over scikit-learn's",
        "time of a Gibbs step over scikit-learn's, median of epochs",
    ),
    Row(
        "05",
        "softmax on frozen features, 500 units: test accuracy, per cent",
        table=("belief_network", "test_accuracy", {"start": "frozen", "units": 500}),
        lecture="93.36, one batch of 256",
        scale=100,
    ),
    Row(
        "05",
        "softmax on frozen features, 1,024 units: test accuracy, per cent",
        table=("belief_network", "test_accuracy", {"start": "frozen", "units": 1024}),
        peer="98.17 (yell/boltzmann-machines)",
        scale=100,
    ),
    Row(
        "05",
        "fine-tuned, 500 units: test accuracy, per cent",
        table=("belief_network", "test_accuracy", {"start": "fine-tuned", "units": 500}),
        scale=100,
    ),
    Row(
        "06",
        "letters, deep logistic net, random start: training error (ln 26 is 3.258)",
        "random start: training error, where guessing has 3.258",
        lecture="3.257",
    ),
    *(
        Row(
            "06",
            f"letters, {what}: of 312",
            table=("letters", "easy_test_accuracy", {"net": net}),
            lecture=lecture,
            scale=312,
        )
        for net, what, lecture in (
            ("RBM stack", "the same from a stack of RBMs", "267"),
            ("autoencoder stack", "the same from a stack of autoencoders", ""),
            ("one hidden layer", "one hidden layer of 100", "231"),
        )
    ),
    *(
        Row(
            "06",
            f"MNIST, {n:,} labels, {method}: test accuracy, per cent",
            table=("labels", "test_accuracy", {"n_labels": n, "method": method}),
            peer=peer,
            scale=100,
        )
        for n, method, peer in (
            (100, "RBM frozen", ""),
            (100, "RBM fine-tuned", ""),
            (100, "random sigmoid", ""),
            (100, "random ReLU", ""),
            (100, "SVM", ""),
            (100, "RBM fine-tuned 784-500-10", "81.70 (yell/boltzmann-machines)"),
            (100, "random sigmoid 784-500-10", "76.02 (the same)"),
            (1000, "RBM fine-tuned", ""),
            (1000, "random sigmoid", ""),
            (1000, "random ReLU", ""),
            (1000, "SVM", ""),
            (1000, "RBM fine-tuned 784-500-10", "93.65 (the same)"),
            (1000, "random sigmoid 784-500-10", "88.71 (the same)"),
        )
    ),
    *(
        Row(
            "06",
            f"MNIST, all labels, {what}: test accuracy, per cent",
            table=("all_labels", "test_accuracy", {"start": start}),
            peer=peer,
            scale=100,
        )
        for start, what, peer in (
            ("RBM", "RBM fine-tuned", "98.66, DBN; 99.08 with dropout (Srivastava et al. 2014)"),
            ("DAE", "DAE fine-tuned", "98.7, stacked denoising autoencoders"),
            ("sigmoid", "random sigmoid", ""),
            ("relu", "random ReLU", ""),
        )
    ),
    *(
        Row(
            "06",
            f"784-500-500-30-500-500-784, {what}: test MSE",
            table=("deep_autoencoder", "test_mse", {"start": start}),
        )
        for start, what in (("RBM", "from the RBM stack"), ("sigmoid", "random sigmoid"), ("relu", "random ReLU"))
    ),
    Row("06", "PCA, 30 components: test MSE", "PCA with 30 components: test MSE"),
]


@functools.cache
def notebook(chapter):
    (path,) = chapters.find(chapter)
    return nbformat.read(path, as_version=4)


def record(chapter):
    """What `make outputs` stored in the chapter's metadata: profile, versions, machine, seconds, checks."""
    return notebook(chapter).metadata.aelib


def picture():
    """The PNG of chapter 03 that the README shows."""
    (cell,) = [cell for cell in notebook("03").cells if cell.id == PICTURE]
    (output,) = chapters.pictures(cell)
    return base64.b64decode(output.data["image/png"])


def in_words(figures):
    """One figure; the lowest and highest of a check over several; or mean and standard deviation of the seeds."""
    if len(figures) >= 3:
        mean, sd = statistics.mean(figures), statistics.stdev(figures)
        if sd == 0:
            return f"{mean:.4g} ± 0 ({len(figures)})"
        decimals = max(0, 1 - math.floor(math.log10(sd)))  # two digits of the deviation
        return f"{mean:.{decimals}f} ± {sd:.{decimals}f} ({len(figures)})"
    low, high = (f"{figure:.4g}" for figure in figures)
    return low if low == high else f"{low} to {high}"


def text():
    """RESULTS.md."""
    lines = [
        "# Results",
        "",
        "Written by `make results`. *This run*: what the chapter's stored outputs show, lecture profile, shipped data,",
        "one run (two figures are the lowest and the highest of several). *Seeds*: mean ± standard deviation, and how",
        "many, of the stored tables in `experiments/results/`. Where a row has both, they agree within "
        f"{100 * TOLERANCE:.0f} per cent. Errors",
        "and accuracies on MNIST are of all 10,000 test images.",
        "",
        "| chapter | quantity | this run | seeds | lecture | published elsewhere |",
        "|---|---|---|---|---|---|",
    ]
    for row in ROWS:
        run, seeds = in_words(row.run()) if row.claim else "", in_words(row.seeds()) if row.table else ""
        lines.append(f"| {row.chapter} | {row.quantity} | {run} | {seeds} | {row.lecture} | {row.peer} |")
    lines += ["", "| chapter | seconds, lecture profile | machine | versions |", "|---|---|---|---|"]
    for chapter in sorted({row.chapter for row in ROWS}):
        stored = record(chapter)
        versions = ", ".join(f"{name} {version}" for name, version in stored["versions"].items())
        lines.append(f"| {chapter} | {stored['seconds']} | {stored['machine']} | {versions} |")
    return "\n".join(lines) + "\n"


def main():
    (chapters.ROOT / "RESULTS.md").write_text(text(), encoding="utf-8")
    (chapters.SITE / "denoising.png").write_bytes(picture())


if __name__ == "__main__":
    main()
