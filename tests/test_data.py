import collections
import lzma
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from harness import CodeFault, each
from PIL import Image

from aelib import data


def test_mnist_is_whole_scaled_and_split_without_overlap():
    (x_train, y_train), (x_valid, y_valid), (x_test, y_test) = data.load_mnist()
    assert [part.shape for part in (x_train, x_valid, x_test)] == [(n, 28, 28) for n in (55_000, 5_000, 10_000)]
    assert all(part.dtype == np.float32 and part.min() == 0 and part.max() == 1 for part in (x_train, x_valid, x_test))
    assert all(part.dtype == np.int64 for part in (y_train, y_valid, y_test))
    with np.load(data.SHIPPED / "mnist.npz") as raw:  # every training image stands in exactly one part, in order
        assert np.array_equal(np.concatenate([y_valid, y_train]), raw["y_train"])
        together = np.concatenate([x_valid, x_train])
        assert np.array_equal(np.rint(together[::97] * 255), raw["x_train"][::97])
    # The original files' known facts: counts of the test labels, and the first training image is a five.
    assert np.bincount(y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert y_valid[0] == 5


def test_gene_expression_is_split_by_disease_without_overlap():
    (x_train, y_train), (x_test, y_test) = data.load_gene_expression()
    assert x_train.shape == (48, 7129) and x_test.shape == (24, 7129) and x_train.dtype == np.float32
    assert np.bincount(y_train).tolist() == [31, 17] and np.bincount(y_test).tolist() == [16, 8]
    patients = np.concatenate([x_train, x_test])
    assert len(np.unique(patients, axis=0)) == 72
    with np.load(data.SHIPPED / "leukemia.npz") as raw:
        assert np.array_equal(np.sort(patients, axis=0), np.sort(raw["x"], axis=0))
        rows = [int(np.flatnonzero((raw["x"] == patient).all(axis=1)).item()) for patient in x_test]
    # Drawn once, for good: the chapters' figures are of these patients.
    assert sorted(rows) == [0, 1, 2, 4, 7, 9, 10, 13, 16, 29, 31, 33, 34, 37, 42, 48, 49, 55, 57, 60, 63, 66, 69, 71]


def test_votes_are_what_uci_documents():
    x, party = data.load_votes()
    assert x.shape == (435, 16) and x.dtype == np.float32
    assert np.isnan(x).sum() == 392 and set(np.unique(x[~np.isnan(x)])) == {0, 1}
    assert (party == "democrat").sum() == 267 and (party == "republican").sum() == 168
    assert party[0] == "republican" and x[0, :2].tolist() == [0, 1] and np.isnan(x[0, 10])


def test_glosses_are_wordnets():
    lexnames, lemmas, tokens = data.load_glosses()
    assert lexnames.shape == (117_659,) and len(lemmas) == len(tokens) == 117_659 and len(set(lexnames)) == 45
    # As many meanings as WordNet 3.0 counts of nouns, verbs, adjectives and adverbs.
    counts = collections.Counter(name.split(".")[0] for name in lexnames.tolist())
    assert counts == {"noun": 82_115, "verb": 13_767, "adj": 18_156, "adv": 3_621}
    assert lexnames[0] == "noun.Tops" and lemmas[2] == ["abstraction", "abstract_entity"]
    assert " ".join(tokens[3]) == "a separate and self contained entity"
    assert lexnames[59_999] == "noun.person" and lemmas[59_999] == ["hoagland", "hudson_hoagland"]
    assert tokens[59_999] == ["united", "states", "physiologist"]
    assert all(lemmas) and all(word.isascii() and word.islower() for gloss in tokens for word in gloss)
    assert all(word == word.lower() for words in lemmas for word in words)


def test_word_pairs_are_wordsims():
    pairs, scores = data.load_word_pairs()
    assert pairs.shape == (353, 2) and scores.shape == (353,) and scores.dtype == np.float64
    assert pairs[0].tolist() == ["love", "sex"] and scores[0] == 6.77 and scores.min() == 0.23 and scores.max() == 10
    assert pairs[pairs[:, 0] == pairs[:, 1]].tolist() == [["tiger", "tiger"]]
    assert (pairs == np.char.lower(pairs)).all() and len(np.unique(pairs, axis=0)) == 352  # money and cash, twice


def test_emoji_are_three_drawings_of_each_concept():
    x, names, groups, subgroups = data.load_emoji()
    assert x.shape == (3, 1852, 32, 32, 3) and x.dtype == np.float32 and x.min() == 0 and x.max() == 1
    assert names.shape == groups.shape == subgroups.shape == (1852,)
    assert len(set(names)) == 1852 and len(set(groups)) == 9 and len(set(subgroups)) == 97
    assert (names[0], groups[0], subgroups[0]) == ("grinning", "Smileys & Emotion", "face-smiling")
    with np.load(data.SHIPPED / "emoji.npz") as raw:
        assert np.array_equal(np.rint(x[:, ::97] * 255), raw["x"][:, ::97])
    # Two drawings of one concept are nearer, in the mean, than drawings of two concepts.
    small = x.reshape(3, 1852, 16, 2, 16, 2, 3).mean(axis=(3, 5)).reshape(3, 1852, -1)
    same = np.square(small[0] - small[1]).mean()
    assert same < 0.7 * np.square(small[0] - np.roll(small[1], 900, axis=0)).mean()


def test_parts_of_the_emoji_share_no_concept_and_lose_none():
    parts = data.load_emoji_parts()
    x, names, _, subgroups = data.load_emoji()
    assert [part.shape for part, _ in parts] == [(3, n, 32, 32, 3) for n in (1158, 231, 463)]
    assert all(part.dtype == np.float32 and y.dtype == np.int64 and y.min() == -1 for part, y in parts)
    number = {x[:, i].tobytes(): i for i in range(len(names))}  # all three drawings of a concept, in this order
    assert len(number) == len(names)
    found = [[number.get(part[:, i].tobytes()) for i in range(part.shape[1])] for part, _ in parts]
    assert all(set(one).isdisjoint(other) for one, other in zip(found, found[1:] + found[:1], strict=True))
    assert sorted(i for part in found for i in part) == list(range(len(names)))
    # Drawn once, for good; and all of a class are of its subgroups.
    first = [["grinning", "smiley"], ["heart_eyes", "relaxed"], ["smile", "blush"]]
    assert [names[part[:2]].tolist() for part in found] == first
    y = np.concatenate([y for _, y in parts])
    assert np.bincount(y[y >= 0]).tolist() == [129, 28, 101, 27, 72, 50, 115, 259, 43, 47, 253, 31, 150]
    for (_, y), part in zip(parts, found, strict=True):
        for name, subgroup in (("face", "face-smiling"), ("hand", "hands"), ("clock", "time"), ("person", "person")):
            assert (y[subgroups[part] == subgroup] == list(data.EMOJI_CLASSES).index(name)).all()
        for none in ("monkey-face", "cat-face", "person-symbol", "place-map", "family"):
            assert (y[subgroups[part] == none] == -1).all()


def test_parts_of_some_styles_and_classes_are_in_the_order_asked_for():
    parts = data.load_emoji_parts()
    some = data.load_emoji_parts(["Fluent", "Noto"], ["flag", "animal"])
    for (x, y), (x_some, y_some) in zip(parts, some, strict=True):
        assert np.array_equal(x_some, x[[2, 0]])
        number = list(data.EMOJI_CLASSES).index
        assert np.array_equal(y_some == 0, y == number("flag"))
        assert np.array_equal(y_some == 1, y == number("animal")) and y_some.max() == 1


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"styles": ["Noto", "Apple"]}, "unknown style 'Apple'; there are Noto, Twemoji, Fluent$"),
        ({"styles": "Noto"}, "expected a list with the name of at least one style; got 'Noto'$"),
        ({"styles": []}, r"at least one style; got \[\]$"),
        ({"styles": ["Noto", "Noto"]}, "expected each style once; got Noto, Noto$"),
        ({"classes": ["flag", "ship"]}, "unknown class 'ship'; there are animal, plant, food, .*, sign$"),
        ({"classes": ["flag", "flag"]}, "expected each class once; got flag, flag$"),
    ],
)
def test_unknown_styles_and_classes_are_named(asked, found):
    with pytest.raises(ValueError, match=found):
        data.load_emoji_parts(**asked)


