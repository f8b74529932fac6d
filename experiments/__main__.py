"""`make results`: measure what the stored tables do not hold yet, then write RESULTS.md.

It may be killed at any moment and started again.
"""

import os

os.environ.pop("AELIB_DATA", None)  # the stored tables are of the shipped data
os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}  # of each worker

import joblib

from aelib import course  # before Keras, because it keeps TensorFlow's start-up quiet

# isort: split
from experiments import boltzmann, denoising, labels, letters, stacked, variational
from tools import report

course.start(seed=0)
with joblib.parallel_config("loky", n_jobs=-1, inner_max_num_threads=1):
    stacked.main()
    denoising.main()
    variational.main()
    boltzmann.main()
    letters.main()
    labels.main()
report.main()
