"""`make results`: measure what the stored tables do not hold yet. It may be killed at any moment and started again."""

from aelib import course  # first, because it keeps TensorFlow's start-up quiet

# isort: split
from experiments import denoising, stacked

course.start(seed=0)
stacked.main()
denoising.main()