def test_photographs_are_credited_and_of_one_size():
    x, names, kinds = data.load_photographs()
    assert x.shape == (76, 240, 320, 3) and x.dtype == np.float32 and x.min() == 0 and x.max() == 1
    assert (kinds == "animal").sum() == 33 and (kinds == "monument").sum() == 43 and len(set(names)) == 76
    assert (names[0], kinds[0], names[-1], kinds[-1]) == ("alpaca", "animal", "victoriaMemorial", "monument")
    credits = (data.SHIPPED / "photographs" / "CREDITS.txt").read_text(encoding="utf-8")
    assert [str(name) for name in names if f"{name}.webp" not in credits] == []
    # Colours stand in the order red, green, blue: by day the sky, at the top, is bluer than it is red.
    sky = x[kinds == "monument", :20].mean(axis=(0, 1, 2))
    assert sky[2] > sky[0] + 0.05


def test_curved_plane_is_the_lectures():
    state = np.random.get_state()
    try:
        np.random.seed(4)
        angles = np.random.rand(200) * 3 * np.pi / 2 - 0.5
        x1 = np.cos(angles) + np.sin(angles) / 2 + 0.1 * np.random.randn(200) / 2
        x2 = np.sin(angles) * 0.7 + 0.1 * np.random.randn(200) / 2
        x3 = x1 * 0.1 + x2 * 0.3 + 0.1 * np.random.randn(200)
    finally:
        np.random.set_state(state)
    np.testing.assert_allclose(data.make_curved_plane(), np.stack([x1, x2, x3], axis=1), rtol=1e-12)


