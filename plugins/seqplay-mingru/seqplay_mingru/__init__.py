"""minGRU and minLSTM for seqplay: `cell` holds the layers, `step` the same for one token at a time, without torch.

Nothing is imported here, so that `seqplay_mingru.step` does not bring torch in.
"""
