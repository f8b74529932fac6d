"""All families: the table of RESULTS.md, and the site's page "Which one for what" with its picture.

All three are what `experiments/results/families.csv` says; `python -m tools.report` writes them. A `Verdict` is a
sentence and what must be so in the table for it to stand: a test asks the table.
"""

import dataclasses
import hashlib
import io

import matplotlib.pyplot as plt
import numpy as np

from aelib import data
from aelib.plots import COLOURS
from tools import chapters
from tools.words import in_words

PAGE, PICTURE = chapters.SITE / "families.md", chapters.SITE / "families.png"
CHAPTERS = {
    "pixels": "",
    "PCA": "01",
    "plain": "02",
    "tied": "02",
    "stacked": "06",
    "denoising": "03",
    "k-sparse": "07",
    "L1": "07",
    "KL": "07",
    "contractive": "08",
    "convolutional": "09",
    "generalized": "10",
    "relational": "10",
    "embedding": "10",
    "VAE": "04",
    "beta-VAE": "04",
    "IWAE": "13",
    "AAE": "13",
    "RBM": "05",
    "DBN": "06",
    "GAN": "13",
    "Kohonen map": "12",
}
KINDS = {  # a colour a kind of method
    "data": ["pixels"],
    "pca": ["PCA"],
    "plain": ["plain", "tied", "stacked", "convolutional"],
    "autoencoder": ["denoising", "k-sparse", "L1", "KL", "contractive", "generalized", "relational", "embedding"],
    "random": ["VAE", "beta-VAE", "IWAE", "AAE", "GAN"],
    "rbm": ["RBM", "DBN"],
    "other": ["Kohonen map"],
}


@dataclasses.dataclass(frozen=True)
class Column:
    """A figure of the table: its heading, what it is multiplied by, and whether more of it is better."""

    heading: str
    scale: float = 1
    more: bool = False
    log: bool = False


COLUMNS = {
    "test_mse": Column("error × 1,000", 1000, log=True),
    "linear_100": Column("linear, 100 labels", more=True),
    "near_100": Column("5-NN, 100 labels", more=True),
    "linear_all": Column("linear, all labels", more=True),
    "near_all": Column("5-NN, all labels", more=True),
    "noisy_linear": Column("linear, noisy", more=True),
    "masked_linear": Column("linear, half the pixels", more=True),
    "noisy_mse": Column("error × 1,000, noisy", 1000, log=True),
    "frechet": Column("Fréchet, own draws", log=True),
    "frechet_fitted": Column("Fréchet, fitted", log=True),
}


def found():
    """{family: {column: the seeds' figures}}, in the order of the table; an empty list where a family has no figure."""
    table, speed = data.load_results("families"), data.load_results("families_speed")
    families = {}
    for family in dict.fromkeys(table["family"].tolist()):
        rows = table[table["family"] == family]
        columns = {name: column.scale * rows[name] for name, column in COLUMNS.items()}
        families[family] = {name: figures[np.isfinite(figures)].tolist() for name, figures in columns.items()}
        families[family] |= {name: rows[name].tolist() for name in ("parameters", "steps")}
        (pace,) = speed[speed["family"] == family]
        families[family]["seconds"] = [round(float(pace["before"] + pace["step"] * rows["steps"][0]), 1)]
    return families


def mean(figures):
    """Mean ± standard deviation of the seeds; one figure where no seed changes it; or nothing."""
    if not figures:
        return ""
    if isinstance(figures[0], int):
        return f"{figures[0]:,}"
    return in_words(figures).removesuffix(f" ({len(figures)})") if len(figures) > 2 else f"{figures[0]:.4g}"