@pytest.mark.parametrize(
    "load",
    [
        data.load_mnist,
        data.load_gene_expression,
        data.load_votes,
        data.load_word_pairs,
        data.load_emoji,
        data.load_emoji_parts,
        data.load_photographs,
        data.make_curved_plane,
    ],
)
def test_arrays_are_fresh(load):
    def arrays(value):
        return [value] if isinstance(value, np.ndarray) else [a for part in value for a in arrays(part)]

    first = arrays(load())
    for array in first:
        array[...] = "7" if array.dtype.kind == "U" else 7
    for again, spoiled in zip(arrays(load()), first, strict=True):
        assert not np.array_equal(again, spoiled)


def test_another_folder_is_read(tmp_path, monkeypatch):
    with np.load(data.SHIPPED / "mnist.npz") as raw:
        arrays = {key: 255 - raw[key] if key.startswith("x") else raw[key] for key in raw.files}
    np.savez(tmp_path / "mnist.npz", **arrays)
    monkeypatch.setenv("AELIB_DATA", str(tmp_path))
    (x_train, _), _, _ = data.load_mnist()
    assert x_train[0, 0, 0] == 1  # the background of the inverted images


def small(n, m, shape=(28, 28), largest=9):
    """Arrays of a set like MNIST, with n training and m test images."""
    rng = np.random.default_rng(0)
    arrays = {}
    for part, size in (("train", n), ("test", m)):
        arrays[f"x_{part}"] = rng.integers(256, size=(size, *shape), dtype=np.uint8)
        arrays[f"y_{part}"] = np.full(size, largest, np.uint8)
    return arrays


def test_another_set_may_have_another_size(tmp_path, monkeypatch):
    arrays = small(n=31, m=7)
    np.savez(tmp_path / "mnist.npz", **arrays)
    monkeypatch.setenv("AELIB_DATA", str(tmp_path))
    (x_train, y_train), (x_valid, y_valid), (x_test, y_test) = data.load_mnist()
    assert [len(part) for part in (x_train, y_train, x_valid, y_valid, x_test, y_test)] == [29, 29, 2, 2, 7, 7]
    assert np.array_equal(np.rint(np.concatenate([x_valid, x_train]) * 255), arrays["x_train"])


@pytest.mark.parametrize(
    ("arrays", "found"),
    [
        (small(11, 7), r"y_train: expected at least 12 labels, 0 to 9; found 11, the largest 9"),
        (small(12, 0), r"y_test: expected at least 1 labels, 0 to 9; found none"),
        (small(12, 1, largest=10), "found 12, the largest 10"),
        (small(12, 1, (28, 27)), r"x_train is \(12, 28, 27\) of uint8; expected \(12, 28, 28\) of uint8"),
        (small(12, 1, (784,)), r"x_train is \(12, 784\) of uint8; expected \(n, 28, 28\) of uint8"),
        (small(12, 1) | {"y_train": np.zeros(13, np.uint8)}, r"y_train is \(13,\) of uint8; expected \(12,\)"),
        (small(12, 1) | {"y_test": np.zeros(2, np.uint8)}, r"y_test is \(2,\) of uint8; expected \(1,\) of uint8"),
    ],
)
def test_another_set_that_is_no_such_set_is_named(tmp_path, monkeypatch, arrays, found):
    np.savez(tmp_path / "mnist.npz", **arrays)
    monkeypatch.setenv("AELIB_DATA", str(tmp_path))
    with pytest.raises(ValueError, match=found) as error:
        data.load_mnist()
    assert str(tmp_path / "mnist.npz") in str(error.value)


