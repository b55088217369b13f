"""The command line: `app.py` names the commands, one module holds each of them.

A command's module imports what it needs when the command runs, so that ``--help`` stays fast.
"""
