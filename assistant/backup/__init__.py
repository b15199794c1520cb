"""Backup and restore of the data folder: `cluster-talks backup FILE` and `cluster-talks restore FILE`.

    backup:   copy of the library (SQLite's online backup) → archive with a manifest → renamed into place
    restore:  archive checked → unpacked beside the data folder → vectors and indexes built → the folders change places

`manifest.py` says what a backup holds; a new kind of member is a line of its MEMBERS. What derives from the library is
built anew, by `assistant.repair`.
"""
