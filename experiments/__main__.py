"""`make results`: measure what the stored tables do not hold yet, chapter by chapter, then of all families, and write
RESULTS.md.

It may be killed at any moment and started again.
"""

import importlib
import os
import pathlib

os.environ.pop("AELIB_DATA", None)  # the stored tables are of the shipped data
os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}  # of each worker

import joblib

from aelib import course  # before Keras, because it keeps TensorFlow's start-up quiet

# isort: split
from tools import report

course.start(seed=0)
names = sorted(path.stem for path in pathlib.Path(__file__).parent.glob("ch[0-9][0-9]*.py"))
with joblib.parallel_config("loky", n_jobs=-1, inner_max_num_threads=1):
    for name in [*names, "families"]:
        importlib.import_module(f"experiments.{name}").main()
report.main()
