"""Trained stacks one token at a time, in numpy: a sample starts before torch would have been imported, and runs
faster.
"""