def test_what_another_folder_does_not_have_is_the_courses(tmp_path, monkeypatch):
    np.savez(tmp_path / "mnist.npz", **small(12, 1))
    monkeypatch.setenv("AELIB_DATA", str(tmp_path))
    assert data.load_gene_expression()[0][0].shape == (48, 7129) and len(data.load_votes()[0]) == 435


def spoil(folder, how):
    """A folder with one bad leukemia.npz."""
    path = folder / "leukemia.npz"
    x, y = np.zeros((72, 7129), np.int32), np.zeros(72, np.uint8)
    if how == "truncated":
        shutil.copy(data.SHIPPED / "leukemia.npz", path)
        path.write_bytes(path.read_bytes()[:500_000])
    elif how == "flipped byte":
        content = bytearray((data.SHIPPED / "leukemia.npz").read_bytes())
        content[300_000] ^= 255
        path.write_bytes(content)
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "text":
        path.write_text("no archive at all")
    elif how == "single array":
        with path.open("wb") as file:
            np.save(file, x)
    elif how == "zip of text":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x.npy", "not an array")
            archive.writestr("y.npy", "not an array")
    elif how == "pickled":
        np.savez(path, x=np.array([{}] * 72), y=y)
    else:
        np.savez(
            path, **{"other keys": {"images": x, "y": y}, "shape": {"x": x[1:], "y": y}}.get(how, {"x": x / 2, "y": y})
        )


@pytest.mark.parametrize(
    ("how", "found"),
    [
        ("truncated", "zip"),
        ("flipped byte", "CRC|decompress"),
        ("empty", "No data"),
        ("text", "pickle"),
        ("single array", "ndarray"),
        ("zip of text", r"x is \(\) of"),
        ("pickled", "allow_pickle"),
        ("other keys", r"\['images', 'y'\]; expected \['x', 'y'\]"),
        ("shape", r"x is \(71, 7129\) of int32; expected \(72, 7129\) of int32"),
        ("dtype", r"x is \(72, 7129\) of float64; expected"),
    ],
)
def test_a_bad_archive_is_named_with_what_was_found(tmp_path, monkeypatch, how, found):
    spoil(tmp_path, how)
    monkeypatch.setenv("AELIB_DATA", str(tmp_path))
    with pytest.raises(ValueError, match=found) as error:
        data.load_gene_expression()
    assert str(tmp_path / "leukemia.npz") in str(error.value)


LOADERS = [
    (data.load_mnist, "mnist.npz"),
    (data.load_gene_expression, "leukemia.npz"),
    (data.load_votes, "house-votes"),
    (data.load_glosses, "wordnet.txt.xz"),
    (data.load_word_pairs, "wordsim353.tsv"),
    (data.load_emoji, "emoji.npz"),
    (data.load_emoji_parts, "emoji.npz"),
    (data.load_photographs, "photographs"),
]


@pytest.mark.parametrize(("load", "name"), LOADERS)
def test_a_folder_without_any_of_the_files_is_named(tmp_path, monkeypatch, load, name):
    monkeypatch.setenv("AELIB_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=f"AELIB_DATA names .*{tmp_path.name}.*none of .*{name}") as error:
        load()
    names = "mnist.npz, leukemia.npz, house-votes-84.data, wordnet.txt.xz, wordsim353.tsv, emoji.npz"
    if name == "photographs":
        names += ", photographs"
    assert str(error.value).endswith(f"none of {names} is")


@pytest.mark.parametrize(("load", "name"), LOADERS)
def test_an_installation_without_the_data_says_what_to_do(tmp_path, monkeypatch, load, name):
    monkeypatch.setattr(data, "SHIPPED", tmp_path)
    kind = "folder" if name == "photographs" else "file"
    with pytest.raises(FileNotFoundError, match=f"{name}.*: no such {kind}; install the course from a whole clone"):
        load()


def test_text_is_read_as_utf_8_whatever_the_system_says():
    name = min(path.stem for path in data.RESULTS.glob("*.csv"))
    code = (
        "import warnings; from aelib import data; warnings.simplefilter('error', EncodingWarning)\n"
        f"data.load_votes(); data.load_word_pairs(); data.load_results({name!r})"
    )
    command = [sys.executable, "-X", "warn_default_encoding", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr


def test_a_letter_that_is_no_utf_8_is_named_too(tmp_path, monkeypatch):
    (tmp_path / "house-votes-84.data").write_bytes(b"d\xe9mocrate" + b",y" * 16)
    monkeypatch.setenv("AELIB_DATA", str(tmp_path))
    with pytest.raises(ValueError, match="row 1 is 'd\ufffdmocrate,y"):
        data.load_votes()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("democrat,y,n\n", "row 1 is 'democrat,y,n'"),
        ("whig" + ",y" * 16 + "\n", "row 1 is 'whig"),
        ("democrat" + ",x" * 16 + "\n", "16 of y, n"),
        ("democrat" + ",y" * 16 + "\n", "found 1 rows; expected 435"),
        ("", "found 0 rows"),
    ],
)
def test_bad_votes_are_named(tmp_path, monkeypatch, text, found):
    (tmp_path / "house-votes-84.data").write_text(text)
    monkeypatch.setenv("AELIB_DATA", str(tmp_path))
    with pytest.raises(ValueError, match=found):
        data.load_votes()


