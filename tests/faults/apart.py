"""The process that builds an edition, with the quick embedder: what a server of these tests starts."""

from __future__ import annotations

from ingest.apart import main
from tests.faults.started import register_quick

if __name__ == "__main__":
    register_quick()
    main()
