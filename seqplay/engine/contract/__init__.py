"""What every cell and model must do, as checks that anybody can run (seqplay/testing.py, `seqplay plugins check`).

cells.py and models.py list the checks, each with a sentence on what goes wrong in seqplay without it; running.py runs
them; probe.py is the quick look that a trainer takes before it plans; speed.py compares with an LSTM.
"""
