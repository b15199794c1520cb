"""How long work tells how far it is: by a call with the stage, how much of it is done, and its total."""

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
