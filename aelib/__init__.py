"""The small library that the chapters of "Autoencoders, executable" share."""

import os

__version__ = "1.0.0"

# Read once, by the first OpenMP library that is loaded (scikit-learn's, which `aelib.data` imports): without it the
# threads that wait for work spin, at the cost of others where cores are shared.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
