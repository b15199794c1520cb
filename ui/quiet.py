"""Gradio prints what goes wrong as it is, with what was sent: questions would stand in the log, and anyone could write
lines of their own there. Here it becomes log lines that tell the type of an error and where it arose.

When another version of Gradio prints somewhere else, add the module to PRINTING.
"""

from __future__ import annotations

import logging
import sys
import traceback
from pathlib import Path
from types import SimpleNamespace

from gradio import queueing, route_utils, routes, screen_recording_utils

PRINTING = (queueing, route_utils, routes, screen_recording_utils)


def hush() -> None:
    """Let Gradio's modules print no longer."""
    told = SimpleNamespace(**vars(traceback) | {"print_exc": tell, "print_exception": tell})
    for module in PRINTING:
        vars(module).update(traceback=told, print=tell)


def tell(*_: object, **__: object) -> None:
    """Log the error that is being handled, if there is one. To be called in the place of print and print_exc."""
    if error := sys.exception():
        frames = traceback.extract_tb(error.__traceback__)
        place = " > ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)
        logging.getLogger(__name__).error("Gradio met a %s: %s", type(error).__name__, place)
