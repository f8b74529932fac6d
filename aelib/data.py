"""The course's data: the real sets of `data/`, two that are generated as the lecture did, and stored results.

Every loader reads its file anew and returns fresh arrays. Set the environment variable AELIB_DATA to read
files of the same names and formats from another folder; what the folder does not have is read from `data/`.
A folder with none of the course's files is refused. Where each file comes from: `data/SOURCES.md`.
"""

import functools
import lzma
import os
import pathlib
import re
import zipfile
import zlib

import matplotlib
import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.image import imread
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from sklearn.model_selection import train_test_split

SHIPPED = pathlib.Path(__file__).resolve().parent.parent / "data"
RESULTS = SHIPPED.parent / "experiments" / "results"
WHOLE = "install the course from a whole clone: pip install --editable"
FILES = "mnist.npz", "leukemia.npz", "house-votes-84.data", "wordnet.txt.xz", "wordsim353.tsv", "emoji.npz"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
EMOJI_STYLES = "Noto", "Twemoji", "Fluent"
EMOJI_CLASSES = {  # name: the subgroups of Unicode in it; "animal-" stands for all that begin so
    "animal": ("animal-",),
    "plant": ("plant-",),
    "food": ("food-",),
    "drink": ("drink", "dishware"),
    "vehicle": ("transport-ground", "transport-air", "transport-water"),
    "building": ("place-building", "place-religious", "place-other"),
    "face": ("face-",),
    "person": (
        "person",
        *(f"person-{what}" for what in ("activity", "fantasy", "gesture", "resting", "role", "sport")),
    ),
    "hand": ("hand-", "hands"),
    "clothing": ("clothing",),
    "flag": ("country-flag", "subdivision-flag", "flag"),
    "clock": ("time",),
    "sign": ("arrow", "alphanum", "transport-sign", "warning", "av-symbol", "zodiac", "keycap", "religion"),
}


def load_mnist():
    """MNIST in three parts that do not overlap.

    The validation images are the first 5,000 of the original training set, as in the lecture's loader. Of another set
    (see AELIB_DATA) they are the first twelfth, which is the same share.

    Returns
    -------
    (x_train, y_train), (x_valid, y_valid), (x_test, y_test)
        Images: float32, shape (n, 28, 28), gray values in [0, 1] with 0 the background; labels: int64, shape (n,),
        values 0 to 9. n is 55,000 / 5,000 / 10,000 (for the course's own set).

    Raises
    ------
    FileNotFoundError, ValueError
        The file is missing, or is not the archive that `data/SOURCES.md` describes.

    Source: Y. LeCun, C. Cortes, C. Burges, http://yann.lecun.com/exdb/mnist/.
    """
    raw = _read_npz(
        "mnist.npz",
        x_train=(("n", 28, 28), np.uint8),
        y_train=(("n",), np.uint8),
        x_test=(("m", 28, 28), np.uint8),
        y_test=(("m",), np.uint8),
    )
    for part, least in (("train", 12), ("test", 1)):
        labels = raw[f"y_{part}"]
        if len(labels) < least or labels.max() > 9:
            found = f"{len(labels)}, the largest {labels.max()}" if len(labels) else "none"
            raise ValueError(f"{_find('mnist.npz')}: y_{part}: expected at least {least} labels, 0 to 9; found {found}")
    x, y = _unit_interval(raw["x_train"]), raw["y_train"].astype(np.int64)
    test = _unit_interval(raw["x_test"]), raw["y_test"].astype(np.int64)
    n_valid = len(x) // 12
    return (x[n_valid:], y[n_valid:]), (x[:n_valid], y[:n_valid]), test


def load_gene_expression():
    """Gene expression of 72 leukaemia patients, 48 for training and 24 for testing.

    The parts are stratified by leukaemia and drawn with a fixed seed, so they are the same in every run.

    Returns
    -------
    (x_train, y_train), (x_test, y_test)
        x: float32, shape (48, 7129) and (24, 7129), raw intensities in the units of the array scanner (they can be
        negative); y: int64, 0 = acute lymphoblastic (ALL), 1 = acute myeloid leukaemia (AML).

    Raises
    ------
    FileNotFoundError, ValueError
        The file is missing, or is not the archive that `data/SOURCES.md` describes.

    Source: Golub et al. 1999, Science 286:531.
    """
    raw = _read_npz("leukemia.npz", x=((72, 7129), np.int32), y=((72,), np.uint8))
    x, y = raw["x"].astype(np.float32), raw["y"].astype(np.int64)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=24, stratify=y, random_state=0)
    return (x_train, y_train), (x_test, y_test)


