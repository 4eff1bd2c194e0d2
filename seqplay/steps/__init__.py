"""Trained stacks one token at a time, in numpy: a sample starts before torch would have been imported, and runs
faster.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # one token's products are too small to share
