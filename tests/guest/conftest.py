"""Tests that boot Debian's kernel; see README.md."""

import pathlib
import sys

# Wires, clients and servers around a guest are the lab's.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))