def glosses(folder, text):
    (folder / "wordnet.txt.xz").write_bytes(lzma.compress(text.encode("latin-1")))


def test_other_glosses_are_read(tmp_path, monkeypatch):
    glosses(tmp_path, "noun.animal|Cat true_Cat|a CAT's 2 ears\nverb.motion|run|\n")
    monkeypatch.setenv("AELIB_DATA", str(tmp_path))
    lexnames, lemmas, tokens = data.load_glosses()
    assert lexnames.tolist() == ["noun.animal", "verb.motion"]
    assert lemmas == [["cat", "true_cat"], ["run"]] and tokens == [["a", "cat", "s", "ears"], []]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "found no gloss; expected at least one$"),
        ("noun.animal|cat|a\nnoun.animal|cat\n", r"row 2 is 'noun.animal\|cat'; expected file\|lemmas\|gloss$"),
        ("noun.animal|cat|a|b\n", r"row 1 is 'noun.animal\|cat\|a\|b'"),
        ("|cat|a\n", r"row 1 is '\|cat\|a'"),
        ("noun.animal| |a\n", r"row 1 is 'noun.animal\| \|a'"),
        ("noun.food|caf\xe9|a\n", "not the text that data/SOURCES.md describes: 'utf-8' codec"),
    ],
)
def test_bad_glosses_are_named(tmp_path, monkeypatch, text, found):
    glosses(tmp_path, text)
    monkeypatch.setenv("AELIB_DATA", str(tmp_path))
    with pytest.raises(ValueError, match=found) as error:
        data.load_glosses()
    assert str(error.value).startswith(f"{tmp_path / 'wordnet.txt.xz'}: ")


@pytest.mark.parametrize("kept", [0, 1000])
def test_a_truncated_text_of_glosses_is_named(tmp_path, monkeypatch, kept):
    content = (data.SHIPPED / "wordnet.txt.xz").read_bytes()
    (tmp_path / "wordnet.txt.xz").write_bytes(content[:kept])
    monkeypatch.setenv("AELIB_DATA", str(tmp_path))
    with pytest.raises(ValueError, match=r"not the text that data/SOURCES.md describes: Compressed data"):
        data.load_glosses()


def test_other_word_pairs_are_read(tmp_path, monkeypatch):
    (tmp_path / "wordsim353.tsv").write_text("# a line to skip\nOPEC\toil\t8.59\n# another\nking\tRook\t5.92\n")
    monkeypatch.setenv("AELIB_DATA", str(tmp_path))
    pairs, scores = data.load_word_pairs()
    assert pairs.tolist() == [["opec", "oil"], ["king", "rook"]] and scores.tolist() == [8.59, 5.92]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "found no pair; expected at least one$"),
        ("# words\n", "found no pair"),
        ("# words\nlove\tsex\n", r"line 2 is 'love\\tsex'; expected word, word, number$"),
        ("love\tsex\tmuch\n", r"line 1 is 'love\\tsex\\tmuch'"),
        ("love sex 6.77\n", "line 1 is 'love sex 6.77'"),
    ],
)
def test_bad_word_pairs_are_named(tmp_path, monkeypatch, text, found):
    (tmp_path / "wordsim353.tsv").write_text(text)
    monkeypatch.setenv("AELIB_DATA", str(tmp_path))
    with pytest.raises(ValueError, match=found) as error:
        data.load_word_pairs()
    assert str(error.value).startswith(f"{tmp_path / 'wordsim353.tsv'}: ")


