import matplotlib.pyplot as plt
import numpy as np
import pytest

from aelib import plots

rng = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def no_figures_left():
    yield
    plt.close("all")


def drawn(figure, columns):
    """Each row's label, arrays and limits, as they stand in the figure."""
    grid = np.reshape(figure.axes, (-1, columns))
    pictures = [[picture for ax in row for picture in ax.images] for row in grid]
    labels = [row[0].get_ylabel() for row in grid]
    arrays = [[np.asarray(picture.get_array()) for picture in row] for row in pictures]
    return labels, arrays, [[picture.get_clim() for picture in row] for row in pictures]


def test_rows_draw_the_arrays_on_one_gray_scale():
    clean = rng.random((5, 28, 28))
    noisy = clean + rng.normal(size=clean.shape)
    before = noisy.copy()
    figure = plots.rows({"clean": clean, "noisy": noisy.reshape(5, 784)}, columns=4)
    labels, arrays, limits = drawn(figure, 4)
    assert labels == ["clean", "noisy"]
    assert np.array_equal(arrays, [clean[:4], noisy[:4]])
    assert limits == [[(0, 1)] * 4] * 2
    assert np.array_equal(noisy, before)


def test_filters_draw_each_weight_vector_around_zero():
    weights = rng.normal(size=(3, 16)) * [[0.01], [1.0], [20.0]]
    weights[0, 0] = -0.5  # an uneven one
    labels, arrays, limits = drawn(plots.filters({"untied": weights, "tied": weights.reshape(3, 4, 4)}, columns=3), 3)
    assert labels == ["untied", "tied"]
    assert np.array_equal(arrays, [weights.reshape(3, 4, 4)] * 2)
    largest = [np.abs(row).max() for row in weights]
    assert limits == [[(-bound, bound) for bound in largest]] * 2 and limits[0][0] == (-0.5, 0.5)


@pytest.mark.parametrize("draw", [plots.rows, plots.filters])
def test_fewer_images_than_columns_leave_room(draw):
    _, arrays, _ = drawn(draw({"two": np.ones((2, 4)), "three": np.ones((3, 2, 2))}), 8)
    assert [len(row) for row in arrays] == [2, 3]


@pytest.mark.parametrize("draw", [plots.rows, plots.filters])
@pytest.mark.parametrize("shape", [(28, 28), (784,), (5, 783), (5, 28, 27), (5, 28, 28, 1), (0, 784), (0, 28, 28)])
def test_images_that_are_not_square_are_refused(draw, shape):
    with pytest.raises(ValueError, match="the images of 'noisy' must be square") as error:
        draw({"clean": np.ones((5, 784)), "noisy": np.ones(shape)})
    assert f"got {shape}" in str(error.value)
    assert plt.get_fignums() == []


def test_curves_draw_their_lines():
    lines = {"training": [3.0, 2.0, 1.0], "validation": np.array([4.0, 3.0])}
    (axes,) = plots.curves(lines, "epoch", "error").axes
    assert [line.get_xdata().tolist() for line in axes.lines] == [[1, 2, 3], [1, 2]]
    assert [list(line.get_ydata()) for line in axes.lines] == [[3, 2, 1], [4, 3]]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == list(lines)
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_yscale()) == ("epoch", "error", "linear")
    assert {line.get_marker() for line in axes.lines} <= {"", "None"}
    assert len({line.get_linestyle() for line in axes.lines}) == 2  # told apart without colour


def test_curves_over_given_places_mark_the_points():
    lines = {name: [0.5, 0.1, 0.05] for name in ("one", "two", "three")}
    (axes,) = plots.curves(lines, "codes", "error", log=True, x=[2, 10, 150]).axes
    assert [list(line.get_xdata()) for line in axes.lines] == [[2, 10, 150]] * 3
    assert len({line.get_marker() for line in axes.lines} - {"", "None"}) == 3
    assert axes.get_yscale() == "log"
    with pytest.raises(ValueError):
        plots.curves(lines, "codes", "error", x=[2, 10])


def test_codes_are_drawn_by_class():
    z, labels = rng.normal(size=(6, 2)), np.array([0, 1, 2, 0, 1, 2])
    figure = plots.codes({"PCA": z, "network": -z}, labels, ["a", "b", "c"])
    left, right = figure.axes
    assert (left.get_title(), right.get_title()) == ("PCA", "network")
    for axes, codes in ((left, z), (right, -z)):
        for index, line in enumerate(axes.lines):
            assert np.array_equal(line.get_xydata(), codes[labels == index])
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["a", "b", "c"]
    with pytest.raises(ValueError, match=r"'network' must have the shape \(6, 2\); got \(6, 3\)"):
        plots.codes({"PCA": z, "network": rng.normal(size=(6, 3))}, labels, ["a", "b", "c"])
