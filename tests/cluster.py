"""The extras: two processes against one, a Dask cluster against a loop. `make test-extras`."""

import contextlib
import csv
import os
import pathlib
import random
import socket
import subprocess
import sys
import tempfile
import time
import types

import keras
import pytest
from distributed import LocalCluster

from experiments import families, table
from extras import dask_sweep

ROOT = pathlib.Path(__file__).resolve().parent.parent


def start(*arguments):
    command = [sys.executable, "-m", "extras.data_parallel", "1280", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def finished(process):
    """{network: (devices, losses)} of a run that ended well."""
    try:
        printed = [line for line in process.communicate(timeout=300)[0].splitlines() if ", losses: " in line]
    finally:
        process.kill()
    assert process.returncode == 0
    rows = [line.replace(", devices: ", ", losses: ").split(", losses: ") for line in printed]
    return {name: (int(devices), [float(loss) for loss in losses.split()]) for name, devices, losses in rows}


def test_two_processes_give_the_losses_of_one():
    """To float32's rounding. The variational network draws its noise by the batch: with another batch it is another."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"localhost:{free.getsockname()[1]}"
    two = [start(address, "2", number) for number in ("0", "1")]
    first, second = (finished(process) for process in two)
    one = finished(start())
    assert list(one) == ["autoencoder", "variational"] and first == second
    for name, (devices, losses) in one.items():
        assert devices == 1 and first[name][0] == 2
        assert len(losses) == 3 and losses[2] < losses[0]
        assert first[name][1] == pytest.approx(losses, rel=1e-5)


def measure(n, seed):
    time.sleep(1)  # in which Dask must not draw
    return {"error": n + random.random(), "keras": float(keras.random.normal(())), "process": os.getpid()}


def complete(folder):
    table.complete("demo", table.grid(n=[1, 2], seed=range(3)), measure, folder=folder)


def read(folder, *columns):
    with (pathlib.Path(folder) / "demo.csv").open(encoding="utf-8") as file:
        return [[row[column] for column in columns] for row in csv.DictReader(file)]


@contextlib.contextmanager
def two_tables(complete, n_workers, monkeypatch):
    """Folders of the table that `complete(folder)` writes: by a loop, and by a cluster with so many workers."""
    with (
        tempfile.TemporaryDirectory() as alone,
        tempfile.TemporaryDirectory() as shared,
        LocalCluster(n_workers=n_workers, threads_per_worker=1, dashboard_address=None) as cluster,
    ):
        complete(alone)
        monkeypatch.setitem(sys.modules, "experiments.demo", types.SimpleNamespace(main=lambda: complete(shared)))
        dask_sweep.main(cluster.scheduler_address, "demo")
        yield alone, shared


def test_a_sweep_on_dask_gives_the_table_of_the_loop(monkeypatch):
    with two_tables(complete, 2, monkeypatch) as (alone, shared):
        assert len(read(alone, "n")) == 6
        assert read(shared, "n", "seed", "error", "keras") == read(alone, "n", "seed", "error", "keras")
        assert [str(os.getpid())] not in read(shared, "process")


def test_workers_with_several_threads_are_refused():
    with LocalCluster(1, threads_per_worker=2, processes=False, dashboard_address=None) as cluster:
        with pytest.raises(ValueError, match="every worker must have one thread"):
            dask_sweep.main(cluster.scheduler_address)


def test_families_on_dask_are_those_of_the_loop(monkeypatch):
    """Two rows of the pilot, of so few steps that they take seconds: what a row needs reaches the worker."""
    rows = [{"family": name, "setting": "rate 0.002", "steps": 20, "seed": 0} for name in ("plain", "tied")]

    def run(folder):
        table.complete("demo", rows, families.pilot, folder=folder)

    with two_tables(run, 1, monkeypatch) as (alone, shared):
        first, second = (read(folder, "valid_mse", "valid_linear_100") for folder in (alone, shared))
        assert len(first) == 2
        for one, other in zip(first, second, strict=True):
            assert [float(figure) for figure in one] == pytest.approx([float(figure) for figure in other], rel=1e-3)
