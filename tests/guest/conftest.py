"""Tests that boot Debian's kernel; see README.md."""