def table(families):
    """Of all families, for Markdown."""
    heads = ["family", "chapter", *(column.heading for column in COLUMNS.values()), "parameters", "steps", "seconds"]
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    for family, columns in families.items():
        cells = [family, CHAPTERS[family], *map(mean, columns.values())]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def picture(families):
    """Panels side by side, a family a line, a dot a seed; the better end of each panel is on the right."""
    colour = {family: COLOURS[kind] for kind, several in KINDS.items() for family in several}
    with plt.rc_context({"font.size": 11, "figure.constrained_layout.use": True}):
        figure, panels = plt.subplots(2, 5, figsize=(15, 11), sharey=True)
        for axes, (name, column) in zip(panels.ravel(), COLUMNS.items(), strict=True):
            for line, (family, columns) in enumerate(families.items()):
                figures = columns[name]
                axes.plot(figures, [line] * len(figures), "o", color=colour[family], alpha=0.7, markersize=7)
            if families["PCA"][name]:
                axes.axvline(families["PCA"][name][0], color=COLOURS["pca"], linewidth=1, linestyle="--", zorder=0)
            axes.set(title=column.heading, xscale="log" if column.log else "linear", ylim=(len(families) - 0.5, -0.5))
            axes.set_yticks(range(len(families)), list(families))
            axes.grid(axis="y", linewidth=0.4)
            axes.spines[["top", "right"]].set_visible(False)
            if column.log:
                axes.minorticks_off()
                low, high = axes.get_xlim()
                ticks = [t for t in (2, 5, 10, 20, 50, 100, 200, 500) if low <= t <= high]
                axes.set_xticks(ticks, ticks)
            if not column.more:
                axes.invert_xaxis()
        file = io.BytesIO()
        figure.savefig(file, dpi=72, metadata={"Source": fingerprint(), "Software": None})
        plt.close(figure)
    return file.getvalue()


def fingerprint():
    """Of the stored table: the picture carries it."""
    return hashlib.sha256((data.RESULTS / "families.csv").read_bytes()).hexdigest()[:16]


@dataclasses.dataclass(frozen=True)
class Verdict:
    """For `need` an answer. It stands while the table says so.

    best: {column: families}: every seed of each of them is better than every seed of all others that have the figure.
    ahead: (column, family, others): the same against these others only. Placeholders of the text, {VAE[frechet]}, are
    means of the table.
    """

    need: str
    text: str
    best: dict = dataclasses.field(default_factory=dict)
    ahead: list = dataclasses.field(default_factory=list)

    def claims(self, families):
        """(column, better, worse) of all pairs that the sentence compares."""
        for column, several in self.best.items():
            others = [name for name in families if families[name][column] and name not in several]
            yield from ((column, one, other) for one in several for other in others)
        for column, one, others in self.ahead:
            yield from ((column, one, other) for other in others)


def better(families, column, one, other):
    """Whether every seed of the one is better than every seed of the other."""
    ours, theirs = families[one][column], families[other][column]
    if not (ours and theirs):
        raise ValueError(f"{one} and {other}: one of them has no {column}")
    return min(ours) > max(theirs) if COLUMNS[column].more else max(ours) < min(theirs)


VERDICTS = [
    Verdict(
        "To rebuild images,",
        "the convolutional autoencoder: an error of {convolutional[test_mse]} thousandths, the least of all, with "
        "{convolutional[parameters]} parameters. The plain dense one has {plain[test_mse]} with {plain[parameters]}, "
        "PCA {PCA[test_mse]} with {PCA[parameters]}.",
        best={"test_mse": ["convolutional"]},
    ),
    Verdict(
        "With 100 labels,",
        "the generalized autoencoder, whose target is the mean of an image's neighbours. A regression on its codes is "
        "right for {generalized[linear_100]} per cent of the images, on plain codes for {plain[linear_100]}, on the "
        "pixels for {pixels[linear_100]}. It rebuilds worse than PCA.",
        best={"linear_100": ["generalized"], "near_100": ["generalized"]},
        ahead=[("test_mse", "PCA", ["generalized"])],
    ),
    Verdict(
        "When normal noise may come,",
        "the denoising autoencoder: {denoising[noisy_linear]} per cent of the noisy images are classified rightly, and "
        "the error is the least. It has met such noise in its training; the others have not. The convolutional one "
        "falls to {convolutional[noisy_linear]} per cent, below the plain dense one ({plain[noisy_linear]}).",
        best={"noisy_linear": ["denoising"], "noisy_mse": ["denoising"]},
        ahead=[("noisy_linear", "plain", ["convolutional"])],
    ),
    Verdict(
        "Before any training,",
        "PCA. It takes less than a second, and on noisy images its codes ({PCA[noisy_linear]} per cent) beat those of "
        "the plain, the tied and the stacked autoencoder and of the VAE (plain: {plain[noisy_linear]}).",
        ahead=[("noisy_linear", "PCA", ["plain", "tied", "stacked", "VAE"])],
    ),
    Verdict(
        "To draw new images,",
        "a VAE rather than a machine: a Fréchet distance of {VAE[frechet]} against the RBM's {RBM[frechet]} and the "
        "DBN's {DBN[frechet]}. A normal distribution fitted to the codes of the k-sparse autoencoder draws nearer "
        "images still ({k-sparse[frechet_fitted]}). After twenty seconds nobody is near the training images "
        "({pixels[frechet]}).",
        best={"frechet": ["pixels"], "frechet_fitted": ["k-sparse"]},
        ahead=[("frechet", "VAE", ["RBM", "DBN"])],
    ),
    Verdict(
        "For codes that classify with few labels,",
        "neither the VAE nor the AAE: with 100 labels their codes ({VAE[linear_100]} and {AAE[linear_100]} per cent) "
        "are worse than the plain autoencoder's ({plain[linear_100]}).",
        ahead=[("linear_100", "plain", ["VAE", "AAE"])],
    ),
    Verdict(
        "With half of the weights,",
        "tied ones. They withstand noise better than free ones: {tied[noisy_linear]} per cent against "
        "{plain[noisy_linear]}.",
        ahead=[("noisy_linear", "tied", ["plain"]), ("noisy_mse", "tied", ["plain"])],
    ),
    Verdict(
        "To look at the data,",
        "a Kohonen map. To code an image by the nearest of its 32 pictures is the poorest answer of all: an error of "
        "{Kohonen map[test_mse]} thousandths.",
        ahead=[
            ("test_mse", name, ["Kohonen map"]) for name in CHAPTERS if name not in ("pixels", "GAN", "Kohonen map")
        ],
    ),
]

