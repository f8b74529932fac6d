"""The markers of chapter 04."""

import numpy as np

from aelib.exercises import Blank, Wrong, as_number, call, close, is_blank, marker


@marker("4.1")
def _lecture_beta(answer):
    value = as_number(answer)
    if close(value, 0.0392):
        return "The mean over 20 codes is a tenth of what it is over 2, and nobody changed a number in the loss."
    if close(value, 0.392):
        raise Wrong("That is for two codes, where the mean of the bracket happens to be the sum with its half.")
    if close(value, 3.92):
        raise Wrong("The other way: a mean over more codes is less of the sum.")
    if close(value, 5e-5) or close(value, 5e-4 / 20):
        raise Wrong("And the first term? It is a mean over 784 pixels, where the bound has their sum.")
    if close(value, 0.0196):
        raise Wrong("The lecture's bracket comes without the half of the KL term.")
    raise Wrong("Write both terms as sums with a factor in front; β is the second factor over the first.")


@marker("4.2")
def _codes_in_use(answer):
    if is_blank(answer):
        raise Blank
    rng = np.random.default_rng(0)
    # log-variances at which each code is judged, and whether its KL is more than 0.01
    for z_log_var, used in (([-0.1, 0.1, 0.5, -3.0, 0.0], [0, 0, 1, 1, 1]), ([0.0, -0.1, -0.5, 0.0], [0, 0, 1, 1])):
        z_log_var = np.tile(np.array(z_log_var), (50, 1))
        z_mean = 0.02 * rng.normal(size=z_log_var.shape)
        z_mean[:, -1] = np.tile([0.5, -0.5], 25)  # in use by its means alone
        found = answer(z_mean.copy(), z_log_var.copy())
        if is_blank(found):
            raise Blank
        if np.shape(found) == (50,):
            raise Wrong("It answers for each image. The mean belongs over the images, one answer for each code.")
        if np.shape(found) != (len(used),):
            raise Wrong(f"One answer for each of {len(used)} codes is asked for; the shape is {np.shape(found)}.")
        if np.asarray(found).dtype != bool:
            raise Wrong("True or False for each code is asked for.")
        wrong = np.flatnonzero(np.asarray(found) != np.array(used, dtype=bool))
        if len(wrong) and wrong[0] == len(used) - 1:
            raise Wrong("A code whose means are 0.5 and -0.5 is in use. Square the mean of each image, then average.")
        if len(wrong):
            t = z_log_var[0, wrong[0]]
            raise Wrong(f"A code with z_log_var = {t} is judged wrongly. What is its variance: exp of what?")
    return "Mean over images, variance exp(z_log_var): these are the codes that carry something."


@marker("4.3")
def _free_bits(answer):
    rng = np.random.default_rng(0)
    z_mean, z_log_var = rng.normal(size=(2, 30, 4)) * [2.0, 0.5, 0.2, 0.05]
    kl = 0.5 * (z_mean**2 + np.exp(z_log_var) - z_log_var - 1)
    for free_nats in (0.3, 0.0):
        value = float(call(answer, z_mean.copy(), z_log_var.copy(), free_nats, shape=()))
        if close(value, np.maximum(kl.mean(axis=0), free_nats).sum(), rtol=1e-6):
            continue
        if close(value, np.maximum(kl, free_nats).mean(axis=0).sum(), rtol=1e-6):
            raise Wrong("The limit is put on each image. First the mean over the batch, then the limit.")
        if close(value, max(kl.mean(axis=0).sum(), free_nats), rtol=1e-6):
            raise Wrong("The limit is put on the sum. Each code has its own free nats.")
        if close(value, np.maximum(kl.mean(axis=0) - free_nats, 0).sum(), rtol=1e-6):
            raise Wrong("The free nats are taken off. Replace what is less than them; the gradient is the same.")
        if close(value, np.minimum(kl.mean(axis=0), free_nats).sum(), rtol=1e-6):
            raise Wrong("That is the smaller of the two; a code is to pay beyond the free nats.")
        if close(value, np.maximum(kl.mean(axis=0), free_nats).mean(), rtol=1e-6):
            raise Wrong("That is the mean over the codes. The KL of a vector is the sum over its codes.")
        raise Wrong(f"With {free_nats} free nats it is {value:.4g}. Is the KL of each code right, before the limit?")
    return "Below the limit a code costs the same whatever it does, so nothing pushes it to 0."
