"""Load the server steadily for half an hour while editions are published, then far too much for a minute.

Writes build/bench/soak/soak.json and soak.svg; with --docs also docs/soak.md and docs/soak.svg.
"""

from __future__ import annotations

import argparse
import os

from assistant.settings import PREFIX
from assistant.terminal import open_console, progress_bar
from tests.benchmarks.records import FOLDER, ROOT, facts
from tests.benchmarks.records import Scale as Bench
from tests.benchmarks.run import CORPUS
from tests.benchmarks.soak.run import Scale, soak
from tests.benchmarks.soak.told import page, rows, write
from tests.benchmarks.stand import Seed, Stand

EXAMPLES = """examples:
  python -m tests.benchmarks.soak --docs                                      half an hour, and the page of it
  python -m tests.benchmarks.soak --minutes 3 --publish 30 --overload 20      a look
"""


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.soak",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    usual = Scale()
    parser.add_argument("--minutes", type=float, default=usual.minutes, help="of steady load; default 30")
    parser.add_argument("--publish", type=float, default=usual.publish, help="seconds between editions; default 60")
    parser.add_argument("--overload", type=float, default=usual.overload, help="seconds of too much; default 60")
    parser.add_argument("--size", type=int, default=1000, help="passages; default 1000")
    parser.add_argument("--docs", action="store_true", help="write docs/soak.md")
    chosen, console = parser.parse_args(), open_console()
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]  # it would be measured too
    scale, told = Scale(chosen.minutes, chosen.publish, chosen.overload), facts([chosen.size], quick=False)
    with progress_bar(console) as show:
        seed = Seed(FOLDER / "stands" / "seed", CORPUS, fresh=False, show=show)
        with Stand(chosen.size, seed, Bench(), show) as stand:
            seen = soak(stand, scale)
    write(seen, scale, told, chosen.size, FOLDER / "soak")
    if chosen.docs:
        (ROOT / "docs" / "soak.md").write_text(page(seen, scale, told, chosen.size), encoding="utf-8")
        (ROOT / "docs" / "soak.svg").write_text((FOLDER / "soak" / "soak.svg").read_text("utf-8"), encoding="utf-8")
    for name, figure in rows(seen, scale):
        console.print(f"{name}: {figure}", markup=False, highlight=False)


if __name__ == "__main__":
    main()