def test_other_emoji_may_be_fewer_with_names_of_any_length(tmp_path, monkeypatch):
    names, x = np.array(["a", "bc"]), np.full((3, 2, 32, 32, 3), 51, np.uint8)
    np.savez(tmp_path / "emoji.npz", x=x, name=names, cat=np.array(["g"] * 2), sub=np.array(["sub"] * 2))
    monkeypatch.setenv("AELIB_DATA", str(tmp_path))
    x, found, groups, subgroups = data.load_emoji()
    assert x.shape == (3, 2, 32, 32, 3) and np.allclose(x, 0.2)
    assert (found.tolist(), groups.tolist(), subgroups.tolist()) == (["a", "bc"], ["g", "g"], ["sub", "sub"])


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"x": np.zeros((2, 2, 32, 32, 3), np.uint8)}, r"x is \(2, 2, .*\) of uint8; expected \(3, 2, 32, 32, 3\)"),
        ({"x": np.zeros((3, 2, 32, 32), np.uint8)}, r"x is \(3, 2, 32, 32\) of uint8; expected \(3, n, 32, 32, 3\)"),
        ({"x": np.zeros((3, 2, 32, 32, 3))}, r"x is .* of float64; expected \(3, 2, 32, 32, 3\) of uint8$"),
        ({"name": np.array(["a"])}, r"name is \(1,\) of <U1; expected \(2,\) of str_$"),
        ({"cat": np.arange(2)}, r"cat is \(2,\) of int64; expected \(2,\) of str_$"),
        ({"sub": np.array(["a"] * 3)}, r"sub is \(3,\) of <U1; expected \(2,\) of str_$"),
    ],
)
def test_bad_emoji_are_named(tmp_path, monkeypatch, change, found):
    two = np.array(["a", "b"])
    arrays = {"x": np.zeros((3, 2, 32, 32, 3), np.uint8), "name": two, "cat": two, "sub": two} | change
    np.savez(tmp_path / "emoji.npz", **arrays)
    monkeypatch.setenv("AELIB_DATA", str(tmp_path))
    with pytest.raises(ValueError, match=found) as error:
        data.load_emoji()
    assert str(tmp_path / "emoji.npz") in str(error.value)


def test_too_few_emoji_for_three_parts_are_named(tmp_path, monkeypatch):
    seven = np.array(list("abcdefg"))
    np.savez(tmp_path / "emoji.npz", x=np.zeros((3, 7, 32, 32, 3), np.uint8), name=seven, cat=seven, sub=seven)
    monkeypatch.setenv("AELIB_DATA", str(tmp_path))
    with pytest.raises(ValueError, match=r"emoji.npz: found 7 concepts; expected at least 8, for three parts$"):
        data.load_emoji_parts()


def photographs(folder, **pictures):
    """A folder of photographs, a file for each array: JPEG, or PNG where there are more than 8 bits."""
    (folder / "photographs").mkdir()
    for name, picture in pictures.items():
        kind = "png" if picture.dtype == np.uint16 else "jpeg"
        Image.fromarray(picture).save(folder / "photographs" / f"{name}.jpg", kind, quality=95)


