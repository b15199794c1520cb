"""The benchmarks: all measures once on a few passages, with the quick embedder and a server in this process.

BENCHMARKS=whole also runs the command as `make bench` does, with the real models and a server process: half a minute.
"""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from assistant import wiring
from assistant.api.app import create_app
from assistant.api.state import State
from assistant.runs import Runner
from assistant.wiring import open_assistant, open_stores
from tests.benchmarks import capacity, run, stand
from tests.benchmarks.__main__ import options
from tests.benchmarks.known import Known, KnownEmbedder
from tests.benchmarks.plots import PLOTS
from tests.benchmarks.publish import lengthened
from tests.benchmarks.records import Figure, Results, read_results
from tests.benchmarks.report import shown, write_page
from tests.conftest import ROOT, Server
from tests.fakes import WordEmbedder
from tests.serving import listening

SIZE = 12
FACTS = {
    "date": "2026-11-01T00:00:00",
    "commit": "abc",
    "processor": "x",
    "cores": 2,
    "quick": False,
    "sizes": [10, 100],
}


@contextmanager
def served_here(data: Path, corpus: Path, **_: str) -> Iterator[Server]:
    """The application with its runs, as a server process has them, without page and models."""
    settings = stand.plain_settings(data, corpus)

    def warm_up(state: State, app: Any) -> None:
        stores = open_stores(settings)
        assistant = open_assistant(settings, stores)
        state.serve(assistant)
        state.page = True
        runs = Runner(settings, stores, lambda: assistant, stopping=lambda: app.state.drain.begun).start()
        for close in (stores.vectors.close, stores.library.close, lambda: runs.join(5)):
            state.on_close(close)

    app = create_app(State(settings), warm_up, None)
    with listening(app) as address:
        process: Any = SimpleNamespace(pid=os.getpid(), poll=lambda: None)
        yield Server(address, data, corpus, data / "log", process, 200)
        app.state.drain.begin()


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Results]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(run, "FOLDER", tmp_path_factory.mktemp("bench"))
        for place in (wiring, stand):
            patched.setattr(place, "open_embedder", lambda _: WordEmbedder())
        patched.setattr(stand, "open_reader", lambda _: None)
        patched.setattr(stand, "start_server", served_here)
        patched.setattr(stand, "rest", lambda _: None)
        patched.setitem(stand.PLAIN, "reader", "none")
        yield run.run([SIZE], [], quick=True, show=lambda *_: None)


@pytest.mark.parametrize("measure", run.MEASURES)
def test_each_measure_gives_figures_with_a_unit_and_says_what_they_are(results: Results, measure: str) -> None:
    found = [one for one in results.figures if one.measure == measure]
    assert found and all(one.unit and math.isfinite(one.value) and one.value >= 0 for one in found)
    assert len(results.notes[measure]) > 100
    assert results.seconds[f"{SIZE}: {measure}"] >= 0


def value(results: Results, measure: str, name: str) -> float:
    return results.series(measure, name)[SIZE]


def test_the_corpus_is_extended_by_recombined_passages_whose_vectors_are_known(results: Results) -> None:
    real = next(one.value for one in results.figures if one.name == "passages" and one.size is None)
    assert real < value(results, "ingest", "passages") == SIZE
    assert value(results, "ingest", "texts the model had to embed") == 0


def test_few_vectors_are_all_found(results: Results) -> None:
    assert {one.value for one in results.figures if "recall" in one.name} == {1.0}


def test_a_changed_passage_is_published_while_every_question_is_answered(results: Results) -> None:
    assert value(results, "publish", "changed passages") == value(results, "publish", "embedded") == 1
    assert value(results, "publish", "asked meanwhile") > 1
    assert {one.value for one in results.figures if one.name == "failures"} == {0}


def test_results_are_read_as_they_were_written(results: Results, tmp_path: Path) -> None:
    results.write(tmp_path / "results.json")
    assert read_results(tmp_path / "results.json") == results
    with pytest.raises(SystemExit, match="make bench"):
        read_results(tmp_path / "none.json")


def test_the_page_shows_every_plot_and_asks_no_other_host(results: Results, tmp_path: Path) -> None:
    strange = Figure("ask", "<script>", 1.0, "ms", SIZE)
    write_page(replace(results, figures=[*results.figures, strange]), tmp_path / "index.html")
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert page.count("<svg ") == len(PLOTS)
    assert "<script>" not in page
    assert not re.search(r"""(?:src|href)=["'](?!#)""", page) and "url(http" not in page


def test_capacity_has_a_row_a_size_and_the_cost_of_a_million_questions(results: Results) -> None:
    made = capacity.tables(results, price=0.1)
    best = capacity.best(results, SIZE)
    assert best is not None and f"| {SIZE} | {shown(best.rate)} |" in made
    assert f"{2 * 1e6 / best.rate / 3600 * 0.1:,.2f}" in capacity.tables(
        replace(results, facts=results.facts | {"cores": 2}), 0.1
    )
    assert "--quick" in made


