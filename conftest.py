"""The tests, and the chapters that nbval runs, see the quick profile, the shipped data and no progress bars."""

import inspect
import os
import pathlib
import re
import sys

import matplotlib
import pytest

os.environ["AELIB_PROFILE"] = "quick"
os.environ["AELIB_PROGRESS"] = "off"
os.environ["PYTHONUTF8"] = "1"  # of the processes that the tests start, whatever the system's encoding
os.environ.pop("AELIB_DATA", None)
matplotlib.use("agg")  # of this process only: the chapters' kernels show their figures

if int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1)) > 1:  # a thread for each of the processes side by side
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def pytest_xdist_auto_num_workers():
    """One process more than there are cores: while one waits for a kernel or a disk, the others fill the cores."""
    return (os.cpu_count() or 1) + 1


LONG = r"notebooks/|tests/chapters/", r"test_(rbm|layers|experiments|chapters|pretraining)\.py"


def pytest_collection_modifyitems(items):
    """The longest files first, later chapters before earlier ones: what is short fills the gaps at the end."""

    def rank(item):
        path = pathlib.Path(item.path).relative_to(item.config.rootpath).as_posix()
        kind = next((i for i, pattern in enumerate(LONG) if re.search(pattern, path)), len(LONG))
        chapter = re.search(r"/(?:test_ch)?(\d\d)", path)
        return kind, -int(chapter[1]) if chapter else 0

    items.sort(key=rank)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A test that has passed needs no run without a fault before those with faults."""
    report = yield
    harness = sys.modules.get("harness")
    if harness and report.passed and call.when == "call" and isinstance(item, pytest.Function):
        names = inspect.signature(item.function).parameters
        arguments = tuple(item.funcargs[name] for name in names if name in item.funcargs)
        harness.GREEN.add((item.function, repr(arguments)))
    return report
