"""Chapter 04: right and wrong answers to its exercises, and the faults that its checks must find."""

import harness
import numpy as np
from harness import ChapterFault


def used(variance=np.exp, axis=0, returned=lambda kl: kl > 0.01):
    def answer(z_mean, z_log_var):
        return returned(0.5 * (z_mean**2 + variance(z_log_var) - z_log_var - 1).mean(axis=axis))

    return answer


def squared_late(z_mean, z_log_var):
    variance = np.exp(z_log_var).mean(axis=0)
    return 0.5 * (z_mean.mean(axis=0) ** 2 + variance - z_log_var.mean(axis=0) - 1) > 0.01


def free(total):
    def answer(z_mean, z_log_var, free_nats):
        return total(0.5 * (z_mean**2 + np.exp(z_log_var) - z_log_var - 1), free_nats)

    return answer


RIGHT = [
    ("4.1", 0.0392),
    ("4.1", 5e-4 * 784 * 2 / 20),
    ("4.2", used()),
    ("4.2", lambda z_mean, z_log_var: [bool(value) for value in used()(z_mean, z_log_var)]),
    ("4.3", free(lambda kl, nats: np.maximum(kl.mean(axis=0), nats).sum())),
    ("4.3", free(lambda kl, nats: sum(max(value, nats) for value in kl.mean(axis=0)))),
]

NUMBERS = {"4.1"}  # exercises whose answer is a number, not a function

WRONG = [
    ("4.1", 0.392, "two codes"),
    ("4.1", 3.92, "other way"),
    ("4.1", 5e-5, "first term"),
    ("4.1", 0.0196, "without the half"),
    ("4.1", 1.0, "Write both terms as sums"),
    ("4.1", "0.0392", "single number"),
    ("4.2", used(axis=1), "for each image"),
    ("4.2", used(variance=lambda t: np.exp(0.5 * t)), "exp of what"),
    ("4.2", squared_late, "Square the mean of each image, then average"),
    ("4.2", used(returned=lambda kl: kl), "True or False"),
    ("4.2", used(returned=lambda kl: kl.sum() > 0.01), "One answer for each of 5 codes"),
    ("4.2", harness.broken, "ZeroDivisionError"),
    ("4.3", free(lambda kl, nats: np.maximum(kl, nats).mean(axis=0).sum()), "limit is put on each image"),
    ("4.3", free(lambda kl, nats: max(kl.mean(axis=0).sum(), nats)), "limit is put on the sum"),
    ("4.3", free(lambda kl, nats: np.maximum(kl.mean(axis=0) - nats, 0).sum()), "taken off"),
    ("4.3", free(lambda kl, nats: np.minimum(kl.mean(axis=0), nats).sum()), "smaller of the two"),
    ("4.3", free(lambda kl, nats: np.maximum(kl.mean(axis=0), nats).mean()), "mean over the codes"),
    ("4.3", free(lambda kl, nats: 2 * np.maximum(kl.mean(axis=0), nats).sum()), "Is the KL of each code right"),
    ("4.3", free(lambda kl, nats: kl.mean(axis=0)), "shape"),
]

