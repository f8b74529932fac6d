import matplotlib.pyplot as plt
import numpy as np
import pytest
from harness import CodeFault, each
from matplotlib.patches import FancyArrowPatch

from aelib import plots

rng = np.random.default_rng(0)
GAP = 2  # pixels between the images of a row, and between rows


@pytest.fixture(autouse=True)
def no_figures_left():
    yield
    plt.close("all")


def drawn(figure):
    """The figure's one Axes and its one picture, with NaN where nothing is drawn."""
    (axes,) = figure.axes
    (picture,) = axes.images
    plt.close(figure)
    return axes, np.ma.filled(picture.get_array(), np.nan), picture.get_clim()


def tiled(images, columns, side):
    """What rows of images must give, by a loop."""
    step = side + GAP
    picture = np.full((len(images) * step - GAP, columns * step - GAP), np.nan)
    for i, row in enumerate(images):
        for j, image in enumerate(row):
            picture[i * step : i * step + side, j * step : j * step + side] = image
    return picture


def test_rows_draw_the_arrays_on_one_gray_scale():
    clean = rng.random((5, 28, 28))
    noisy = clean + rng.normal(size=clean.shape)
    before = noisy.copy()
    axes, picture, limits = drawn(plots.rows({"clean": clean, "noisy": noisy.reshape(5, 784)}, columns=4))
    np.testing.assert_allclose(picture, tiled([clean[:4], noisy[:4]], 4, 28), rtol=1e-6)
    assert limits == (0, 1)
    assert np.array_equal(noisy, before)
    assert len(axes.get_xticks()) == 0


def test_rows_of_differences_stand_below_their_rows():
    clean, net = rng.random((2, 4, 3, 3)).astype("float32")
    axes, picture, limits = drawn(plots.rows({"input": clean, "net": net.reshape(4, 9)}, columns=3, minus="input"))
    assert [label.get_text() for label in axes.get_yticklabels()] == ["input", "net", "difference × 3 (net)"]
    np.testing.assert_allclose(picture, tiled([clean[:3], net[:3], 3 * abs(net - clean)[:3]], 3, 3), rtol=1e-5)
    assert limits == (0, 1)
    with pytest.raises(ValueError, match=r"one of the rows \['input', 'net'\]; got 'clean'"):
        plots.rows({"input": clean, "net": net}, minus="clean")
    for other in (net[:1], net[:2], np.zeros((4, 2, 2))):
        with pytest.raises(ValueError, match="'net' must have as many images as 'input', of the same size; got "):
            plots.rows({"input": clean, "net": other}, minus="input")


def test_filters_draw_each_weight_vector_around_zero():
    weights = rng.normal(size=(3, 16)) * [[0.01], [1.0], [20.0]]
    weights[0, 0] = -0.5  # an uneven one
    before = weights.copy()
    _, picture, limits = drawn(plots.filters({"untied": weights, "tied": weights.reshape(3, 4, 4)}, columns=3))
    scaled = [image.reshape(4, 4) / np.abs(image).max() for image in weights]
    np.testing.assert_allclose(picture, tiled([scaled] * 2, 3, 4), rtol=1e-6)
    assert limits == (-1, 1) and picture[0, 0] == -1
    assert np.array_equal(weights, before)


def test_a_filter_of_zeros_is_mid_gray():
    dead, alive = np.zeros((1, 2, 2)), np.ones((1, 2, 2))
    _, picture, _ = drawn(plots.filters({"dead": dead, "alive": alive}, columns=1))
    assert np.array_equal(picture, tiled([dead, alive], 1, 2), equal_nan=True)


