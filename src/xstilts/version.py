"""The version of the package, for whatever is written down with it."""

VERSION = "0.1.0"
