"""The thirty things that must always hold, one class each, in the files of their chapters."""
