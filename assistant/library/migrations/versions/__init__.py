"""The revisions, a file each: rNNNN_what.py."""
