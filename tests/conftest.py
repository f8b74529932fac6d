"""The tests, and the chapters that nbval runs, see the quick profile, the shipped data and no progress bars."""

import os

os.environ["AELIB_PROFILE"] = "quick"
os.environ["TQDM_DISABLE"] = "1"
os.environ["MPLBACKEND"] = "agg"
os.environ.pop("AELIB_DATA", None)