PROTOCOL = (
    "All families of the course, trained on MNIST under one protocol: the same 55,000 images without labels, 32 codes, "
    "as many steps as fit in 20 seconds of one core, three seeds."
)
READING = (
    "Mean ± standard deviation of the seeds, of all 10,000 test images; accuracies in per cent. *Noisy*: normal noise "
    "of level 0.5 on the test images; the classifier has seen none. *Half the pixels*: so many are set to 0. "
    "*Fréchet*: of 10,000 images against the test images, on features of a classifier. *Own draws* come from what the "
    "family takes for its codes' distribution, *fitted* ones from a normal distribution with the mean and covariance "
    "of its training codes; *pixels* are training images, as a floor. *Seconds* are steps times the seconds of a step, "
    "and what comes before the steps, or in their place "
    "(`experiments/results/families_speed.csv`)."
)
LINK = "[Which one for what](site/families.md) reads the table; `experiments/families.py` says what each family is."

TEXT = """# Which one for what

{protocol} `experiments/families.py` says what each family is, and what is measured.

![{alt}](families.png)

A dot is a seed. In every panel the better end is on the right. The dashed line is PCA, with its answers clipped to
the gray scale.

## What follows

{verdicts}

## The figures

{reading}

{table}
## What the table does not show

- Twenty seconds are little. A family is judged by what it has after that time, not by what it can do. The chapters
  train longer.
- 32 codes are few. The sparse autoencoder of chapter 07 has 1,000 units of which it keeps 25, and the machine of
  chapter 05 has 500.
- A short pilot with one seed chose the settings of most families on validation images
  (`experiments/results/families_pilot.csv`). Where a setting changes the codes, it was chosen by the accuracy with 100
  labels. That costs reconstruction: the beta-VAE has a beta of 4, the denoising autoencoder learns under noise of
  level 1.0, and the critic of the AAE has a weight of 20.
- Two or three settings of a family were tried, of the stacked and the generalized autoencoder, the VAE and the IWAE
  only one. The chosen one is therefore mostly at the edge of what was tried, and a better one may lie beyond.
- The GAN's images are poor here (a Fréchet distance of {GAN[frechet]}): it had {GAN[steps]} steps. Chapter 13 trains
  a convolutional one for longer.
- How many steps fit depends on the processor and on the program. The steps were counted once, on one machine; the GAN's
  were timed later on another, as a multiple of the plain autoencoder's. Building the graph, a few seconds, is not
  counted.
- MNIST is small, centred and clean. Nothing here says that the order is the same on other data.
"""

ALT = (
    "Ten panels of dots, a line a family: errors, accuracies of codes, the same on spoilt images, Fréchet distances. "
    "The better end is on the right; PCA is a dashed line."
)


def page(families):
    means = {name: {c: mean(f).split(" ")[0] for c, f in columns.items()} for name, columns in families.items()}
    lines = [f"- **{verdict.need}** {verdict.text.format(**means)}" for verdict in VERDICTS]
    parts = {"protocol": PROTOCOL, "reading": READING, "alt": ALT, "verdicts": "\n".join(lines)}
    return TEXT.format(table=table(families), **parts, **means)


def main():
    families = found()
    PAGE.write_text(page(families), encoding="utf-8")
    PICTURE.write_bytes(picture(families))


if __name__ == "__main__":
    main()
