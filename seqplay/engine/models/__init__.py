"""The built-in models: one file each, exported through the same entry points as a plugin's.

A model of pictures is built as `module(config, shape)`, its shape a seqplay.architecture.PictureShape. Pictures are
float tensors (B, C, H, W) from -1 to 1.
"""
