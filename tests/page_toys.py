"""The toys of the site, which run in the page: what they compute against Python, and each control moved.

Part of `make test-browser`, which builds the site first.
"""

import base64

import numpy as np
import pytest
from browser import SITE, opened
from browser import browser as browser  # the fixture

from aelib.rbm import RBM, gibbs
from aelib.som import SOM
from tools import toys

LOOK = "toy => [...toy.querySelectorAll('canvas')].map(canvas => canvas.toDataURL()).join()"
NAMELESS = """[...document.querySelectorAll(".toy canvas, .toy button, .toy input")].filter(
  part => !(part.ariaLabel || part.innerText || part.labels?.[0]?.innerText)).length"""
WIDER = """[...document.querySelectorAll(".toy, .toy *")].filter(
  part => part.getBoundingClientRect().right > document.documentElement.clientWidth).length"""
ENDS = """([chains, step]) => { for (let i = 0; i < 10; i++) chains = chains.map(eval(step));
  return chains.map(chain => [...chain]); }"""


@pytest.fixture(scope="module")
def weights():
    return toys.read()


@pytest.fixture
def page(browser):
    with opened(browser, SITE / "site" / "toys.html") as page:
        page.wait_for_load_state("load")
        yield page
        assert not page.wrong
        assert all(url.startswith(("file:", "data:")) for url in page.asked)


@pytest.fixture(scope="module")
def rbm(weights):
    """The page's machine, as aelib's."""
    chains = weights["chains"]
    rbm = RBM(len(chains["hidden_bias"]))
    rbm.build((None, 784))
    for variable, value in (
        (rbm.kernel, toys.unpacked(chains["kernel"])),
        (rbm.visible_bias, chains["visible_bias"]),
        (rbm.hidden_bias, chains["hidden_bias"]),
    ):
        variable.assign(value)
    return rbm


@pytest.fixture(scope="module")
def digits(weights):
    packed = [np.frombuffer(base64.b64decode(text), "uint8") for text in weights["chains"]["digits"]]
    return np.unpackbits(np.array(packed), axis=1).astype("float32")


def test_the_files_are_small():
    assert toys.FILE.stat().st_size < 400_000


def test_the_decoder_is_pythons(page, weights):
    codes = np.random.default_rng(0).normal(size=(20, 2))
    found = page.evaluate("all => all.map(codes => [...decode(codes)])", codes.tolist())
    assert found == pytest.approx(toys.decode(weights["plane"]["layers"], codes), abs=1e-4)
    assert np.std(found, axis=0).max() > 0.2


def test_the_halves_of_a_gibbs_step_are_pythons(page, rbm, digits):
    states = (np.random.default_rng(0).random((12, rbm.n_hidden)) < 0.3).astype("float32")
    found = page.evaluate("all => all.map(x => [...hidden(x)])", digits.tolist())
    assert found == pytest.approx(np.array(rbm.hidden_probabilities(digits)), abs=1e-4)
    found = page.evaluate("all => all.map(y => [...visible(y)])", states.tolist())
    assert found == pytest.approx(np.array(rbm.visible_probabilities(states)), abs=1e-4)


def test_the_mean_of_many_chains_is_pythons(page, rbm, digits):
    """Ten steps from the test digits: each pixel's difference in standard errors, squared, and its mean over pixels."""
    ours = gibbs(rbm, np.repeat(digits, 100, axis=0), 10, np.random.default_rng(0))[-1]

    def off(step):
        theirs = np.array(page.evaluate(ENDS, [np.repeat(digits, 20, axis=0).tolist(), step]))
        seen = ours.var(axis=0) > 0.01
        variance = ours.var(axis=0) / len(ours) + theirs.var(axis=0) / len(theirs)
        return ((ours.mean(axis=0) - theirs.mean(axis=0))[seen] ** 2 / variance[seen]).mean()

    assert off("x => draw(gibbsStep(x))") < 1.6
    assert off("x => visible(hidden(x))") > 2  # without draws it is another chain


def test_the_map_is_pythons(page, weights):
    for _ in range(30):
        page.get_by_role("button", name="One epoch").click()
    points, start = (np.array(weights["net"][name]) for name in ("points", "start"))
    expected = SOM(*start.shape[:2], epochs=30, sigma=(6, 0.6)).fit(points, start).weights
    found = np.reshape(page.evaluate("document.querySelector('#net').nodes"), start.shape)
    assert found == pytest.approx(expected, abs=1e-9)
    assert "epoch 30 of 30" in page.locator("#net output").inner_text()


def moved(page, toy, act, wait=100):
    before = toy.evaluate(LOOK)
    act()
    page.wait_for_timeout(wait)
    return toy.evaluate(LOOK) != before


def test_each_control_changes_its_picture(page):
    plane, chains, net = (page.locator(name) for name in ("#plane", "#chains", "#net"))
    for place in ({"x": 50, "y": 60}, {"x": 120, "y": 40}):
        assert moved(page, plane, lambda place=place: plane.locator("canvas").first.hover(position=place))
    for slider in (*plane.get_by_role("slider").all(), net.get_by_role("slider")):
        slider.focus()
        if slider.evaluate("slider => slider.closest('#net') !== null"):
            net.get_by_role("button", name="One epoch").click()
            slider.focus()
        assert moved(page, page.locator("body"), lambda: page.keyboard.press("ArrowLeft"))
    for toy, names in ((chains, ("One step", "From noise", "From test digits")), (net, ("One epoch", "Start anew"))):
        for name in names:
            assert moved(page, toy, toy.get_by_role("button", name=name).click), name
        assert moved(page, toy, toy.get_by_role("button", name="Run").click, 800)
        toy.get_by_role("button", name="Stop").click()
        assert not moved(page, toy, lambda: None, 800)


def test_everything_has_a_name_and_fits_on_a_phone(page):
    assert page.evaluate(NAMELESS) == 0
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate(WIDER) == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