FAULTS = [
    ChapterFault(
        "a bound without the prior",
        "logpdf(toy_x) + prior.logpdf(z) - q.logpdf(z)",
        "logpdf(toy_x) - q.logpdf(z)",
        "ELBO plus gap, off log p(x) by",
    ),
    ChapterFault(
        "KL without its half",
        "return 0.5 * ops.sum(kl, axis=-1)",
        "return ops.sum(kl, axis=-1)",
        "KL, closed form off its definition by",
    ),
    ChapterFault(
        "KL averaged over the codes",
        "return 0.5 * ops.sum(kl, axis=-1)",
        "return 0.5 * ops.mean(kl, axis=-1)",
        "KL by aelib over ours",
    ),
    ChapterFault(
        "the gradient through the draw with the wrong sign",
        '"through the draw": (toy_x - z[:, 0])',
        '"through the draw": (z[:, 0] - toy_x)',
        "gradient estimators, off the exact one by standard errors",
    ),
    ChapterFault(
        "cross-entropy averaged over the pixels",
        "return ops.sum(ops.softplus(logits)",
        "return ops.mean(ops.softplus(logits)",
        "mean training image: cross-entropy, nats",
    ),
    ChapterFault(
        "a deviation that is exp(log variance)",
        "return z_mean + ops.exp(0.5 * z_log_var) * epsilon",
        "return z_mean + ops.exp(z_log_var) * epsilon",
        "Sampling, off the chapter's Draw by",
        alone=True,
    ),
    ChapterFault(
        "a draw without noise",
        "return z_mean + ops.exp(0.5 * z_log_var) * epsilon",
        "return z_mean",
        "Sampling, off the chapter's Draw by",
        alone=True,
    ),
    ChapterFault(
        "KL dropped from the loss",
        "loss = loss + self.kl * kl_to_prior(z_mean, z_log_var)",
        "loss = loss + self.kl * 0",
        "loss of the two loss layers: ratio",
        alone=True,
    ),
    ChapterFault(
        "a bound by hand with exp(log variance)",
        "z = z_mean + np.exp(0.5 * z_log_var) * noise",
        "z = z_mean + np.exp(z_log_var) * noise",
        "-ELBO by evaluate over that by hand",
    ),
    ChapterFault(
        "draws where the mean is meant",
        "encoded_again = encode(encoder, x_test)[0]",
        "encoded_again = ops.convert_to_numpy(Sampling()(encode(encoder, x_test)))",
        "two answers of the encoder differ by",
    ),
    ChapterFault(
        "the mean of the logarithms in the importance-weighted bound",
        "return -(special.logsumexp(groups, axis=2) - np.log(k)).mean()",
        "return -groups.mean()",
        "importance-weighted bound, -ELBO minus it at 500 draws",
    ),
    ChapterFault(
        "a straight line where the sphere is meant",
        "return (np.sin((1 - a) * omega) * z1 + np.sin(a * omega) * z2) / np.sin(omega)",
        "return (1 - a) * z1 + a * z2",
        "length of the middle, spherical",
    ),
    ChapterFault(
        "a concept vector backwards",
        "z_test + mean_of[1] - mean_of[0]",
        "z_test + mean_of[0] - mean_of[1]",
        "concept vectors of the VAE, 4 to 9 and 1 to 7: gain in the share read so",
    ),
    ChapterFault(
        "a collapse that was none",
        "LossLayer(reconstruction=1 / 784)",
        "LossLayer()",
        "collapsed: KL of all 20 codes together, nats",
    ),
    ChapterFault(
        "a plain range for the quantiles",
        "stats.norm.ppf(np.linspace(0.05, 0.95, 15))",
        "np.linspace(-1.645, 1.645, 15)",
        "probability of the prior from each grid code to the next",
    ),
    ChapterFault(
        "sliders the wrong way round",
        "*(slider.value for slider in sliders)",
        "*(slider.value for slider in sliders[::-1])",
        "explorer: pictures of the second slider, off the decoder's",
    ),
    ChapterFault(
        "the lecture's KL summed over the codes",
        "-5e-4 * np.mean(bracket, axis=1)",
        "-5e-4 * np.sum(bracket, axis=1)",
        "erratum 7, the lecture's β",
    ),
    ChapterFault(
        "a score function by the variance's root",
        "score = (z[:, 0] - mu) / sigma**2",
        "score = (z[:, 0] - mu) / sigma",
        "gradient estimators, off the exact one by standard errors",
    ),
    ChapterFault(
        "the floor without the white pixels' entropy",
        "entropy = special.entr(x_test) + special.entr(1 - x_test)",
        "entropy = special.entr(x_test)",
        "floor of the gray cross-entropy, nats",
    ),
    ChapterFault(
        "a loss layer that forgets the weight of the KL",
        "self.reconstruction, self.kl = reconstruction, kl",
        "self.reconstruction, self.kl = reconstruction, 1.0",
        "loss of the two loss layers: ratio",
        alone=True,
    ),
    ChapterFault(
        "a log-variance refined with the sign turned",
        "z = m + tf.exp(0.5 * t) * tf.random.normal(tf.shape(m))",
        "z = m + tf.exp(-0.5 * t) * tf.random.normal(tf.shape(m))",
        "q of each image's own: -ELBO below the encoder's, nats",
    ),
    ChapterFault(
        "an image's own q, refined without the KL",
        "cross_entropy(repeated, decoder(z)) + kl_to_prior(m, t)",
        "cross_entropy(repeated, decoder(z))",
        "q of each image's own: -ELBO below the encoder's, nats",
    ),
]


TestAnswers = harness.answers("04", RIGHT, WRONG, NUMBERS)
TestFaults = harness.faults("04", FAULTS)
