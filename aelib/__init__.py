"""The small library that the chapters of "Autoencoders, executable" share."""

__version__ = "0.1.0"
