"""Every chapter gets to its last cell on other data than its own: `make test-data`. Not part of `make test`.

The set has MNIST's format and little else of it: stripes instead of digits, no pixel that is always black, a mean of
one half, classes of unequal size, and few images. Checks may fail on it; cells may not.
"""

import nbformat
import numpy as np
import pytest

from tools import chapters


def stripes(labels, rng):
    """Gray images, (n, 28, 28) of uint8: the label gives the direction of the stripes, chance their width and place."""
    rows, columns = np.mgrid[:28, :28] / 28
    angle = (np.pi * labels / 10 + rng.normal(0, 0.1, size=len(labels)))[:, None, None]
    width, place = rng.uniform(0.3, 0.45, size=angle.shape), rng.uniform(0, 0.2, size=angle.shape)
    waves = np.sin(2 * np.pi * ((rows * np.cos(angle) + columns * np.sin(angle)) / width + place))
    gray = 0.5 + 0.35 * waves + rng.normal(0, 0.05, size=waves.shape)
    return np.rint(255 * np.clip(gray, 0.01, 1)).astype(np.uint8)


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A folder with such an mnist.npz: 3,000 and 600 images, the largest class three times as large as the smallest."""
    rng, arrays = np.random.default_rng(0), {}
    shares = np.linspace(1, 3, 10) / 20
    for part, n in (("train", 3_000), ("test", 600)):
        labels = rng.choice(10, size=n, p=shares).astype(np.uint8)
        arrays |= {f"x_{part}": stripes(labels, rng), f"y_{part}": labels}
    folder = tmp_path_factory.mktemp("other")
    np.savez(folder / "mnist.npz", **arrays)
    return folder


@pytest.mark.parametrize("path", chapters.find(), ids=lambda path: path.stem)
def test_a_chapter_gets_to_its_last_cell(path, folder):
    notebook, result = chapters.execute(path, "quick", AELIB_DATA=str(folder))
    assert not result["failure"], "\n".join(
        "\n".join(output.get("traceback", [])) for cell in notebook.cells for output in cell.get("outputs", [])
    )
    stored = {row["claim"] for row in nbformat.read(path, as_version=4).metadata.aelib.checks}
    assert {row["claim"] for row in result["checks"]} == stored
    failed = [row["claim"] for row in result["checks"] if row["passed"] is False]
    print(f"{path.stem}: {len(failed)} of {len(stored)} checks fail: {'; '.join(failed)}")
