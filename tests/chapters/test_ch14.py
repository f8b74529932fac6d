"""Chapter 14: right and wrong answers to its exercises, and the faults that its checks must find."""

import harness
import numpy as np
from harness import ChapterFault
from scipy.special import log_softmax


def soft(factor=2, teacher=True, student=True, returned=lambda rows: rows.sum(axis=1).mean()):
    """The chapter's exercise 14.2 with its parts as arguments."""

    def answer(v, z, t):
        s = np.exp(log_softmax(v / t if teacher else v, axis=1))
        return t**factor * returned(-s * log_softmax(z / t if student else z, axis=1))

    return answer


def naive(v, z, t):
    """Right for small logits only."""
    with np.errstate(all="ignore"):
        s, q = (np.exp(a / t) / np.exp(a / t).sum(axis=1, keepdims=True) for a in (v, z))
        return -(t**2) * (s * np.log(q)).sum(axis=1).mean()


def clipped(v, z, t):
    """A softmax that holds, and a logarithm that does not."""
    s, q = (np.exp(log_softmax(a / t, axis=1)) for a in (v, z))
    return -(t**2) * (s * np.log(q + 1e-12)).sum(axis=1).mean()


def bias(count=lambda named, y, missing: named != y, choose=np.argmin, step=0.1, offset=0.0):
    """The chapter's exercise 14.3 with its parts as arguments."""

    def answer(z_valid, y_valid, missing):
        biases = np.arange(0, 20.05, step)
        added = np.arange(z_valid.shape[1]) == missing
        wrong = [count((z_valid + b * added).argmax(axis=1), y_valid, missing).sum() for b in biases]
        return biases[choose(wrong)] + offset

    return answer


def of_missing(named, y, missing):
    return (named != y) & (y == missing)


RIGHT = [
    ("14.1", -2),
    ("14.2", soft()),
    ("14.3", bias()),
    ("14.3", bias(choose=lambda wrong: len(wrong) - 1 - np.argmin(wrong[::-1]))),
]

NUMBERS = {"14.1"}  # exercises whose answer is a number, not a function

WRONG = [
    ("14.1", 2, "makes up for it"),
    ("14.1", -1, "chain rule"),
    ("14.1", 0, "forgotten"),
    ("14.1", 1, "shrinks"),
    ("14.1", 5, "For large T"),
    ("14.2", soft(factor=0), "T² is missing"),
    ("14.2", soft(factor=1), "square of T"),
    ("14.2", soft(student=False), "student's logits"),
    ("14.2", soft(teacher=False), "teacher's logits"),
    ("14.2", soft(0, teacher=False, student=False), "no effect"),
    ("14.2", soft(returned=lambda rows: rows.sum()), "their sum"),
    ("14.2", soft(returned=lambda rows: rows.mean()), "Sum over the classes"),
    ("14.2", soft(returned=lambda rows: -rows.sum(axis=1).mean()), "The sign"),
    ("14.2", lambda v, z, t: soft()(v, z, t) - soft()(v, v, t), "divergence"),
    ("14.2", lambda v, z, t: 1.0, "Divide both"),
    ("14.2", soft(returned=lambda rows: rows.sum(axis=1)), "shape"),
    ("14.2", naive, "NaN"),
    ("14.2", clipped, "size of 1,000"),
    ("14.2", 3, "function itself"),
    ("14.3", bias(choose=np.argmax), "most errors|Count all|takes others"),
    ("14.3", bias(of_missing), "Count all errors"),
    ("14.3", bias(of_missing, lambda wrong: -1), "takes others"),
    ("14.3", lambda z, y, missing: 0.0, "hardly ever"),
    ("14.3", lambda z, y, missing: -3.0, "One of 0"),
    ("14.3", lambda z, y, missing: 0.1, "Another bias"),
    ("14.3", bias(offset=0.04), "Nearly"),
    ("14.3", lambda z, y, missing: z[0], "shape"),
]

