"""What operators see of a running server: log lines, metrics, traces. None of them holds text of questions or answers.

logs.py writes lines, metrics.py counts, traces.py sends spans; requests.py and answers.py tell the three what happened.
"""
