"""The markers of chapter 09."""

import numpy as np

from aelib.exercises import Blank, Wrong, call, close, is_blank, marker, recognise


@marker("9.1")
def _coats(answer):
    if is_blank(answer):
        raise Blank
    answer = list(answer) if isinstance(answer, set) else answer
    if callable(answer) or np.asarray(answer).dtype.kind not in "iuf":
        raise Wrong(f"Not a text or a single number but a list of counts is asked for; this is {answer!r}.")
    found = np.unique(np.asarray(answer, float)).tolist()
    if found == [1, 2, 4]:
        return (
            "In one dimension two of three cells are reached twice, the third once; in two dimensions counts multiply."
        )
    if found == [1, 2]:
        raise Wrong("This is one dimension. In two, the counts of the row and of the column multiply.")
    if found == [4, 6, 9]:
        raise Wrong("This is a stride of 2. How many drops does a cell get where they move on by 3?")
    if 25 in found or 5 in found:
        raise Wrong("So many cells one drop reaches. Asked is how many drops reach one cell.")
    if set(found) < {1, 2, 4}:
        raise Wrong("Not all of the counts: look at a block of 3 × 3 cells.")
    raise Wrong("Which of five weights, three cells apart, reach the same cell? Count them in one dimension first.")


def _convolved(h, kernel):
    """'same', stride 1, kernels of 3 × 3: (n, m, m, in) -> (n, m, m, out)."""
    side = h.shape[1]
    padded = np.pad(h, [(0, 0), (1, 1), (1, 1), (0, 0)])
    windows = [(padded[:, a : a + side, b : b + side], kernel[a, b]) for a, b in np.ndindex(3, 3)]
    return sum(window @ weights for window, weights in windows)


def _copied(h):
    return h.repeat(2, axis=1).repeat(2, axis=2)


def _near(found, expected):
    """Equal but for rounding: the largest difference is less than 0.2 per cent of the largest number."""
    return np.abs(found - expected).max() < 2e-3 * np.abs(expected).max()


@marker("9.2")
def _no_ripple(answer):
    rng = np.random.default_rng(0)
    h, kernel = (rng.normal(size=size).astype("float32") for size in ((2, 6, 6, 3), (3, 3, 3, 4)))
    found = call(answer, h, kernel, shape=(2, 12, 12, 4))
    if _near(found, _convolved(_copied(h), kernel)):
        return "After the copy every cell inside gets the sum of all weights, whatever they are."
    if _near(found, _copied(found[:, ::2, ::2])):
        raise Wrong("It cannot ripple, but it copies last, so its cells are blocks of four. Copy first, then convolve.")
    constant = call(answer, np.ones_like(h), kernel, shape=(2, 12, 12, 4))[:, 4:-4, 4:-4]
    level, sums = constant.mean(axis=(0, 1, 2)), kernel.sum(axis=(0, 1, 2))  # of each output channel
    if np.ptp(constant, axis=(1, 2)).max() > 2e-3 * np.abs(level).max():
        raise Wrong("A constant input still gives a ripple: its cells get different sums of weights.")
    scale = (level @ sums) / (sums @ sums)  # an average of cells may have made it smaller
    if not (scale > 0.01 and _near(level, scale * sums)):
        raise Wrong("It is free of ripples, but not every weight of the kernel counts for every cell.")
    if _near(found, call(answer, h[:, ::-1], kernel, shape=found.shape)):
        raise Wrong("It is free of ripples, but the answer does not depend on h.")
    return "Another way that cannot ripple: whatever the kernel, a constant stays a constant inside."


@marker("9.3")
def _patches(answer):
    rng = np.random.default_rng(0)
    for shape, size, stride in (((4, 4), 3, 2), ((3, 5), 4, 3), ((4, 3), 2, 2)):
        h, kernel = rng.normal(size=shape), rng.normal(size=(size, size))
        whole = tuple((n - 1) * stride + size for n in shape)
        if callable(answer):
            raw = answer(h.copy(), kernel.copy(), stride)
            if not is_blank(raw) and np.ndim(raw) == 2:
                if np.shape(raw) == tuple((n - size) // stride + 1 for n in shape):
                    raise Wrong("This is the convolution. Its transpose makes the image larger.")
                if np.shape(raw) == tuple(n * stride for n in shape) != whole:
                    raise Wrong(
                        "The last patch is cropped: nothing is to be cropped, (m - 1) stride + size cells remain."
                    )
        found = call(answer, h, kernel, stride, shape=whole)
        sums = {name: np.zeros(whole) for name in ("right", "flipped", "overwritten", "mean")}
        for i, j in np.ndindex(*shape):
            at = slice(stride * i, stride * i + size), slice(stride * j, stride * j + size)
            sums["right"][at] += h[i, j] * kernel
            sums["flipped"][at] += h[i, j] * kernel[::-1, ::-1]
            sums["overwritten"][at] = h[i, j] * kernel
            sums["mean"][at] += 1
        if close(found, sums["right"], rtol=1e-6):
            continue
        mistakes = {
            "The kernel is turned round. Each number puts it down as it is.": sums["flipped"],
            "Where patches overlap, they are added. Here the later one overwrites.": sums["overwritten"],
            "Where patches overlap, they are added, and not averaged.": sums["right"] / np.maximum(sums["mean"], 1),
        }
        recognise(found, mistakes, rtol=1e-6)
        raise Wrong(
            "Number i, j puts h[i, j] * kernel down from cell (stride i, stride j) on, and adds it to what is there."
        )
    return "This is X^T h without the matrix: what each number writes, added up."