FAULTS = [
    ChapterFault(
        "masks that are all as likely",
        "chance = p ** masks.sum(axis=1) * (1 - p) ** (12 - masks.sum(axis=1))",
        "chance = np.full(4096, 1 / 4096)",
        "one layer: weights times p off the geometric mean of all masks",
        alone=True,
    ),
    ChapterFault(
        "weights that are not multiplied by p",
        '"weights times p": network(p * x_one)',
        '"weights times p": network(x_one)',
        "one layer: weights times p off the geometric mean of all masks",
        alone=True,
    ),
    ChapterFault(
        "a teacher in training mode",
        "def answers(net, x, training=False",
        "def answers(net, x, training=True",
        "a teacher that is asked twice: answers apart by",
        alone=True,
    ),
    ChapterFault(
        "privileged features at test time",
        "if x.shape[-1] != width:",
        "if x.shape[-1] > 784:",
        "a net refuses rows of another width: share",
        alone=True,
    ),
    ChapterFault(
        "T² forgotten",
        "self.factor = temperature**2 if factor is None else factor",
        "self.factor = 1.0 if factor is None else factor",
        "gradient of the loss off T (q - s)",
    ),
    ChapterFault(
        "the student's logits not divided by T",
        "-s * ops.log_softmax(z / self.divisor)",
        "-s * ops.log_softmax(z)",
        "gradient of the loss off T (q - s)",
    ),
    ChapterFault(
        "labels in the teacher's place",
        "np.stack([np.eye(10)[y], v], axis=-2)",
        "np.stack([v, np.eye(10)[y]], axis=-2)",
        "gradient of the loss off T (q - s)",
    ),
    ChapterFault(
        "λ on the labels",
        "(1 - self.weight) * hard + self.weight * soft",
        "self.weight * hard + (1 - self.weight) * soft",
        "gradient of the loss off T (q - s)",
    ),
    ChapterFault(
        "a temperature of 0 goes through",
        "if not np.all(np.asarray(temperature) > 0):",
        "if False:",
        "T of 0 and below, logits and targets of other shapes are refused: share",
        alone=True,
    ),
    ChapterFault(
        "the bias taken off instead of added",
        "z_valid + bias * is_three",
        "z_valid - bias * is_three",
        "no 3, live: 3s wrong with the largest bias, per cent",
        alone=True,
    ),
    ChapterFault(
        "answers of other images",
        "with_labels(y, other.get(name, v))",
        "with_labels(y, other.get(name, v[::-1]))",
        "answers in step: share of the teacher's answers that are the label",
    ),
    ChapterFault(
        "a start for each layer that is not Glorot's",
        "limit = np.sqrt(6 / (below + size))  # Glorot's",
        "limit = np.sqrt(6 / below)  # Glorot's",
        "side by side: start of a net's weights over Glorot's",
        alone=True,
    ),
    ChapterFault(
        "a flow twice as strong",
        "(right**2 - left**2) / (4 * step)",
        "(right**2 - left**2) / (2 * step)",
        "simulator at ν = 0.02 off the exact solution, per cent",
        alone=True,
    ),
    ChapterFault(
        "a mirror without its sign",
        "-u_runs[:, ::-1]",
        "u_runs[:, ::-1]",
        "surrogate: mirrored runs, median error of RBF over that without",
    ),
    ChapterFault(
        "parameters outside the domain go through",
        "if not (0.001 <= nu <= 1 and abs(a) <= 3 and abs(b) <= 3):",
        "if not abs(a) <= 3:",
        "parameters outside the simulator's domain are refused: share",
        alone=True,
    ),
    ChapterFault(
        "one softmax where two are announced",
        '"teacher twice": softmax(once)',
        '"teacher twice": once',
        "softmax twice: largest target of an image",
        alone=True,
    ),
    ChapterFault(
        "a gradient that is not stopped",
        "stop * ops.stop_gradient(s) + (1 - stop) * s",
        "s",
        "joint, stopped: teacher at μ = 10 off the teacher at μ = 0, mean, points",
    ),
]


TestAnswers = harness.answers("14", RIGHT, WRONG, NUMBERS)
TestFaults = harness.faults("14", FAULTS)
