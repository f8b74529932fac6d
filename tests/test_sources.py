"""Which changes make stored outputs stale: those of what a chapter uses, and no others."""

import nbformat
import pytest

from tools.sources import sources

FILES = {
    "aelib/__init__.py": "",
    "aelib/noise.py": '''"""Noise."""
from numpy import zeros
LEVEL = 0.5

def gaussian(x):
    """Noise of a normal distribution."""
    return _scaled(x) * LEVEL

def _scaled(x):
    return x + zeros(3)

def unused(x):
    return x
''',
    "aelib/layers.py": """from aelib import noise

class Noise:
    def call(self, x):
        return noise.gaussian(x)
""",
    "aelib/exercises/__init__.py": "def mark(number, answer):\n    print(number)\n",
    "aelib/exercises/ch05.py": "def right():\n    pass\n",
    "aelib/exercises/ch06.py": "def right():\n    pass\n",
    "experiments/results/labels.csv": "seed\n0\n",
    "experiments/results/others.csv": "seed\n0\n",
}
CELLS = [
    "from aelib import data, exercises, layers",
    "layer = layers.Noise()",
    'table = data.load_results("labels")',
    'exercises.mark("5.1", ...)',
]
USED = [
    "aelib/exercises/__init__.py",
    "aelib/exercises/ch05.py",
    "aelib/layers.py",
    "aelib/noise.py",
    "experiments/results/labels.csv",
]


@pytest.fixture
def root(tmp_path):
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    return tmp_path


def found(root, cells=CELLS):
    return sources(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells]), root)


def test_what_is_used_is_found_through_other_modules(root):
    assert list(found(root)) == USED
    assert list(found(root, CELLS[:1])) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "changed"),
    [
        ("aelib/noise.py", "0.5", "0.6", True),  # a constant that a used function uses
        ("aelib/noise.py", "x + zeros", "x - zeros", True),  # a function that it calls
        ("aelib/noise.py", "import zeros", "import ones as zeros", True),
        ("aelib/noise.py", "from numpy", "print()\nfrom numpy", True),  # what happens on import
        ("aelib/noise.py", "Noise of a normal", "Gaussian", False),
        ("aelib/noise.py", '"""Noise."""', '"""Much noise."""  # a comment', False),
        ("aelib/noise.py", "return x\n", "return -x\n", False),  # not used
        ("aelib/noise.py", "def unused(x):", "def new():\n    pass\n\n\ndef unused(x):", False),
        ("aelib/noise.py", "_scaled(x) * LEVEL", "(_scaled(x)\n        * LEVEL)", False),
        ("aelib/layers.py", "gaussian(x)", "gaussian(-x)", True),
        ("aelib/exercises/ch05.py", "pass", "return 1", True),
        ("aelib/exercises/ch06.py", "pass", "return 1", False),
        ("experiments/results/labels.csv", "0", "1", True),
        ("experiments/results/labels.csv", "\n", "\r\n", False),
        ("experiments/results/others.csv", "0", "1", False),
    ],
)
def test_a_change_is_seen_where_it_matters(root, file, old, new, changed):
    before = found(root)
    text = (root / file).read_text()
    assert old in text
    (root / file).write_bytes(text.replace(old, new).encode())
    after = found(root)
    assert [name for name in USED if before[name] != after[name]] == [file] * changed


def test_a_table_that_is_named_elsewhere_counts(root):
    cells = ["from aelib import data", 'for name in ("labels", "others"):\n    data.load_results(name)']
    assert list(found(root, cells)) == ["experiments/results/labels.csv", "experiments/results/others.csv"]
