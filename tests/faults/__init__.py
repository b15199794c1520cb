"""What happens when things break: kills at random moments, and a table of all faults with the tests that show them.

`python -m tests.faults.kills` kills a real server over and over, `python -m tests.faults.table` writes docs/faults.md.
To add a fault: a line in `faults.FAULTS` that names a test, here in test_faults.py or elsewhere.
"""
