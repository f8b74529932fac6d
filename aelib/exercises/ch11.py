"""The markers of chapter 11."""

import keras
import numpy as np

from aelib.exercises import Wrong, as_number, call, close, marker, recognise


@marker("11.1")
def _half_a_guess(answer):
    value = as_number(answer)
    if close(value, 3 / 8, rtol=1e-3):
        return "One answer in three rows of places is right, 1/8 + 1/8 + 1/8. So 0.375 needs no left and right at all."
    mistakes = {
        "A third is right above and below. Only two places are level with the first patch.": 1 / 3,
        "That is chance, for a network that knows nothing. This one knows the row.": 1 / 8,
        "Half is right on the level. Above and below there are three places each.": 1 / 2,
        "The three rows do not come equally often. How many of the eight places has each?": 7 / 18,
    }
    recognise(value, mistakes, rtol=0.01)
    raise Wrong("How often is the second patch above, level, below, and how many places are left each time?")


@marker("11.2")
def _freeze_the_first(answer):
    shape, bent = keras.Input((8, 8, 1)), {"activation": "tanh"}  # rectified units may be dead from the start, and keep
    conv, hidden, last = keras.layers.Conv2D(2, 3, **bent), keras.layers.Dense(5, **bent), keras.layers.Dense(3)
    model = keras.Sequential([shape, conv, keras.layers.Flatten(), hidden, last])
    model.compile("sgd", "mse")
    rng = np.random.default_rng(0)
    x, y = rng.random((6, 8, 8, 1), dtype=np.float32), rng.random((6, 3), dtype=np.float32)
    model.train_on_batch(x, y)  # a model that has been trained before
    count = call(answer, model, shape=())
    everything, own = (sum(int(np.prod(w.shape)) for w in part.weights) for part in (model, conv))
    if "sparse" in str(getattr(model.loss, "name", model.loss)):
        y = np.arange(6) % 3  # compiled anew with a loss for class numbers
    before = [layer.get_weights() for layer in (conv, last)]
    model.train_on_batch(x, y)
    kept, learned = (
        all(np.array_equal(now, then) for now, then in zip(layer.get_weights(), weights, strict=True))
        for layer, weights in zip((conv, last), before, strict=True)
    )
    if learned:
        raise Wrong("Nothing learns any more. `model.trainable = False` freezes every layer.")
    if conv.trainable:
        raise Wrong("The first layer is still trainable. Layers stand in model.layers.")
    if not kept:
        raise Wrong(
            "The first layer says that it is frozen, and its weights moved all the same. Compile after freezing."
        )
    if close(count, everything - own, rtol=1e-6):
        return f"{everything - own} of {everything} numbers learn, and the convolution stays the same to the last bit."
    mistakes = {
        "The layer is frozen. The count is that of all weights; take model.trainable_weights.": everything,
        "The layer is frozen. The count is that of arrays; count the numbers in them.": len(model.trainable_weights),
    }
    recognise(count, mistakes, rtol=1e-6)
    raise Wrong("The layer is frozen. The count should be the numbers in all arrays of model.trainable_weights.")


@marker("11.3")
def _second_patch(answer):
    rows, columns = np.mgrid[:40, :50]
    photograph = np.stack([rows, columns, 0 * rows], axis=-1).astype(float)  # each pixel is its own place
    size, gap = 6, 2
    for place in ((-1, 0), (1, 1), (0, -1), (0, 1), (1, -1)):
        found = call(answer, photograph, 15, 21, place, size, gap, shape=(size, size, 3))
        corner = found[0, 0, :2] - [15, 21]
        whole = np.array_equal(found[-1, -1, :2] - found[0, 0, :2], [size - 1, size - 1])
        if whole and np.array_equal(corner, np.multiply(place, size + gap)):
            continue
        mistakes = {
            "The patches touch. Leave the gap between them.": np.multiply(place, size),
            "Rows and columns are exchanged: place is (rows down, columns to the right).": np.multiply(
                place[::-1], size + gap
            ),
            "The patches overlap. From corner to corner it is a patch and a gap.": np.multiply(place, gap),
            "This is the opposite place: -1 is up, and to the left.": np.multiply(place, -(size + gap)),
        }
        recognise(corner, mistakes, rtol=1e-6)
        raise Wrong(f"For the place {place} the corner lies {corner.astype(int)} pixels off the first patch's.")
    return "On an image whose pixels are their own coordinates all places are where they should be."