@pytest.mark.parametrize("draw", [plots.rows, plots.filters])
def test_each_row_has_its_label_in_the_order_given(draw):
    axes, picture, _ = drawn(draw({name: np.ones((2, 4, 4)) for name in "zab"}, columns=2))
    assert [label.get_text() for label in axes.get_yticklabels()] == ["z", "a", "b"]
    middles = np.arange(3) * (4 + GAP) + 1.5  # of rows 0 ... 3, 6 ... 9 and 12 ... 15
    assert np.abs(axes.get_yticks() - middles).max() <= 0.5
    bottom, top = axes.get_ylim()
    assert bottom > top and picture.shape == (16, 10)  # the first row on top


@pytest.mark.parametrize("draw", [plots.rows, plots.filters])
def test_fewer_images_than_columns_leave_room(draw):
    _, picture, _ = drawn(draw({"two": np.ones((2, 4)), "three": np.ones((3, 2, 2))}))
    expected = tiled([np.ones((2, 2, 2)), np.ones((3, 2, 2))], 8, 2)
    assert np.array_equal(picture, expected, equal_nan=True)


def test_the_gaps_are_white():
    figure = plots.rows({"black": np.zeros((1, 2, 2)), "two": np.zeros((2, 2, 2))}, columns=2)
    (axes,) = figure.axes
    figure.canvas.draw()
    colours = np.asarray(figure.canvas.buffer_rgba())[::-1]

    def colour(x, y):
        column, row = axes.transData.transform((x, y)).astype(int)
        return colours[row, column].tolist()

    assert colour(0.5, 0.5) == colour(0.5, 4.5) == colour(4.5, 4.5) != [255] * 4
    assert colour(4.5, 0.5) == colour(2.5, 4.5) == colour(0.5, 2.5) == [255] * 4


@pytest.mark.parametrize("draw", [plots.rows, plots.filters])
@pytest.mark.parametrize("shape", [(28, 28), (784,), (5, 783), (5, 28, 27), (5, 28, 28, 1), (0, 784), (0, 28, 28)])
def test_images_that_are_not_square_are_refused(draw, shape):
    before = plt.get_fignums()
    with pytest.raises(ValueError, match="the images of 'noisy' must be square") as error:
        draw({"clean": np.ones((5, 784)), "noisy": np.ones(shape)})
    assert f"got {shape}" in str(error.value)
    assert plt.get_fignums() == before


@pytest.mark.parametrize("draw", [plots.rows, plots.filters])
def test_rows_of_two_sizes_are_refused(draw):
    before = plt.get_fignums()
    with pytest.raises(ValueError, match=r"must be of one size; got \{'large': \(2, 4, 4\), 'small': \(3, 2, 2\)\}"):
        draw({"large": np.ones((2, 16)), "small": np.ones((3, 2, 2))})
    assert plt.get_fignums() == before


def grid_codes(n):
    """All pairs of n values each, in no order; code 2 has other values than code 1."""
    pairs = np.stack(np.meshgrid(np.linspace(-2, 1, n), np.linspace(10, 70, n) ** 2 / 100), axis=-1).reshape(-1, 2)
    return rng.permutation(pairs)


