"""Chapter 13: right and wrong answers to its exercises, and the faults that its checks must find."""

import harness
import numpy as np
from harness import ChapterFault
from scipy.linalg import sqrtm
from scipy.special import logsumexp, softmax


def frechet(means=1.0, cross=2.0, root=lambda m: np.real(sqrtm(m)), cov=lambda x: np.cov(x, rowvar=False), power=1):
    """The chapter's exercise 13.3 with its parts as arguments."""

    def answer(a, b):
        apart, c_a, c_b = a.mean(axis=0) - b.mean(axis=0), cov(a), cov(b)
        both = cross * np.trace(root(c_a @ c_b))
        return (means * apart @ apart + np.trace(c_a) + np.trace(c_b) - both) ** power

    return answer


def uncentred(x):
    return x.T @ x / len(x)


def small_only(log_w):
    with np.errstate(all="ignore"):
        return np.log(np.exp(log_w).mean(axis=0))


def by_the_largest_of_all(log_w):
    largest = log_w.max()
    with np.errstate(all="ignore"):
        return largest + np.log(np.exp(log_w - largest).mean(axis=0))


def by_mean(log_w):
    """Takes off the mean, which does not help where the weights lie far apart."""
    with np.errstate(all="ignore"):
        middle = log_w.mean(axis=0)
        return middle + np.log(np.exp(log_w - middle).mean(axis=0))


def bound(log_w):
    return logsumexp(log_w, axis=0) - np.log(len(log_w))


RIGHT = [
    ("13.1", 49),
    ("13.2", bound),
    ("13.2", lambda log_w: np.float32(bound(log_w))),
    ("13.3", frechet()),
]

NUMBERS = {"13.1"}  # exercises whose answer is a number, not a function

WRONG = [
    ("13.1", 0.02 / 0.98, "turn it around"),
    ("13.1", 50, "1/D"),
    ("13.1", 0.98, "non-saturating loss itself"),
    ("13.1", 0.02, "minimax loss itself"),
    ("13.1", 1 / 0.02 - 1 / 0.98, "by D"),
    ("13.1", 7, "Divide them"),
    ("13.2", lambda log_w: log_w.mean(axis=0), "mean of the logarithms"),
    ("13.2", lambda log_w: logsumexp(log_w, axis=0), "number of codes"),
    ("13.2", lambda log_w: log_w.max(axis=0), "largest"),
    ("13.2", lambda log_w: (softmax(log_w, axis=0) * log_w).sum(axis=0), "weighted by themselves"),
    ("13.2", lambda log_w: np.exp(bound(log_w)), "mean weight"),
    ("13.2", lambda log_w: -bound(log_w), "sign"),
    ("13.2", lambda log_w: bound(log_w) + 0.1, "logarithm of the mean"),
    ("13.2", small_only, "NaN or infinity|give another answer"),
    ("13.2", by_the_largest_of_all, "Each image has its own largest"),
    ("13.2", by_mean, "NaN or infinity|give another answer"),
    ("13.2", lambda log_w: logsumexp(log_w, axis=0) - np.log(max(len(log_w), 2)), "one code|together"),
    ("13.2", lambda log_w: bound(log_w.T), "shape"),
    ("13.2", 3, "function itself"),
    ("13.3", frechet(means=0), "means are missing"),
    ("13.3", frechet(power=0.5), "square root of it"),
    ("13.3", frechet(cross=1), "counts twice"),
    ("13.3", frechet(cross=0), "last term is missing"),
    ("13.3", frechet(cov=uncentred), "not centred"),
    ("13.3", frechet(root=lambda m: np.sqrt(np.abs(m))), "each number"),
    ("13.3", frechet(root=lambda m: m), "root of the product"),
    ("13.3", lambda a, b: np.sum((a.mean(axis=0) - b.mean(axis=0)) ** 2), "means alone"),
    (
        "13.3",
        lambda a, b: frechet(means=0)(a, b) + np.linalg.norm(a.mean(axis=0) - b.mean(axis=0)),
        "to be squared",
    ),
    ("13.3", lambda a, b: 1.0, "Squared distance"),
    ("13.3", lambda a, b: a[0], "shape"),
]

