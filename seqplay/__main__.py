"""`seqplay` without a command is the playground; with one it is the command line. `python -m seqplay` is the same."""

import os
import sys


def has_screen() -> bool:
    """Whether there is a terminal that a picture can be drawn on: the playground draws on standard error."""
    streams = (sys.stdin, sys.stdout, sys.stderr)
    return os.environ.get("TERM", "") not in ("", "dumb") and all(stream and stream.isatty() for stream in streams)


def main() -> None:
    if sys.argv[1:] == ["--no-plugins"]:  # a word for the playground, too
        from seqplay.plugin_choice import use_none

        use_none()
        del sys.argv[1]
    if len(sys.argv) > 1 or "_SEQPLAY_COMPLETE" in os.environ or not has_screen():
        from seqplay.cli import main as command

        if len(sys.argv) == 1 and sys.stdin and sys.stdin.isatty() and sys.stderr and sys.stderr.isatty():
            print("seqplay: The playground needs a terminal to draw on. What works without one:", file=sys.stderr)
        command()
        return
    from seqplay.tui.app import run

    code, words = run()
    if words:
        from seqplay.cli.output import say

        for one in words:
            say(one)
    sys.exit(code)


if __name__ == "__main__":
    if not sys.flags.safe_path:
        del sys.path[0]  # the folder where the user happens to be: a file torch.py in it must not be imported
    main()