def test_a_line_and_a_logarithm_are_drawn_out_exactly() -> None:
    assert capacity.fitted({10: 7.0, 100: 52.0, 1000: 502.0}, "line", [10_000]) == [pytest.approx(5002)]
    logarithm = {size: 3 + 2 * math.log(size) for size in (10, 100, 1000)}
    assert capacity.fitted(logarithm, "logarithm", [10**8]) == [pytest.approx(3 + 2 * math.log(10**8))]


def test_what_seems_to_fall_with_size_is_not_drawn_out_below_zero() -> None:
    assert capacity.fitted({10: 9.0, 100: 8.0}, "line", [10**8])[0] > 0


def load(askers: int, rate: float, p95: float, failures: float) -> list[Figure]:
    named = (("answers a second", rate, "/s"), ("latency p95", p95, "ms"), ("failures", failures, "requests"))
    return [Figure("load", name, number, unit, 10, askers) for name, number, unit in named]


def test_the_best_rate_is_one_in_time_and_without_failures() -> None:
    figures = [*load(1, 5, 200, 0), *load(8, 9, 900, 0), *load(32, 10, 3000, 0), *load(128, 99, 100, 1)]
    assert capacity.best(Results(FACTS, figures), 10) == capacity.Best(9, 8, 900)
    assert capacity.best(Results(FACTS, figures[6:]), 10) == capacity.Best(10, 32, 3000)


def test_tables_are_put_between_the_marks_of_the_page() -> None:
    page = f"Before\n{capacity.BEGIN}\nold \\1\n{capacity.END}\nAfter\n"
    new = capacity.written(page, "new \\1")
    assert "old" not in new and "new \\1" in new and new.startswith("Before\n") and new.endswith("\nAfter\n")
    assert capacity.written(new, "new \\1") == new
    with pytest.raises(SystemExit, match="no place"):
        capacity.written("no marks", "")


def test_the_capacity_page_has_the_marks() -> None:
    assert capacity.written(capacity.PAGE.read_text(encoding="utf-8"), "x")


@pytest.fixture
def embedder() -> KnownEmbedder:
    inner = WordEmbedder()
    one, two = (np.asarray(inner.embed_query(text), np.float32) for text in ("Clusters talk.", "Buyers listen."))
    return KnownEmbedder(Known([], {}, {"Clusters talk.": one, "Buyers listen.": two}), inner)


def test_a_known_sentence_under_another_heading_is_near_itself(embedder: KnownEmbedder) -> None:
    same, moved = embedder.embed_documents(["Clusters talk.", "A new heading Clusters talk."])
    assert np.dot(same, moved) == pytest.approx(0.98, abs=0.03)
    assert moved == embedder.embed_documents(["A new heading Clusters talk."])[0]


def test_a_passage_of_known_sentences_is_near_their_mean(embedder: KnownEmbedder) -> None:
    one, two, whole = np.asarray(
        embedder.embed_documents(["Clusters talk.", "Buyers listen.", "Title. Heading\nClusters talk. Buyers listen."])
    )
    assert whole @ (one + two) / np.linalg.norm(one + two) == pytest.approx(0.98, abs=0.03)
    assert embedder.asked == 0


def test_what_is_not_known_goes_to_the_model_and_is_counted(embedder: KnownEmbedder) -> None:
    text = "Nobody has said this"
    assert embedder.embed_documents([text])[0] == pytest.approx(WordEmbedder().embed_query(text), abs=1e-6)
    assert embedder.asked == 1


def test_a_document_is_lengthened_within_its_first_paragraph() -> None:
    text = "---\ntopics: [a]\n---\n<!-- asked:\nWhy so?\n-->\n\nOne sentence.[^a]\n\nAnother.\n"
    assert lengthened(text, "More.") == text.replace("One sentence.[^a]", "One sentence.[^a] More.")
    assert lengthened("# Title\n", "More.").endswith("\n\nMore.\n")


def test_figures_are_shown_with_three_digits() -> None:
    assert [shown(one) for one in (0, 0.1234, 1.234, 12.34, 1234.5, 7)] == ["0", "0.123", "1.23", "12.3", "1,234", "7"]


def test_sizes_are_numbers_of_passages(capsys: pytest.CaptureFixture[str]) -> None:
    assert options(["--sizes", "1000,100"]).sizes == (100, 1000)
    for wrong in ("many", "0"):
        with pytest.raises(SystemExit):
            options(["--sizes", wrong])
        assert "--sizes" in capsys.readouterr().err


@pytest.mark.skipif(os.environ.get("BENCHMARKS") != "whole", reason="BENCHMARKS=whole runs it: half a minute")
def test_the_command_runs_as_make_bench_runs_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.benchmarks", "--quick", "--out", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=300, capture_output=True)
    assert set(read_results(tmp_path / "results.json").notes) == set(run.MEASURES)
    assert (tmp_path / "index.html").is_file()
