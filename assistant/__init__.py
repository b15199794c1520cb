"""Everything at run time except the page."""

__version__ = "0.1.0"