def load_votes():
    """Sixteen votes of the 435 members of the U.S. House of Representatives in 1984.

    Returns
    -------
    x : float32 array, shape (435, 16)
        1 for yes, 0 for no, NaN where the vote is not known.
    party : str array, shape (435,)
        "democrat" or "republican".

    Raises
    ------
    FileNotFoundError, ValueError
        The file is missing, or a row is not a party followed by sixteen of y, n and ?.

    Source: UCI Machine Learning Repository, Congressional Voting Records.
    """
    path = _find("house-votes-84.data")
    code = {"y": 1.0, "n": 0.0, "?": np.nan}
    rows = [line.split(",") for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    for number, (party, *votes) in enumerate(rows, 1):
        if party not in ("democrat", "republican") or len(votes) != 16 or not set(votes) <= set(code):
            found = ",".join([party, *votes])
            raise ValueError(f"{path}: row {number} is {found!r}; expected a party and 16 of y, n, ?")
    if len(rows) != 435:
        raise ValueError(f"{path}: found {len(rows)} rows; expected 435")
    x = np.array([[code[vote] for vote in votes] for _, *votes in rows], dtype=np.float32)
    return x, np.array([party for party, *_ in rows])


def load_glosses():
    """The glosses of WordNet 3.0: short texts, each with the words whose common meaning it explains.

    Returns
    -------
    lexnames : str array, shape (n,)
        The lexicographer file that each gloss stands in, 45 in all: "noun.animal", "verb.motion", "adj.all".
    lemmas : list of n lists of str
        The words, lower case, at least one; the parts of a name are joined by underscores: "golden_eagle".
    tokens : list of n lists of str
        The gloss, lower case, cut into its runs of the letters a to z: "a cat's 2 ears" gives a, cat, s, ears.
        n is 117,659 (for the course's own file).

    Raises
    ------
    FileNotFoundError, ValueError
        The file is missing, is not compressed as xz, holds no gloss, or a line that is not file|lemmas|gloss.

    Source: G. A. Miller 1995, Communications of the ACM 38(11):39; WordNet 3.0, Princeton University.
    """
    path = _find("wordnet.txt.xz")
    try:
        lines = lzma.decompress(path.read_bytes()).decode("utf-8").splitlines()
    except (lzma.LZMAError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not the text that data/SOURCES.md describes: {error}") from error
    rows = [line.split("|") for line in lines]
    for number, row in enumerate(rows, 1):
        if len(row) != 3 or not row[0] or not row[1].strip():
            raise ValueError(f"{path}: row {number} is {'|'.join(row)!r}; expected file|lemmas|gloss")
    if not rows:
        raise ValueError(f"{path}: found no gloss; expected at least one")
    tokens = [re.findall("[a-z]+", gloss.lower()) for _, _, gloss in rows]
    return np.array([name for name, _, _ in rows]), [words.lower().split() for _, words, _ in rows], tokens


def load_word_pairs():
    """WordSim-353: pairs of English words, with the mean of how related 13 to 16 people found them.

    Returns
    -------
    pairs : str array, shape (n, 2)
        Lower case. n is 353 (for the course's own file). One pair is a word with itself, one stands there twice.
    scores : float64 array, shape (n,)
        From 0, unrelated, to 10.

    Raises
    ------
    FileNotFoundError, ValueError
        The file is missing, holds no pair, or a line that is not two words and a number, separated by tabs.

    Source: Finkelstein et al. 2002, ACM Transactions on Information Systems 20(1):116.
    """
    path = _find("wordsim353.tsv")
    pairs, scores = [], []
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        if line.startswith("#"):
            continue
        try:
            one, other, score = line.lower().split("\t")
            scores.append(float(score))
        except ValueError:
            raise ValueError(f"{path}: line {number} is {line!r}; expected word, word, number") from None
        pairs.append((one, other))
    if not pairs:
        raise ValueError(f"{path}: found no pair; expected at least one")
    return np.array(pairs), np.array(scores)


def load_emoji():
    """Emoji as small colour images: each concept drawn by three hands.

    Returns
    -------
    x : float32 array, shape (3, n, 32, 32, 3)
        Red, green and blue in [0, 1], on white. The first axis is the style: Noto, Twemoji, Fluent. `x[0, i]`,
        `x[1, i]` and `x[2, i]` show the same concept. n is 1,852 (for the course's own file).
    names : str array, shape (n,)
        "grinning", "red_car".
    groups, subgroups : str arrays, shape (n,)
        Where Unicode puts the concept: one of 9 groups ("Food & Drink") and one of 97 subgroups ("food-fruit").

    Raises
    ------
    FileNotFoundError, ValueError
        The file is missing, or is not the archive that `data/SOURCES.md` describes.

    Source: Noto Emoji (Google), Twemoji (Twitter), Fluent Emoji (Microsoft).
    """
    raw = _read_npz(
        "emoji.npz",
        x=((3, "n", 32, 32, 3), np.uint8),
        name=(("n",), np.str_),
        cat=(("n",), np.str_),
        sub=(("n",), np.str_),
    )
    return _unit_interval(raw["x"]), raw["name"], raw["cat"], raw["sub"]


def load_emoji_parts(styles=EMOJI_STYLES, classes=tuple(EMOJI_CLASSES)):
    """Emoji with the number of their class, in three parts that share no concept.

    All styles of a concept lie in the same part. The parts are drawn with a fixed seed, so they are the same in every
    run: a quarter of the concepts for testing, an eighth for validation. Classes and their subgroups of Unicode stand
    in `EMOJI_CLASSES`; concepts of no class have pictures too, for methods that need no labels.

    Parameters
    ----------
    styles : list of str
        Of `EMOJI_STYLES`, in the order of the first axis of x.
    classes : list of str
        Of `EMOJI_CLASSES`. The first is class 0.

    Returns
    -------
    (x_train, y_train), (x_valid, y_valid), (x_test, y_test)
        x: float32, shape (number of styles, n, 32, 32, 3), as from `load_emoji`; y: int64, shape (n,), the class of
        each concept, or -1 for none of them. n is 1,158 / 231 / 463 (for the course's own file).

    Raises
    ------
    FileNotFoundError, ValueError
        As `load_emoji`; a style or class is unknown or stands there twice; or the file has less than eight concepts.
    """
    chosen = [EMOJI_STYLES.index(style) for style in _known("style", styles, EMOJI_STYLES)]
    x, _, _, subgroups = load_emoji()
    x = x[chosen]
    if len(subgroups) < 8:
        raise ValueError(f"{_find('emoji.npz')}: found {len(subgroups)} concepts; expected at least 8, for three parts")
    y = np.full(len(subgroups), -1)
    for number, name in enumerate(_known("class", classes, EMOJI_CLASSES)):
        for subgroup in EMOJI_CLASSES[name]:
            whole = not subgroup.endswith("-")
            y[subgroups == subgroup if whole else np.char.startswith(subgroups, subgroup)] = number
    n_test, n_valid = len(y) // 4, len(y) // 8
    order = np.random.default_rng(0).permutation(len(y))
    test, valid, train = map(np.sort, np.split(order, [n_test, n_test + n_valid]))
    return tuple((x[:, part], y[part]) for part in (train, valid, test))


def load_photographs():
    """Photographs in colour, of animals and of monuments, all of one size.

    Returns
    -------
    x : float32 array, shape (n, 240, 320, 3)
        Red, green and blue in [0, 1]. n is 76, in the order of the files' names (for the course's own folder). Other
        folders may have photographs of another size.
    names : str array, shape (n,)
        "alpaca", "tajMahal".
    kinds : str array, shape (n,)
        "animal" or "monument": what stands in the file's name before the first underscore.

    Raises
    ------
    FileNotFoundError, ValueError
        The folder is missing or has no .jpg; a file is no picture of 8 bits in three colours, has another size than
        the first, or a name that does not begin with its kind and an underscore.

    Source: GCompris; photographers and licences: `data/photographs/CREDITS.txt`.
    """
    folder = _find("photographs", "folder")
    paths = sorted(folder.glob("*.jpg"))
    if not paths:
        raise ValueError(f"{folder}: found no .jpg; expected at least one")
    pictures = []
    for path in paths:
        try:
            picture = imread(path)
        except (OSError, SyntaxError, ValueError) as error:
            raise ValueError(f"{path}: not a picture that can be read: {error}") from error
        if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
            found = f"{picture.shape} of {picture.dtype}"
            raise ValueError(f"{path}: found {found}; expected (height, width, 3) of uint8, which is RGB of 8 bits")
        if pictures and picture.shape != pictures[0].shape:
            raise ValueError(f"{path}: found {picture.shape}; expected {pictures[0].shape}, as {paths[0].name} has")
        if not all(path.stem.partition("_")):
            raise ValueError(f"{path}: expected a name like animal_alpaca.jpg: kind, underscore, name")
        pictures.append(picture)
    kinds, _, names = zip(*(path.stem.partition("_") for path in paths), strict=True)
    return _unit_interval(np.stack(pictures)), np.array(names), np.array(kinds)


def load_results(name):
    """A table that a script of `experiments/` stored.

    Returns
    -------
    table : structured array, shape (rows,)
        One field for each column: `table["seed"]`. Text columns are str, the others int or float.

    Raises
    ------
    FileNotFoundError
        There is no such table.
    """
    path = RESULTS / f"{name}.csv"
    if not RESULTS.is_dir():
        raise FileNotFoundError(f"{RESULTS}: no such folder; {WHOLE}")
    if not path.is_file():
        stored = sorted(table.stem for table in RESULTS.glob("*.csv"))
        raise FileNotFoundError(f"{path}: no such table; there are {stored}, and `make results` writes them")
    return np.genfromtxt(path, delimiter=",", names=True, dtype=None, encoding="utf-8", ndmin=1, comments=None)


def make_curved_plane():
    """The 200 points of the lecture's section 18.3: three quarters of an ellipse on a tilted plane, with noise.

    Returns
    -------
    points : float64 array, shape (200, 3)
        Not standardized. The lecture trains on the first 100 rows and tests on the last 100. The same numbers as
        after `numpy.random.seed(4)`, whose global state is left alone.

    Source: lecture, section 18.3.
    """
    rng = np.random.RandomState(4)
    angles = rng.rand(200) * 3 * np.pi / 2 - 0.5
    x1 = np.cos(angles) + np.sin(angles) / 2 + 0.05 * rng.randn(200)
    x2 = 0.7 * np.sin(angles) + 0.05 * rng.randn(200)
    x3 = 0.1 * x1 + 0.3 * x2 + 0.1 * rng.randn(200)
    return np.stack([x1, x2, x3], axis=1)


def make_letters(fonts, copies, noise, seed):
    """Black and white images of the 26 capitals, with noise: the data of the lecture's section 19.3, made anew.

    A letter is drawn so large that the font's H is 20 pixels high, and put into the middle of 29 x 29 pixels, by its
    bounding box. A pixel is on where its centre lies inside the outline. Then each pixel of each copy is switched over
    (on to off, off to on) with probability `noise`, independently of all others.

    Parameters
    ----------
    fonts : list of str
        Names of font files that Matplotlib brings, without ".ttf": "DejaVuSans", "cmtt10", "STIXGeneral", "cmss10".
    copies : int
        Images of each letter in each font, with noise of their own.
    noise : float
        Between 0 and 1.
    seed : int or sequence of int
        Of the noise. Parts that must not share their noise need seeds of their own.

    Returns
    -------
    x : float32 array, shape (copies * len(fonts) * 26, 29, 29)
        0 is the background, 1 is ink. Copy by copy, in a copy font by font, in a font from A to Z.
    y : int64 array, shape (copies * len(fonts) * 26,)
        0 for A to 25 for Z.

    Raises
    ------
    FileNotFoundError
        Matplotlib brings no such font.
    ValueError
        No font, less than one copy, or a noise that is no probability.

    Source: lecture, section 19.3, which says no more than the size, the alphabet and the number of fonts.
    """
    if isinstance(fonts, str) or not len(fonts):
        raise ValueError(f"fonts must be a list of at least one name; got {fonts!r}")
    if not (isinstance(copies, int | np.integer) and copies >= 1):
        raise ValueError(f"copies must be a whole number, 1 or more; got {copies!r}")
    if not 0 <= noise <= 1:
        raise ValueError(f"noise must be a probability, from 0 to 1; got {noise!r}")
    clean = np.tile(np.concatenate([_capitals(font) for font in fonts]), (copies, 1, 1))
    switched = np.random.default_rng(seed).random(clean.shape) < noise
    return (clean != switched).astype(np.float32), np.tile(np.arange(26), copies * len(fonts))


@functools.cache
def _capitals(font):
    """The 26 letters without noise. Booleans, (26, 29, 29)"""
    folder = pathlib.Path(matplotlib.get_data_path(), "fonts", "ttf")
    if not (folder / f"{font}.ttf").is_file():
        names = sorted(path.stem for path in folder.glob("*.ttf"))
        raise FileNotFoundError(f"Matplotlib brings no font {font!r}; in {folder} there are {', '.join(names)}")
    properties = FontProperties(fname=str(folder / f"{font}.ttf"))
    scale = 20 / TextPath((0, 0), "H", size=100, prop=properties).get_extents().height
    columns, rows = np.meshgrid(np.arange(29) - 14, 14 - np.arange(29))
    centres = np.stack([columns.ravel(), rows.ravel()], axis=1)
    images = np.zeros((26, 29 * 29), dtype=bool)
    for image, letter in zip(images, LETTERS, strict=True):
        outline = TextPath((0, 0), letter, size=100, prop=properties)
        box = outline.get_extents()
        middle = (box.min + box.max) / 2
        for polygon in outline.to_polygons():  # a hole is a polygon inside another
            image ^= Path((polygon - middle) * scale).contains_points(centres)
    return images.reshape(26, 29, 29)


def _find(name, kind="file"):
    """The path of a file, or of a "folder": in the folder that AELIB_DATA names, or else the course's own."""
    is_there = pathlib.Path.is_file if kind == "file" else pathlib.Path.is_dir
    chosen = os.environ.get("AELIB_DATA")
    if chosen and is_there(pathlib.Path(chosen) / name):
        return pathlib.Path(chosen) / name
    if chosen and not any((pathlib.Path(chosen) / file).is_file() for file in FILES):
        known = FILES if name in FILES else (*FILES, name)
        raise FileNotFoundError(f"AELIB_DATA names {chosen}, where none of {', '.join(known)} is")
    if not is_there(SHIPPED / name):
        hint = f"{WHOLE}, or let AELIB_DATA name a folder that has it"
        raise FileNotFoundError(f"{SHIPPED / name}: no such {kind}; {hint}")
    return SHIPPED / name


def _known(what, names, all_of_them):
    """The names, where each is known and stands there once."""
    if isinstance(names, str) or not len(names):
        raise ValueError(f"expected a list with the name of at least one {what}; got {names!r}")
    for name in names:
        if name not in all_of_them:
            raise ValueError(f"unknown {what} {name!r}; there are {', '.join(all_of_them)}")
    if len(set(names)) < len(names):
        raise ValueError(f"expected each {what} once; got {', '.join(names)}")
    return names


def _read_npz(name, /, **expected):
    """The arrays of an archive, each of the expected (shape, dtype). A letter in a shape is a size that may be any."""
    path = _find(name)
    try:
        with np.load(path, allow_pickle=False) as archive:
            missing = sorted(set(expected) - set(archive.files))
            if missing:
                raise ValueError(f"has the keys {sorted(archive.files)}; expected {sorted(expected)}")
            arrays = {key: np.asarray(archive[key]) for key in expected}
        sizes = {}
        for key, (shape, dtype) in expected.items():
            found = arrays[key].shape
            if len(found) == len(shape):
                sides = zip(shape, found, strict=True)
                shape = tuple(sizes.setdefault(side, n) if isinstance(side, str) else side for side, n in sides)
            if found != shape or not np.issubdtype(arrays[key].dtype, dtype):  # text may be of any length
                shape = str(shape).replace("'", "")
                raise ValueError(f"{key} is {found} of {arrays[key].dtype}; expected {shape} of {dtype.__name__}")
    except (ValueError, TypeError, EOFError, OSError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path}: not the archive that data/SOURCES.md describes: {error}") from error
    return arrays


def _unit_interval(images):
    return images.astype(np.float32) / np.float32(255)
