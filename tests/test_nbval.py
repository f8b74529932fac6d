"""nbval, as this project runs it, finds what is wrong."""

import subprocess
import sys

import nbformat
from harness import NBVAL

from tools import chapters


def test_faults_go_red_through_nbval(tmp_path):
    """The first cells of chapter 1 with faults behind them: exactly the faulty cells fail."""
    notebook = nbformat.read(chapters.find("01")[0], as_version=4)
    notebook.cells = [cell for cell in notebook.cells if cell.cell_type == "code"][:3]

    def add(source, text):
        output = nbformat.v4.new_output("stream", text=text)
        notebook.cells.append(
            nbformat.v4.new_code_cell(source, outputs=[output], execution_count=len(notebook.cells) + 1)
        )

    add("print('error', 1 / 3, x_train.shape)", "error 0.25 (100, 3)\n")  # another decimal: meant to pass
    add("check('a third', 1 / 3, below=1)", "✓ a third: 0.2500\n")
    add("check('half', 1 / 2, below=0.1, quick=False)", "✓ half: 0.0500\n")
    add("check('two', [1.0, 2.0], below=0.1, quick=False)", "✓ two: 0.0100 to 0.0500\n")
    add("check('seeds', [0.1], below=1)", "✓ seeds: 0.0900 to 0.2000\n")  # one seed here, three in the stored run
    bad = len(notebook.cells)
    add("print('train', x_train.shape)", "training (100, 3)\n")  # a wrong word
    add("print('train', x_train.shape)", "train (99, 3)\n")  # a wrong shape
    add("print(1 / 3)", "nan\n")  # a number that is none
    add("check('a third', 1 / 3, below=0.1)", "✓ a third: 0.0333\n")  # a violated check
    add("check('half', 1 / 2, below=0.1, quick=False)", "✓ a half: 0.0500\n")  # another claim, not judged
    add("1 / 0", "")  # a cell that raises
    path = tmp_path / "faulty.ipynb"
    nbformat.write(notebook, path)
    settings = tmp_path / "pytest.ini"
    settings.write_text("[pytest]\n", encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        *NBVAL,
        "-rA",
        "--rootdir",
        str(tmp_path),
        "-c",
        str(settings),
        str(path),
    ]
    report = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", cwd=tmp_path).stdout
    verdicts = [line.split("::Cell ") for line in report.splitlines() if line.startswith(("PASSED", "FAILED"))]
    passed = {int(cell.split()[0]) for word, cell in verdicts if word.startswith("PASSED")}
    failed = {int(cell.split()[0]) for word, cell in verdicts if word.startswith("FAILED")}
    assert passed == set(range(bad)) and failed == set(range(bad, len(notebook.cells))), report
