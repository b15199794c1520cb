"""The staff pages at /staff: what people ask, feedback, editions, quality and health, for holders of a staff key.

Rendered on the server, without a script; in English only, which is enough for those who run the assistant. To add a
section: a line in `pages.SECTIONS`, a route in `routes.py`, a template of the same name.
"""