def test_other_photographs_may_have_another_size(tmp_path, monkeypatch):
    red = np.zeros((40, 60, 3), np.uint8) + np.array([255, 0, 0], np.uint8)
    photographs(tmp_path, ship_b_c=red, animal_a=red // 255 * 51)
    monkeypatch.setenv("AELIB_DATA", str(tmp_path))
    x, names, kinds = data.load_photographs()
    assert (names.tolist(), kinds.tolist()) == (["a", "b_c"], ["animal", "ship"])
    np.testing.assert_allclose(x[:, 20, 30], [[0.2, 0, 0], [1, 0, 0]], atol=0.02)


def test_without_photographs_of_its_own_a_folder_gets_the_courses(tmp_path, monkeypatch):
    np.savez(tmp_path / "mnist.npz", **small(12, 1))
    monkeypatch.setenv("AELIB_DATA", str(tmp_path))
    assert data.load_photographs()[0].shape == (76, 240, 320, 3)


def test_a_folder_with_photographs_alone_is_enough_for_them(tmp_path, monkeypatch):
    photographs(tmp_path, a_b=np.zeros((8, 8, 3), np.uint8))
    monkeypatch.setenv("AELIB_DATA", str(tmp_path))
    assert data.load_photographs()[0].shape == (1, 8, 8, 3)


GOOD = np.zeros((40, 60, 3), np.uint8)


@pytest.mark.parametrize(
    ("pictures", "found"),
    [
        ({}, "photographs: found no .jpg; expected at least one$"),
        ({"a_b": GOOD[..., 0]}, r"a_b.jpg: found \(40, 60\) of uint8; expected \(height, width, 3\) of uint8"),
        ({"a_b": np.zeros((40, 60), np.uint16)}, r"a_b.jpg: found \(40, 60\) of .*; expected \(height, width, 3\)"),
        ({"a_b": GOOD, "a_c": GOOD[1:]}, r"a_c.jpg: found \(39, 60, 3\); expected \(40, 60, 3\), as a_b.jpg has$"),
        ({"alpaca": GOOD}, "alpaca.jpg: expected a name like animal_alpaca.jpg: kind, underscore, name$"),
    ],
)
def test_bad_photographs_are_named(tmp_path, monkeypatch, pictures, found):
    photographs(tmp_path, **pictures)
    monkeypatch.setenv("AELIB_DATA", str(tmp_path))
    with pytest.raises(ValueError, match=found):
        data.load_photographs()


@pytest.mark.parametrize("content", [b"", b"no picture at all", b"\xff\xd8\xff\xe0 and no more"])
def test_a_file_that_is_no_picture_is_named(tmp_path, monkeypatch, content):
    photographs(tmp_path)
    (tmp_path / "photographs" / "a_b.jpg").write_bytes(content)
    monkeypatch.setenv("AELIB_DATA", str(tmp_path))
    with pytest.raises(ValueError, match=r"a_b.jpg: not a picture that can be read"):
        data.load_photographs()


def test_stored_results_come_with_their_types(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "RESULTS", tmp_path)
    (tmp_path / "many.csv").write_text("recipe,n,error\nL2(1e-4): no é,2,0.125\nat once,150,1e-3\n", encoding="utf-8")
    (tmp_path / "one.csv").write_text("seed,error\n0,0.5\n")
    many, one = data.load_results("many"), data.load_results("one")
    assert many.shape == (2,) and many.dtype.names == ("recipe", "n", "error")
    assert many["recipe"].tolist() == ["L2(1e-4): no é", "at once"]
    assert many["n"].tolist() == [2, 150] and many["error"].tolist() == [0.125, 0.001]
    assert [many.dtype[name].kind for name in many.dtype.names] == ["U", "i", "f"]
    assert one.shape == (1,) and one["error"].tolist() == [0.5]
    many["n"] = 7
    assert data.load_results("many")["n"].tolist() == [2, 150]
    with pytest.raises(
        FileNotFoundError, match=r"few\.csv: no such table; there are \['many', 'one'\], and `make results`"
    ):
        data.load_results("few")


def test_a_number_sign_in_a_table_is_text(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "RESULTS", tmp_path)
    (tmp_path / "signs.csv").write_text("recipe,error\nno. #1,0.5\n#2,0.25\n", encoding="utf-8")
    table = data.load_results("signs")
    assert table["recipe"].tolist() == ["no. #1", "#2"] and table["error"].tolist() == [0.5, 0.25]


def test_an_installation_without_the_tables_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "RESULTS", tmp_path / "results")
    with pytest.raises(FileNotFoundError, match="no such folder; install the course from a whole clone"):
        data.load_results("few")


def test_the_stored_results_can_be_read():
    names = sorted(path.stem for path in data.RESULTS.glob("*.csv"))
    assert names
    for name in names:
        table = data.load_results(name)
        assert len(table)
        assert name == "bench" or table["seed"].dtype.kind == "i"
        for column in table.dtype.names:
            rows = ...
            if name == "bench" and column in ("loss", "baseline_loss"):  # only trainings have them
                rows = np.isin(table["job"], ["stacked autoencoder", "dense VAE", "convolutional VAE"])
            if (name, column) == ("boltzmann", "log_p_blank"):  # the older rows have none
                rows = table["epochs"] != 15
            if name == "contractive" and column not in ("valid_error", "test_error"):  # no autoencoder there
                rows = table["start"] != "random"
            if name == "distilled" and ("missed" in column or "bias" in column or column == "errors_on_test"):
                rows = table["images"] != "all"  # no class is left out there, and no bias raised
            if name == "emoji_features" and column in ("ab_error", "l_error"):  # nothing else predicts colours
                rows = table["method"] == "split-brain"
            if name == "context" and (column == "train" or column.startswith("on_")):  # the others are not trained
                rows = ~np.isin(table["remedy"], ["colours", "random"])
            if (name, column) == ("context", "probe_one"):
                rows = table["remedy"] != "no gap"
            if name == "families" and column not in ("steps", "seed", "parameters", "seconds"):
                continue  # which family has which figure: tests/test_families.py
            if name == "families_speed" and column in ("reference", "seconds"):  # the GAN's step was measured elsewhere
                rows = table["family"] != "GAN"
            if name == "families_pilot" and "valid" in column:  # it has no codes
                rows = table["family"] != "GAN"
            if (name, column) == ("families_pilot", "frechet"):
                rows = table["family"] == "GAN"  # nobody else is chosen by it
            assert table.dtype[column].kind == "U" or np.isfinite(table[column][rows]).all()


