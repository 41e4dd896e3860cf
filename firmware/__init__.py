"""The daemon around the pure rules of `core`: configuration, wiring, the scan, recovery, the loop, the command line."""
