"""MNIST for the tables: read once in a process, however many of their modules it imports."""

import functools

from aelib import data

load = functools.cache(data.load_mnist)
