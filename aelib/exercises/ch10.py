"""The markers of chapter 10."""

import numpy as np

from aelib.exercises import Wrong, as_number, call, close, marker, recognise


@marker("10.1")
def _friends_and_an_enemy(answer):
    value = as_number(answer)
    if close(value, 1.2, rtol=1e-3):
        return "(3 · 0.9 - 0.3) / (3 - 1): an enemy pushes the output beyond the friends, and here beyond 1."
    mistakes = {
        "Those are the friends alone. The enemy is a term of the loss too.": 0.9,
        "That is the mean of all four. The enemy's weight is -1.": 0.75,
        "The weighted sum fits. Divide it by the sum of the weights, not by the number of neighbours.": 0.6,
        "That is the weighted sum. Divide it by the sum of the weights.": 2.4,
        "A sigmoid would have to stop there. Where is the loss itself least?": 1.0,
    }
    recognise(value, mistakes, rtol=1e-3)
    raise Wrong("3 (0.9 - v)^2 - (0.3 - v)^2: where is its derivative zero?")


@marker("10.2")
def _delta_1(answer):
    rng = np.random.default_rng(0)
    n, wide, narrow, gamma = 7, 5, 3, 2.5
    delta2, w2, h = rng.normal(size=(n, wide)), rng.normal(size=(narrow, wide)), rng.uniform(0.1, 0.9, (n, narrow))
    sparsity = rng.normal(size=narrow)
    found = call(answer, delta2, w2, h, sparsity, gamma, shape=(n, narrow))

    def delta(of_error=gamma, of_sparsity=1 / n, slope=1):
        return (of_error * delta2 @ w2.T + of_sparsity * sparsity) * (h * (1 - h)) ** slope

    if close(found, delta(), rtol=1e-6):
        return "γ belongs to the reconstruction alone, and a mean of n examples passes 1/n of its slope to each."
    if close(found, delta(of_sparsity=gamma)):
        raise Wrong("That is the slide's. Which term does γ multiply, and how does one example enter a mean?")
    if close(found, delta(of_sparsity=1)):
        raise Wrong("γ stands where it should. The sparsity looks at a mean of n codes: what is its slope in one?")
    if close(found, delta(of_sparsity=gamma / n)):
        raise Wrong("The 1/n stands where it should. In the functional γ does not multiply the sparsity.")
    if close(found, delta(of_error=1)):
        raise Wrong("The sparsity fits. The reconstruction has lost its γ.")
    if close(found, delta(slope=0)):
        raise Wrong("The sigmoid's derivative h (1 - h) is missing.")
    raise Wrong("Two terms, one from the error and one from the sparsity, then the sigmoid's derivative for both.")


@marker("10.3")
def _weighted_means(answer):
    rng = np.random.default_rng(0)
    s, x = rng.uniform(0, 1, (6, 6)) - 0.1, rng.normal(size=(6, 4))
    s[np.arange(6), np.arange(6)] += 1
    found = call(answer, s, x, shape=x.shape)
    means = np.zeros_like(x)
    for i in range(6):
        for j in range(6):
            means[i] += s[i, j] * x[j] / sum(s[i])
    if close(found, means, rtol=1e-6):
        return "It agrees with a double loop, and it holds for negative weights too, while their sum is positive."
    if close(found, s @ x):
        raise Wrong("Those are weighted sums. Divide each row by the sum of its weights.")
    if close(found, s @ x / 6) or close(found, s @ x / s.sum()):
        raise Wrong("Each row has its own sum of weights.")
    if close(found, s.T @ x / s.T.sum(axis=1, keepdims=True)) or close(found, s.T @ x / s.sum(axis=1, keepdims=True)):
        raise Wrong("Row i of s holds the weights of the neighbours of image i. This takes the columns.")
    if close(found, s @ x / s.sum(axis=0)[:, None]):
        raise Wrong("The sums run over the wrong axis: each row has to be divided by its own.")
    raise Wrong("mu_i is the sum over j of s_ij x_j, over the sum over j of s_ij.")


@marker("10.4")
def _positive_pmi(answer):
    counts = np.array([[0, 3, 1, 0], [2, 0, 4, 0], [1, 1, 0, 1], [0, 2, 0, 2]], dtype=float)
    alpha = 0.75
    with np.errstate(divide="ignore"):
        found = call(answer, counts, alpha, shape=counts.shape)

    def table(of_words=1.0, of_contexts=alpha, log=np.log):
        word, context = counts.sum(axis=1) ** of_words, counts.sum(axis=0) ** of_contexts
        by_chance = word[:, None] / word.sum() * context / context.sum()
        met = counts > 0
        value = log(np.where(met, counts, 1) / counts.sum() / by_chance)
        return np.where(met, np.maximum(value, 0), 0)

    if close(found, table(), rtol=1e-6):
        return "Now count the glosses with your own function in the place of ppmi, and look at Spearman."
    if (found < -1e-9).any():
        raise Wrong("Some values are negative. Positive PMI puts 0 in their place.")
    if close(found, table(of_contexts=1.0)):
        raise Wrong("This is right for alpha = 1. Raise the counts of the contexts to the power alpha, then normalize.")
    if close(found, table(log=lambda ratio: ratio)):
        raise Wrong("The logarithm is missing.")
    if close(found, table(log=np.log2)):
        raise Wrong("This is in bits. Take the natural logarithm.")
    if close(found, table(alpha, 1.0)) or close(found, table(alpha, alpha)):
        raise Wrong("Only the contexts, the columns, get the power alpha.")
    raise Wrong("log of p(w, c) over p(w) p(c), each from sums of counts; 0 for what is negative or never met.")
