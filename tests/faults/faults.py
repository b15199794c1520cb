"""The table of faults: what is done, what people see, what heals by itself, what is lost, and the tests that show it.

A test is named as pytest names it, without its parameters. To add a fault: write a test, add a line to FAULTS.
"""

from __future__ import annotations

from dataclasses import dataclass

KILLS = (
    "tests/faults/test_kills.py::test_whatever_a_kill_falls_into_what_was_acknowledged_is_there_and_the_server_is_well"
)
HERE = "tests/faults/test_faults.py::test_"
E2E = "tests/e2e/test_"
STARTS = "tests/faults/test_starts.py::test_a_start_on_damaged_files_says_what_to_do_and_is_well_when_that_is_done"
AWAY = f"{E2E}cluster.py::test_while_an_engine_is_away_it_is_said_where_it_is_needed_and_afterwards_all_is_well"
DAMAGE = f"{E2E}backup.py::test_damage_of_what_derives_from_the_library_is_found_and_mended"
NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Fault:
    """A line of the table; `heals`: what it takes, "by itself" where it takes nothing."""

    name: str
    seen: str
    heals: str
    lost: str
    tests: tuple[str, ...]


FAULTS = (
    # --- processes that end
    Fault(
        "the server is killed (kill -9) at any moment of its work or of its start",
        "no connection; then `/readyz` says when it is ready",
        "by itself at the next start; a run that it broke off is done again",
        "nothing acknowledged; an answer of the last moment may not be told again by its id",
        (KILLS,),
    ),
    Fault(
        "`ingest` is killed",
        NOTHING,
        "ingest again",
        "what it had built and nobody was served",
        (
            "tests/faults/test_killed_ingests.py::test_an_ingest_killed_at_any_moment_leaves_what_is_served_and_can_be_done_again",
        ),
    ),
    Fault(
        "the process that builds an edition is killed, or the server that waits for it",
        "what was served; the run failed, and why",
        "ingest again; where the server was killed, by itself at the next start",
        "what it had built and nobody was served",
        (
            "tests/faults/test_apart.py::test_where_it_is_killed_the_run_fails_and_what_is_served_stays",
            "tests/faults/test_apart.py::test_it_ends_with_the_server",
            KILLS,
        ),
    ),
    Fault(
        "`backup` is killed",
        "no file, or a whole one",
        "the next backup removes what it left",
        NOTHING,
        (f"{HERE}what_a_killed_backup_left_goes_with_the_next_one_and_not_before_it_is_dead", KILLS),
    ),
    Fault(
        "`restore` is killed",
        "the data folder is as it was",
        "restore again",
        NOTHING,
        (f"{E2E}backup.py::test_a_restore_killed_at_any_moment_leaves_what_was_there",),
    ),
    Fault(
        "the server is stopped while it answers and ingests",
        "answers on their way arrive; who asks then is told 503 that it stops",
        "by itself: the run is done at the next start",
        NOTHING,
        (
            f"{E2E}stopping.py::test_a_server_that_is_stopped_answers_what_was_asked_and_leaves_its_run_to_the_next_start",
        ),
    ),
    Fault(
        "the process of a local model is killed",
        "that answer is made of quotes",
        "by itself",
        NOTHING,
        (f"{E2E}local.py::test_while_the_model_is_killed_again_and_again_there_are_answers",),
    ),
    Fault(
        "the process that reads a document dies of it, or takes too long",
        "the report names the document and what to do; the others are served",
        "mend the document",
        NOTHING,
        (
            f"{E2E}hostile.py::test_a_document_past_its_limits_is_told_and_the_next_one_is_read",
            f"{HERE}the_process_that_reads_documents_ends_without_a_word_when_its_server_is_gone",
        ),
    ),
    # --- the disk
    Fault(
        "the disk is full",
        "every question is answered from editions that are open; a rating, a key, an ingest, or whoever asks another edition is told 503 that the disk is full",
        "by itself once there is room",
        "notes of refused questions and answers by their id, of that time",
        (
            f"{HERE}on_a_full_disk_everybody_is_answered_and_nothing_is_lost_and_room_heals_it",
            f"{HERE}a_secret_that_a_full_disk_does_not_take_is_made_later",
            f"{HERE}an_edition_that_a_full_disk_does_not_let_be_opened_is_told_and_room_heals_it",
            f"{HERE}an_edition_that_fills_the_disk_leaves_it_as_it_was",
        ),
    ),
    Fault(
        "the data folder may only be read",
        "the start fails and says where to look; a command says it in one line",
        "let it be written, start again",
        NOTHING,
        (
            "tests/faults/test_starts.py::test_a_disk_that_may_only_be_read_stops_the_start_and_is_told",
            f"{E2E}cli.py::test_a_data_folder_that_cannot_be_written_is_told_in_one_line",
        ),
    ),
    Fault(
        "a page of the library's SQLite file is damaged",
        "the start fails and says where to look; `doctor` names the file",
        "`restore` of a backup",
        "what came after that backup",
        (STARTS, f"{E2E}backup.py::test_a_damaged_library_is_not_repaired_but_restored"),
    ),
    Fault(
        "the store of the vectors is missing, cut or damaged",
        "the start fails and says what to run",
        "`doctor --repair`",
        NOTHING,
        (STARTS, DAMAGE, f"{E2E}backup.py::test_vectors_that_were_not_in_their_index_yet_are_mended"),
    ),
    Fault(
        "an index file of the vectors is cut or a bit of it flipped",
        "`doctor` tells it before anything follows its links",
        "`doctor --repair`",
        NOTHING,
        (f"{E2E}backup.py::test_a_damaged_index_is_noticed_before_chroma_follows_its_links",),
    ),
    Fault(
        "the word indexes are deleted, or one is half built",
        NOTHING,
        "by itself at the start",
        NOTHING,
        (STARTS,),
    ),
    Fault(
        "a word index is cut or a bit of it flipped",
        "the start fails and says where to look",
        "`doctor --repair`",
        NOTHING,
        (STARTS, DAMAGE),
    ),
    Fault(
        "the model of the reader is missing or damaged",
        "answers without it, and a warning that says so",
        "install the project again",
        NOTHING,
        ("tests/contract/test_reader.py::test_a_broken_model_is_told_and_questions_are_answered_without",),
    ),
    Fault(
        "the file of the embedding model is damaged",
        NOTHING,
        "by itself: it is made anew",
        NOTHING,
        ("tests/contract/test_e5.py::test_a_damaged_file_is_replaced",),
    ),
    # --- clocks and settings
    Fault(
        "the clock jumps",
        NOTHING,
        "by itself; when the clock goes back, a key that had expired is accepted again",
        "if it jumps ahead by more than KEEP_DAYS or KEEP_ANSWERS: what then looks older than that",
        (
            f"{HERE}a_clock_that_jumps_deletes_what_is_old_by_it_and_nothing_else",
            f"{E2E}doctor.py::test_a_clock_behind_what_is_written_here_is_told",
        ),
    ),
    Fault(
        "the embedding model is another than the edition's",
        "a sentence that names both",
        "set it back, or ingest again",
        NOTHING,
        ("tests/contract/test_vectors.py::test_another_model_is_refused",),
    ),
    Fault(
        "two servers on one data folder",
        "the first goes on; the second says who has the folder",
        "give it a folder of its own",
        NOTHING,
        (f"{E2E}cli.py::test_two_servers_cannot_share_a_data_folder",),
    ),
    Fault(
        "the port is taken",
        "one line that says so",
        "another port",
        NOTHING,
        (f"{E2E}cli.py::test_a_taken_port_is_told",),
    ),
    # --- other servers
    Fault(
        "the model's server is down, slow, breaks off or sends nonsense",
        "the answer is made of quotes, with a notice",
        "by itself",
        NOTHING,
        (
            f"{E2E}lying.py::test_a_model_that_breaks_costs_no_answer",
            f"{E2E}lying.py::test_an_error_is_retried_as_often_as_set_and_not_shown",
        ),
    ),
    Fault(
        "the model's server fails now and then",
        "quotes; after some failures it is left alone for a while",
        "by itself",
        NOTHING,
        (f"{E2E}lying.py::test_a_model_that_keeps_failing_is_left_alone_and_works_again_later",),
    ),
    Fault(
        "the Chroma server is down",
        "nothing up to 60,000 vectors, which are searched in memory; beyond, 503 that says so",
        "by itself when it is back",
        NOTHING,
        (AWAY, f"{E2E}cluster.py::test_a_search_that_needs_a_chroma_server_which_is_away_says_so"),
    ),
    Fault(
        "PostgreSQL is down, also while the server starts or somebody publishes",
        "the same; `/readyz` says what it waits for",
        "by itself when it is back; a run that was broken off from outside is told as failed",
        NOTHING,
        (
            AWAY,
            f"{E2E}cluster.py::test_when_one_is_killed_the_other_goes_on_and_a_new_one_waits_for_its_engines",
            f"{E2E}postgres.py::test_a_restart_is_told_as_a_server_that_is_away_and_heals",
        ),
    ),
    Fault(
        "Redis is down or hangs",
        "nothing: each server counts by itself",
        "by itself when it is back",
        "counts of the rate limit",
        (
            AWAY,
            f"{E2E}limits.py::test_two_processes_share_the_limit_and_redis_may_go_and_come_back",
            f"{E2E}limits.py::test_a_redis_that_hangs_holds_nobody_up_and_is_told_of_once",
        ),
    ),
    Fault(
        "a web site breaks off or never ends while it is ingested",
        "the report names the address and why",
        "ingest again",
        NOTHING,
        (
            "tests/contract/test_web_client.py::test_a_broken_connection_is_tried_again",
            "tests/contract/test_web_client.py::test_a_slow_drip_ends_in_time",
        ),
    ),
)
