"""The commands of `besuk`, a module for each group."""