FAULTS = [
    CodeFault(
        "a loader that skips the scaling",
        data._unit_interval,
        " / np.float32(255)",
        "",
        test_mnist_is_whole_scaled_and_split_without_overlap,
    ),
    CodeFault(
        "a validation split that overlaps the training images",
        data.load_mnist,
        "x[n_valid:], y[n_valid:]",
        "x[: -n_valid], y[: -n_valid]",
        test_mnist_is_whole_scaled_and_split_without_overlap,
    ),
    CodeFault(
        "a test split that overlaps the training patients",
        data.load_gene_expression,
        "return (x_train, y_train), (x_test, y_test)",
        "return (x_train, y_train), (x_train[:24], y_train[:24])",
        test_gene_expression_is_split_by_disease_without_overlap,
    ),
    CodeFault(
        "a split that ignores the disease",
        data.load_gene_expression,
        ", stratify=y",
        "",
        test_gene_expression_is_split_by_disease_without_overlap,
    ),
    CodeFault(
        "an unknown vote read as no",
        data.load_votes,
        '"?": np.nan',
        '"?": 0.0',
        test_votes_are_what_uci_documents,
    ),
    CodeFault(
        "glosses whose capitals are cut out",
        data.load_glosses,
        "gloss.lower())",
        "gloss)",
        test_glosses_are_wordnets,
    ),
    CodeFault(
        "the first line of pairs taken for a header",
        data.load_word_pairs,
        'line.startswith("#")',
        "number <= 3",
        test_word_pairs_are_wordsims,
    ),
    CodeFault(
        "emoji groups and subgroups exchanged",
        data.load_emoji,
        'raw["cat"], raw["sub"]',
        'raw["sub"], raw["cat"]',
        test_emoji_are_three_drawings_of_each_concept,
    ),
    CodeFault(
        "emoji split by drawing and not by concept",
        data.load_emoji_parts,
        "(x[:, part], y",
        "(np.stack([drawings[(part + s) % len(y)] for s, drawings in enumerate(x)]), y",
        test_parts_of_the_emoji_share_no_concept_and_lose_none,
    ),
    CodeFault(
        "classes by the beginning of every name",
        data.load_emoji_parts,
        "subgroups == subgroup if whole else ",
        "",
        test_parts_of_the_emoji_share_no_concept_and_lose_none,
    ),
    CodeFault(
        "validation concepts that are tested on",
        data.load_emoji_parts,
        "[n_test, n_test + n_valid]",
        "[n_test + n_valid, n_test + n_valid]",
        test_parts_of_the_emoji_share_no_concept_and_lose_none,
    ),
    CodeFault(
        "styles always in the file's order",
        data.load_emoji_parts,
        '[EMOJI_STYLES.index(style) for style in _known("style", styles, EMOJI_STYLES)]',
        "sorted(EMOJI_STYLES.index(style) for style in styles)",
        test_parts_of_some_styles_and_classes_are_in_the_order_asked_for,
    ),
    CodeFault(
        "photographs whose colours stand in the order of OpenCV",
        data.load_photographs,
        "picture = imread(path)",
        "picture = imread(path)[..., ::-1]",
        test_photographs_are_credited_and_of_one_size,
    ),
    CodeFault(
        "the point cloud with its columns drawn in another order",
        data.make_curved_plane,
        "0.7 * np.sin(angles) + 0.05 * rng.randn(200)",
        "0.7 * np.sin(angles) + 0.05 * rng.randn(201)[1:]",
        test_curved_plane_is_the_lectures,
    ),
]


@each(FAULTS)
def test_a_fault_goes_red(fault, monkeypatch):
    fault.goes_red(monkeypatch)
