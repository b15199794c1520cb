"""Colours and type of the Gradio components, as data that page.py applies; everything else stands in page.css."""

from __future__ import annotations

from pathlib import Path

CSS = Path(__file__).with_name("page.css")
SCRIPT = Path(__file__).with_name("page.js")
LOGO = Path(__file__).with_name("logo.svg")

# Fonts of the visitor's own system: the page asks no other host for anything.
FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "Liberation Sans", "sans-serif")
MONO = ("ui-monospace", "Consolas", "Liberation Mono", "monospace")


def _both(name: str, variable: str) -> dict[str, str]:
    return {name: f"var({variable})", f"{name}_dark": f"var({variable})"}


VARIABLES: dict[str, str] = {
    "body_background_fill": "#f6f4ef",
    "body_background_fill_dark": "#10161d",
    "body_text_color": "#1c2733",
    "body_text_color_dark": "#e6eaee",
    **_both("background_fill_primary", "--surface"),
    **_both("background_fill_secondary", "--surface-2"),
    **_both("border_color_primary", "--line"),
    **_both("input_background_fill", "--surface"),
    **_both("input_border_color", "--line"),
    **_both("input_border_color_focus", "--accent"),
    **_both("input_placeholder_color", "--muted"),
    **_both("button_primary_background_fill", "--accent"),
    **_both("button_primary_background_fill_hover", "--accent-strong"),
    **_both("button_primary_text_color", "--on-accent"),
    **_both("button_secondary_background_fill", "--surface"),
    **_both("button_secondary_background_fill_hover", "--surface-2"),
    **_both("button_secondary_text_color", "--ink"),
    **_both("block_background_fill", "--surface"),
    "color_accent": "var(--accent)",
}
