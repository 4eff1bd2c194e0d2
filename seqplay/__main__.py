"""`python -m seqplay` is the command `seqplay`."""

import sys

if __name__ == "__main__":
    if not sys.flags.safe_path:
        del sys.path[0]  # the folder where the user happens to be: a file torch.py in it must not be imported
    from seqplay.cli import main

    main()
