"""Half an hour of steady load with publications, then a minute of far too much: `python -m tests.benchmarks.soak`."""
