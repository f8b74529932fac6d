"""The markers of chapter 01."""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from aelib.data import make_curved_plane
from aelib.exercises import Wrong, as_number, call, close, marker


@marker("1.1")
def _line_error(answer):
    value = as_number(answer)
    x_train = StandardScaler().fit_transform(make_curved_plane()[:100])
    first, second, third = np.linalg.eigvalsh(x_train.T @ x_train / 100)[::-1]
    if close(value, (second + third) / 3):
        return "What a line leaves out is the variance along the other two directions, spread over three columns."
    if close(value, second + third):
        raise Wrong("That is the squared distance of a point. Over what is the mean taken besides the points?")
    if close(value, first / 3) or close(value, first):
        raise Wrong("That is what the line keeps. What does it lose?")
    if close(value, third / 3) or close(value, third):
        raise Wrong("That is the loss of a plane. A line has one direction fewer.")
    raise Wrong("Each direction that is left out costs its variance. Which are left out, and how is the mean taken?")


@marker("1.2")
def _second_component(answer):
    for seed in (0, 1):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(100, 3)) * [2.0, 1.2, 0.3] @ np.linalg.qr(rng.normal(size=(3, 3)))[0]
        x -= x.mean(axis=0)
        components = PCA().fit(x).components_
        w = call(answer, x, components[0], shape=(3,))
        if np.linalg.norm(w) < 1e-6:
            raise Wrong("The weights have died out: the unit was left with nothing to learn from.")
        cosines = np.abs(components @ w) / np.linalg.norm(w)
        if cosines[0] > 0.99:
            raise Wrong("This unit still finds the first component. What must it no longer see?")
        if cosines[1] < 0.999:
            raise Wrong(f"The angle to the second component is still {np.degrees(np.arccos(cosines[1])):.1f} degrees.")
        if not 0.95 < np.linalg.norm(w) < 1.05:
            raise Wrong("The direction is right, the length is not 1. Did Oja's decay survive your change?")
    return "What the first unit explains was taken away, so the strongest direction left is the second component."


@marker("1.3")
def _tied_gradient(answer):
    rng = np.random.default_rng(0)
    for _ in range(3):
        w, x = rng.normal(size=(4, 2)), rng.normal(size=(6, 4))
        gradient = call(answer, w, x, shape=w.shape)
        y = x @ w
        residual = x - y @ w.T
        decoder, encoder = -residual.T @ y / len(x), -x.T @ (residual @ w) / len(x)
        truth = decoder + encoder
        if close(gradient, truth, rtol=1e-6):
            continue
        if close(gradient, -truth, rtol=1e-6):
            raise Wrong("The size is right, the sign is not: the gradient points uphill.")
        if close(gradient, decoder, rtol=1e-6) or close(gradient, -decoder, rtol=1e-6):
            raise Wrong("This is the gradient of the decoder's weights alone. The same w stands in the encoder too.")
        if close(gradient, encoder, rtol=1e-6) or close(gradient, -encoder, rtol=1e-6):
            raise Wrong("This is the encoder's part alone. The same w stands in the decoder too.")
        factor = (gradient * truth).sum() / (truth * truth).sum()
        if abs(factor) > 1e-6 and close(gradient, factor * truth, rtol=1e-6):
            sign = "The sign is wrong, and" if factor < 0 else "The direction is right, but"
            raise Wrong(f"{sign} the length is {abs(factor):.3g} times the right one. Half? Sum or mean?")
        raise Wrong("It is not the gradient. Compare one entry with (E(w + h) - E(w - h)) / 2h for a small h.")
    return "Both places where w stands contribute, and the two agree with finite differences."
