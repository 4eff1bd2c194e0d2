"""`python -m seqplay` is the command `seqplay`."""

from seqplay.cli import main

if __name__ == "__main__":
    main()
