"""The systems that AIF compares with, each an algorithm of its own."""
