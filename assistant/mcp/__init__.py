"""The documents for other assistants, by the Model Context Protocol: over HTTP at /mcp (`http.py`), or over standard
input and output (`stdio.py`). Both serve the tools of `tools.py` and the documents as resources (`resources.py`).

`mcp` without `assistant.` in front is the official SDK. To add a tool, write a class in `tools.py`.
"""
