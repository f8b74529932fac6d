"""`make results`: measure what the stored tables do not hold yet. It may be killed at any moment and started again."""

import os

os.environ.pop("AELIB_DATA", None)  # the stored tables are of the shipped data

from aelib import course  # before Keras, because it keeps TensorFlow's start-up quiet

# isort: split
from experiments import boltzmann, denoising, stacked, variational

course.start(seed=0)
stacked.main()
denoising.main()
variational.main()
boltzmann.main()
