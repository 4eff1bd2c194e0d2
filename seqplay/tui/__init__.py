"""The playground: a Textual app that hosts places for training, sampling, the shelf of runs and plugins.

It never imports torch or numpy: training and answering are processes of their own, and what they find out comes as
rows. Data reaches the screen only as spans (seqplay.draw.lines), which are safe; nothing is read as markup.
"""
