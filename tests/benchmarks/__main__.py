"""Measure the assistant on this machine: `make bench`, or python -m tests.benchmarks.

Writes build/bench/results.json (machine, versions, commit, every figure with its unit) and build/bench/index.html, one
page with plots. Sizes are passages; beyond the corpus they are recombined from its sentences (see documents.py).
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path

from assistant.settings import PREFIX
from assistant.terminal import open_console, progress_bar
from tests.benchmarks.records import FOLDER
from tests.benchmarks.report import write_page
from tests.benchmarks.run import MEASURES, QUICK_SIZES, SIZES, run

EXAMPLES = """examples:
  python -m tests.benchmarks                                  everything, 100, 1,000 and 10,000 passages, about 12 minutes
  python -m tests.benchmarks --only ask load --sizes 1000     two measures at one size
  python -m tests.benchmarks --sizes 1000,10000,100000        larger; the largest takes over an hour and 4 GB of disk
  python -m tests.benchmarks --quick                          whether it works, in half a minute: the figures mean nothing
"""


def sizes(text: str) -> tuple[int, ...]:
    """Sizes from "100,1000"."""
    found = tuple(sorted({int(part) for part in text.split(",")}))
    if not found or found[0] < 1:
        raise argparse.ArgumentTypeError("write numbers of passages with commas, such as 100,1000")
    return found


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--sizes", type=sizes, help="passages, with commas; default 100,1000,10000")
    parser.add_argument(
        "--only", nargs="+", choices=tuple(MEASURES), default=[], metavar="NAME", help=", ".join(MEASURES)
    )
    parser.add_argument("--quick", action="store_true", help="a few questions on a few passages")
    parser.add_argument("--out", type=Path, default=None, help="folder of the two files; default build/bench")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write."""
    chosen, console = options(arguments), open_console()
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]  # it would be measured too
    began = time.perf_counter()
    with progress_bar(console) as show:
        wanted = chosen.sizes or (QUICK_SIZES if chosen.quick else SIZES)
        results = run(wanted, chosen.only, chosen.quick, show)
    results.seconds["all"] = round(time.perf_counter() - began, 1)
    out = chosen.out or (FOLDER / "quick" if chosen.quick else FOLDER)
    results.write(out / "results.json")
    write_page(results, out / "index.html")
    console.print(f"{len(results.figures)} figures in {results.seconds['all']:.0f} s: {out / 'index.html'}")


if __name__ == "__main__":
    main()
