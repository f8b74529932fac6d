"""The tests, and the chapters that nbval runs, see the quick profile, the shipped data and no progress bars."""

import os

import matplotlib

os.environ["AELIB_PROFILE"] = "quick"
os.environ["AELIB_PROGRESS"] = "off"
os.environ.pop("AELIB_DATA", None)
matplotlib.use("agg")  # of this process only: the chapters' kernels show their figures
