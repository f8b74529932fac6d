"""The runs of `make results` on a Dask cluster: DASK_SWEEP.md."""

import importlib
import random
import sys

import joblib
from distributed import Client, WorkerPlugin

from aelib import course  # noqa: F401, keeps TensorFlow's start-up quiet


class OwnRandomNumbers(WorkerPlugin):
    """For Dask, whose event loop would draw from Python's global generator in the middle of a seeded run."""

    def setup(self, worker):
        for name, module in [*sys.modules.items()]:
            if name.startswith(("dask.", "distributed.", "tornado.")) and getattr(module, "random", None) is random:
                module.random = random.Random()


def main(address, *tables):
    with Client(address) as client, joblib.parallel_config("dask"):
        if set(client.nthreads().values()) != {1}:
            raise ValueError(f"every worker must have one thread: seeds are a process's; got {client.nthreads()}")
        client.register_plugin(OwnRandomNumbers())
        for table in tables:
            importlib.import_module(f"experiments.{table}").main()


if __name__ == "__main__":
    main(*sys.argv[1:])