@pytest.mark.parametrize("n", [2, 3, 4, 15])
def test_a_latent_grid_draws_each_image_where_its_code_lies(n):
    """Of the code's ranks, by a loop: code 1 counts the columns from the left, code 2 the rows from below."""
    codes = grid_codes(n)
    images = rng.random((n * n, 3, 3))
    before = codes.copy(), images.copy()
    expected = np.full((3 * n, 3 * n), np.nan)
    for code, image in zip(codes, images, strict=True):
        column = len(np.unique(codes[codes[:, 0] < code[0], 0]))
        row = len(np.unique(codes[codes[:, 1] > code[1], 1]))
        expected[3 * row : 3 * row + 3, 3 * column : 3 * column + 3] = image
    for given in (images, images.reshape(n * n, 9)):
        axes, picture, limits = drawn(plots.latent_grid(codes, given))
        np.testing.assert_allclose(picture, expected, rtol=1e-6)
        assert limits == (0, 1)
        (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
        assert left < right and bottom > top  # pixel rows are counted from the top
    assert np.array_equal(codes, before[0]) and np.array_equal(images, before[1])


@pytest.mark.parametrize("n", [2, 3, 4, 15])
def test_a_latent_grid_names_the_codes_at_their_places(n):
    codes = grid_codes(n)
    images = codes[:, :1, None] * 1000 + codes[:, 1:, None] + np.zeros((1, 3, 3))  # each tells its code
    axes, picture, _ = drawn(plots.latent_grid(codes, images))
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("code 1", "code 2")
    ticks = []
    for places, texts in ((axes.get_xticks(), axes.get_xticklabels()), (axes.get_yticks(), axes.get_yticklabels())):
        ticks.append([(round(place - 0.5), text.get_text()) for place, text in zip(places, texts, strict=True)])
        assert np.abs((places - 1) % 3).max() <= 0.5  # the middle pixel of an image
    for x, first in ticks[0]:
        for y, second in ticks[1]:
            assert picture[y, x] == pytest.approx(1000 * float(first) + float(second), abs=0.01 * 501)
    for texts, values in zip(ticks, codes.T, strict=True):
        ends = {texts[0][1], texts[-1][1]}
        assert ends == {f"{values.min():.2f}", f"{values.max():.2f}"}


def test_no_tick_is_a_negative_zero():
    values = np.array([-1, -1e-17, 1])
    codes = np.stack(np.meshgrid(values, values), axis=-1).reshape(-1, 2)
    axes, _, _ = drawn(plots.latent_grid(codes, np.ones((9, 4))))
    for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        assert sorted(label.get_text() for label in labels) == ["-1.00", "0.00", "1.00"]


@pytest.mark.parametrize(
    ("codes", "found"),
    [
        (rng.random((225, 3)), r"got the shape \(225, 3\)"),
        (rng.random(225), r"got the shape \(225,\)"),
        (grid_codes(15)[:224], r"got the shape \(224, 2\)"),
        (grid_codes(4)[:12], r"got the shape \(12, 2\)"),
        (np.ones((1, 2)), r"got the shape \(1, 2\)"),
        (np.ones((0, 2)), r"got the shape \(0, 2\)"),
        (rng.normal(size=(225, 2)), "got "),
        (np.ones((4, 2)), "got "),
        (np.where(np.arange(450).reshape(225, 2) == 7, np.nan, grid_codes(15)), "got "),
        (np.array([[0, 0], [1, 1], [0, 0], [1, 1]]), "got "),  # two values each, but not all pairs
    ],
    ids=["three codes", "no codes", "224", "a rectangle", "one", "none", "scattered", "a point", "NaN", "a diagonal"],
)
def test_what_is_no_square_grid_of_two_codes_is_refused(codes, found):
    before = plt.get_fignums()
    with pytest.raises(ValueError, match=f"a latent grid needs .*{found}"):
        plots.latent_grid(codes, np.ones((len(codes), 4, 4)))
    assert plt.get_fignums() == before


def test_a_latent_grid_needs_a_square_image_for_each_code():
    before = plt.get_fignums()
    for n in (1, 8, 10):
        with pytest.raises(ValueError, match=f"expected an image for each of 9 codes; got {n}"):
            plots.latent_grid(grid_codes(3), np.ones((n, 28, 28)))
    for shape in ((9, 783), (9, 4, 5), (9, 4, 4, 1), (9,), (0, 4)):
        with pytest.raises(ValueError, match="must be square") as error:
            plots.latent_grid(grid_codes(3), np.ones(shape))
        assert f"got {shape}" in str(error.value)
    assert plt.get_fignums() == before


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
        assert [text.get_text() for text in axes.texts] == ["a", "b", "c"]  # each at its class's median, in its colour
        for index, text in enumerate(axes.texts):
            assert text.get_position() == pytest.approx(np.median(codes[labels == index], axis=0))
            assert text.get_color() == axes.lines[index].get_color() == plots.CLASSES[index]
    assert left.get_xlim() == right.get_xlim() and left.get_ylim() == right.get_ylim()
    figure = plots.codes({"PCA": z, "network": 9 * z}, labels, ["a", "b", "c", "not there"], share=False)
    left, right = figure.axes
    assert left.get_xlim() != right.get_xlim() and len(left.texts) == 3
    with pytest.raises(ValueError, match="colours for 10 classes; got 11 names"):
        plots.codes({"PCA": z}, labels, list("abcdefghijk"))
    with pytest.raises(ValueError, match=r"'network' must have the shape \(6, 2\); got \(6, 3\)"):
        plots.codes({"PCA": z, "network": rng.normal(size=(6, 3))}, labels, ["a", "b", "c"])


def test_colours_differ():
    assert len({*plots.COLOURS.values()}) == len(plots.COLOURS) and len({*plots.CLASSES}) == 10


def test_a_diagram_has_its_nodes_and_arrows_where_they_are_asked_for():
    nodes = {
        "x": (0, 0, "input", "data"),
        "z": (3, 1, "code", "code", 0.4),
        "eps": (3, 3, "noise", "chance"),
    }
    (axes,) = plots.diagram(nodes, [("x", "z", "encoder"), ("eps", "z")], links=[("x", "eps")]).axes
    places = {text.get_text(): text.get_position() for text in axes.texts}
    assert places["input"] == (0, 0) and places["code"] == (3, 1) and places["noise"] == (3, 3)
    box = axes.patches[1].get_extents().transformed(axes.transData.inverted())
    assert box.get_points() == pytest.approx(np.array([[2.2, 0.8], [3.8, 1.2]]), abs=0.05)
    arrows = [patch for patch in axes.patches if isinstance(patch, FancyArrowPatch)]
    heads = [type(arrow.get_arrowstyle()).__name__ for arrow in arrows]
    assert heads == ["CurveFilledB", "CurveFilledB", "Curve"]  # a link has no head
    x, y = places["encoder"]  # beside the middle of its arrow, on the left of its way
    assert 0.2 < np.hypot(x - 1.5, y - 0.5) < 0.4 and y - 0.5 > x - 1.5
    assert axes.get_aspect() == 1


def test_a_diagram_refuses_what_it_cannot_draw():
    before = plt.get_fignums()
    with pytest.raises(ValueError, match="the kind of 'x' must be one of data, map, code, chance, loss; got 'box'"):
        plots.diagram({"x": (0, 0, "x", "box")}, [])
    with pytest.raises(ValueError, match=r"from 'x' to 'z', but the nodes are \['x'\]"):
        plots.diagram({"x": (0, 0, "x", "data")}, [("x", "z")])
    assert plt.get_fignums() == before


FAULTS = [
    CodeFault(
        "rows on gray scales of their own",
        plots.rows,
        "(0, 1)",
        "(None, None)",
        test_rows_draw_the_arrays_on_one_gray_scale,
    ),
    CodeFault(
        "filters with 0 at black",
        plots.filters,
        "(-1, 1)",
        "(0, 1)",
        test_filters_draw_each_weight_vector_around_zero,
    ),
    CodeFault(
        "filters on one scale",
        plots._scaled,
        "max(axis=(1, 2), ",
        "max(",
        test_filters_draw_each_weight_vector_around_zero,
    ),
    CodeFault(
        "filters on the scale of their largest positive weight",
        plots._scaled,
        "np.abs(row)",
        "row",
        test_filters_draw_each_weight_vector_around_zero,
    ),
    CodeFault(
        "images turned on their side",
        plots._squares,
        "reshape(-1, side, side)",
        "reshape(-1, side, side).swapaxes(1, 2)",
        test_rows_draw_the_arrays_on_one_gray_scale,
    ),
    CodeFault(
        "images that are not the given ones",
        plots._grid,
        "np.stack(full)",
        "np.stack(full)[:, ::-1]",
        test_rows_draw_the_arrays_on_one_gray_scale,
    ),
    CodeFault(
        "labels beside other rows",
        plots._grid,
        "side / 2, squares)",
        "side / 2, list(squares)[::-1])",
        test_each_row_has_its_label_in_the_order_given,
        (plots.rows,),
    ),
    CodeFault(
        "labels that drift from their rows",
        plots._grid,
        "* (side + gap)",
        "* side",
        test_each_row_has_its_label_in_the_order_given,
        (plots.rows,),
    ),
    CodeFault(
        "black images where there are none",
        plots._grid,
        "constant_values=np.nan",
        "constant_values=0",
        test_fewer_images_than_columns_leave_room,
        (plots.rows,),
    ),
    CodeFault(
        "black gaps",
        plots._tiles,
        "constant_values=np.nan",
        "constant_values=0",
        test_the_gaps_are_white,
    ),
    CodeFault(
        "rows of any size",
        plots._grid,
        "> 1:",
        "> 2:",
        test_rows_of_two_sizes_are_refused,
        (plots.rows,),
    ),
    CodeFault(
        "a grid with its axes swapped",
        plots.latent_grid,
        "(codes[:, 0], -codes[:, 1])",
        "(codes[:, 1], -codes[:, 0])",
        test_a_latent_grid_draws_each_image_where_its_code_lies,
        (3,),
    ),
    CodeFault(
        "a grid flipped upside down",
        plots.latent_grid,
        "-codes[:, 1]",
        "codes[:, 1]",
        test_a_latent_grid_draws_each_image_where_its_code_lies,
        (3,),
    ),
    CodeFault(
        "a grid flipped left to right",
        plots.latent_grid,
        "(codes[:, 0],",
        "(-codes[:, 0],",
        test_a_latent_grid_draws_each_image_where_its_code_lies,
        (3,),
    ),
    CodeFault(
        "a grid in the order given",
        plots.latent_grid,
        "squares[np.lexsort((codes[:, 0], -codes[:, 1]))]",
        "squares[:]",
        test_a_latent_grid_draws_each_image_where_its_code_lies,
        (3,),
    ),
    CodeFault(
        "tiles in columns",
        plots._tiles,
        "transpose(0, 2, 1, 3)",
        "transpose(1, 2, 0, 3)",
        test_a_latent_grid_draws_each_image_where_its_code_lies,
        (3,),
    ),
    CodeFault(
        "a grid on any gray scale",
        plots.latent_grid,
        "vmin=0, vmax=1",
        "vmin=None",
        test_a_latent_grid_draws_each_image_where_its_code_lies,
        (3,),
    ),
    CodeFault(
        "ticks flipped upside down",
        plots.latent_grid,
        "n * side - places",
        "places",
        test_a_latent_grid_names_the_codes_at_their_places,
        (3,),
    ),
    CodeFault(
        "a grid of one code",
        plots.latent_grid,
        "n < 2",
        "n < 1",
        test_what_is_no_square_grid_of_two_codes_is_refused,
        (np.ones((1, 2)), ""),
    ),
    CodeFault(
        "more images than codes",
        plots.latent_grid,
        "len(squares) != n * n",
        "len(squares) < n * n",
        test_a_latent_grid_needs_a_square_image_for_each_code,
    ),
    CodeFault(
        "ticks of the other code",
        plots.latent_grid,
        "places, ticks[0]",
        "places, ticks[1]",
        test_a_latent_grid_names_the_codes_at_their_places,
        (3,),
    ),
    CodeFault(
        "points at the wrong places",
        plots.curves,
        "if x is None else x\n",
        "if x is None else np.arange(len(x))\n",
        test_curves_over_given_places_mark_the_points,
    ),
]


@each(FAULTS)
def test_a_fault_goes_red(fault, monkeypatch):
    fault.goes_red(monkeypatch)