FAULTS = [
    ChapterFault(
        "the root of the divergence",
        "jensenshannon(real.pdf(grid), q.pdf(grid)) ** 2",
        "jensenshannon(real.pdf(grid), q.pdf(grid))",
        "value of the game off -ln 4 + 2 JS",
    ),
    ChapterFault(
        "real and made examples exchanged in the best critic",
        "return real.logpdf(x) - q.logpdf(x)",
        "return q.logpdf(x) - real.logpdf(x)",
        "value of the game off -ln 4 + 2 JS",
    ),
    ChapterFault(
        "ln D in place of ln(1 - D)",
        "minimax = -tf.nn.softplus(a)  # ln(1 - D)",
        "minimax = -tf.nn.softplus(-a)",
        "slope of minimax off D",
    ),
    ChapterFault(
        "the critic's loss moves the generator",
        "self.critic(ops.stop_gradient(fake), training=training)",
        "self.critic(fake, training=training)",
        "slopes of the summed loss off two losses by hand",
        alone=True,
    ),
    ChapterFault(
        "the generator's loss moves the critic",
        "logit = frozen(self.critic, fake, training)",
        "logit = self.critic(fake, training=training)",
        "slopes of the summed loss off two losses by hand",
        alone=True,
    ),
    ChapterFault(
        "real and made exchanged in the critic's loss",
        "ops.softplus(-real_logit) + ops.softplus(fake_logit)",
        "ops.softplus(real_logit) + ops.softplus(-fake_logit)",
        "slopes of the summed loss off two losses by hand",
        alone=True,
    ),
    ChapterFault(
        "networks that do not fit go through",
        "if generator.output_shape[1:] != critic.input_shape[1:]:",
        "if False:",
        "other sizes, gray values to 255 and a loss that is NaN are refused: share",
        alone=True,
    ),
    ChapterFault(
        "a loss that is NaN goes through",
        "if not np.isfinite(self.losses[-1]).all():",
        "if False:",
        "other sizes, gray values to 255 and a loss that is NaN are refused: share",
        alone=True,
    ),
    ChapterFault(
        "a message about NaN without its step",
        'f"step {self.step}: a loss is {self.losses[-1]}"',
        'f"a loss is {self.losses[-1]}"',
        "each message names its mistake: share",
        alone=True,
    ),
    ChapterFault(
        "the minimax loss with its sign turned",
        "return critic_loss, -ops.mean(ops.softplus(logit))",
        "return critic_loss, ops.mean(ops.softplus(logit))",
        "slopes of the summed loss off two losses by hand",
        alone=True,
    ),
    ChapterFault(
        "gray values to 255 go through",
        "if x.min() < 0 or x.max() > 1:",
        "if False:",
        "other sizes, gray values to 255 and a loss that is NaN are refused: share",
        alone=True,
    ),
    ChapterFault(
        "no root in the Fréchet distance",
        "both = np.sqrt(np.maximum(product, 0)).sum()",
        "both = product.sum()",
        "Fréchet distance of a set to itself",
    ),
    ChapterFault(
        "covariances that are not centred",
        "cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)",
        "cov_a, cov_b = a.T @ a / len(a), b.T @ b / len(b)",
        "Fréchet distance of two normals off its closed form",
    ),
    ChapterFault(
        "too few images go through",
        "if min(len(a), len(b)) <= a.shape[1]:",
        "if False:",
        "too few images for a covariance are refused: share",
    ),
    ChapterFault(
        "the critic of the codes moves the encoder",
        "self.critic(ops.stop_gradient(z))",
        "self.critic(z)",
        "a critic that only watches: slope of the encoder off the plain one",
        alone=True,
    ),
    ChapterFault(
        "a distance between that counts once",
        "return 2 * cdist(a, b).mean() - sum(within)",
        "return cdist(a, b).mean() - sum(within) / 2",
        "energy distance of two pairs of points off its value by hand",
        alone=True,
    ),
    ChapterFault(
        "pairs of a point with itself",
        "cdist(c, c).sum() / (len(c) * (len(c) - 1))",
        "cdist(c, c).mean()",
        "energy distance of two pairs of points off its value by hand",
        alone=True,
    ),
    ChapterFault(
        "the mean outside the logarithm",
        "return ops.logsumexp(log_w, axis=0) - np.log(k)",
        "return ops.mean(log_w, axis=0)",
        "toy, L_1 and L_2 off the integrals, in standard errors",
        alone=True,
    ),
    ChapterFault(
        "a sum in place of the mean",
        "return ops.logsumexp(log_w, axis=0) - np.log(k)",
        "return ops.logsumexp(log_w, axis=0)",
        "toy, L_1 and L_2 off the integrals, in standard errors",
        alone=True,
    ),
    ChapterFault(
        "log q without its constant",
        "log_q = ops.square(epsilon) + log_var + np.log(2 * np.pi)",
        "log_q = ops.square(epsilon) + log_var",
        "IWAE: log-weights off SciPy's, nats",
        alone=True,
    ),
]


TestAnswers = harness.answers("13", RIGHT, WRONG, NUMBERS)
TestFaults = harness.faults("13", FAULTS)
