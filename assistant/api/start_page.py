"""What a browser sees while the documents are being prepared; it opens the page by itself when they are ready."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

router = APIRouter()


@router.get("/", response_class=HTMLResponse, include_in_schema=False, name="start_page")
def start_page() -> str:
    """The page; it asks /readyz every second. The chat page takes this route's place."""
    return PAGE


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Cluster Talks Assistant</title><style>
:root { color-scheme: light dark; }
body { font: 1.1rem/1.6 system-ui, sans-serif; display: grid; place-content: center; min-height: 90vh; }
body { margin: 0 1.5rem; }
progress { width: min(24rem, 80vw); height: .8rem; accent-color: #1d5f8a; }
</style></head><body><main><h1>Cluster Talks Assistant</h1>
<p id="text" role="status">The documents are being prepared. This page opens by itself when they are ready.</p>
<progress id="bar" aria-labelledby="text"></progress></main><script>
async function look() {
  try {
    const response = await fetch("/readyz"), state = await response.json(), bar = document.getElementById("bar");
    if (response.ok) return location.reload();
    if (state.failure) document.getElementById("text").textContent = state.failure;
    if (state.total) { bar.max = state.total; bar.value = state.done; }
  } catch { document.getElementById("text").textContent = "The server does not answer. Trying again …"; }
  setTimeout(look, 1000);
}
look();
</script></body></html>"""
