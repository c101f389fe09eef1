"""Every number of docs/security.md is counted here from the tests that it stands for; a case more, and the page has to say so."""

import ast
import importlib
import inspect
import math
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = " ".join((ROOT / "docs" / "security.md").read_text(encoding="utf-8").split())


@pytest.fixture(scope="module", autouse=True)
def helpers():
    """tests/unit/export, tests/e2e and tests/app import what lies beside them."""
    before = list(sys.path)
    sys.path[:0] = [str(ROOT / "tests" / folder) for folder in ("unit/export", "e2e", "app")]
    yield
    sys.path[:] = before


def of(path: str):
    return importlib.import_module("tests." + path.replace("/", "."))


def cases(test) -> int:
    """How many cases a test has: the product of its parametrizations."""
    return math.prod(len(mark.args[1]) for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize")


def lambdas(test) -> int:
    return sum(isinstance(node, ast.Lambda) for node in ast.walk(ast.parse(inspect.getsource(test))))


def number(test, pattern: str) -> int:
    found = re.search(pattern, inspect.getsource(test))
    assert found, pattern
    return int(found[1])


def patterns() -> list[str]:
    p = of("unit/test_patterns")
    texts = len(p.UNITS) * len(p.ENDS)
    return [
        f"all {len(p.PATTERNS)} patterns",
        f"{len(p.READERS)} readers of texts",
        f"{len(p.UNITS)} kinds of nasty text in {len(p.ENDS)} surroundings and 2 lengths (400 and {p.LONG:,} characters)",
        f"{(len(p.PATTERNS) + len(p.READERS)) * texts * 2:,} inputs",
    ]


def files() -> list[str]:
    t = of("unit/data/test_hostile_files")
    every = sum(cases(value) for name, value in vars(t).items() if name.startswith("test_"))
    far, swollen = cases(t.test_a_sheet_that_names_far_places_is_refused), cases(t.test_a_part_without_texts_is_bounded)
    return [f"{far} sheets that name far places, {swollen} swollen parts, {every - far - swollen} other tests"]


def servers() -> list[str]:
    t = of("unit/models/test_hostile_servers")
    return [
        f"{cases(t.test_a_redirect_to_another_host_gets_nothing)} redirects, a flood, "
        f"{cases(t.test_a_packed_reply_is_bounded_unpacked)} packings, {cases(t.test_a_byte_at_a_time_ends)} drips"
    ]


def archives() -> list[str]:
    t = of("unit/data/test_hostile_archives")
    depths = next(mark.args[1] for mark in t.test_a_zip_in_a_zip_is_never_opened.pytestmark)
    deep = ", ".join(map(str, depths[:-1])) + f" and {depths[-1]} deep"
    return [f"{len(t.OVERLAPS)} zips whose parts share bytes to {len(t.READERS) + 1} readers, zips in zips {deep}"]


def manifests() -> list[str]:
    t = of("unit/export/test_hostile_manifests")
    kept = cases(t.test_any_value_where_a_manifest_is_kept)
    rows = {len(t.VALUES[1::step]) for step in (5, 18)}
    return [
        f"every place of a manifest by {len(t.VALUES[::8])} to {len(t.VALUES)} other values",
        f"{kept} values at the four places that are stored",
        f"{cases(t.test_a_list_of_files_that_is_not_true)} lists of files that are not true",
        f"places of six tables of a backup by {min(rows)} to {max(rows)} other values",
    ]


def models() -> list[str]:
    t = of("unit/models/test_broken_files")
    return [
        f"{len(t.BODIES)} bodies and {len(t.ABOUTS)} descriptions for teachers and for students",
        f"{cases(t.test_a_student_whose_head_fits_nothing)} heads that fit nothing",
        f"{cases(t.test_a_model_folder_of_transformers)} model folders",
        f"{len(t.GGUFS)} GGUF files",
    ]


def restored() -> list[str]:
    t = of("unit/workspace/test_restored_models")
    return [
        f"{len(t.FOLDERS)} ways to write a folder",
        f"{cases(t.test_a_restored_teacher_answers_under_no_other_teachers_name)} borrowed names",
    ]


def hosts() -> list[str]:
    t = of("e2e/test_foreign_hosts")
    return [
        f"{cases(t.test_a_foreign_name_gets_no_stream)} foreign names, {cases(t.test_a_foreign_page_gets_no_stream)} foreign pages, "
        f"{cases(t.test_plain_addresses_hold_no_text)} plain addresses, an upload"
    ]


def people() -> list[str]:
    t, order = of("unit/workspace/test_actors"), of("unit/jobs/test_order")
    return [
        f"tries {lambdas(t.test_nothing_is_recorded_under_another_persons_name)} verbs",
        f"{number(order, r'max_examples=([0-9]+)')} lines of up to {number(order, r'max_size=([0-9]+)')} jobs by 4 people",
    ]


def leaving() -> list[str]:
    cells, names, replies = (
        of("unit/export/test_cells_of_downloads"),
        of("unit/data/test_hostile_names"),
        of("unit/counterfactuals/test_hostile_replies"),
    )
    keys, hub = of("unit/workspace/test_keys_nowhere"), of("unit/export/test_hub_push")
    return [
        f"{len(cells.BAD)} beginnings through every table",
        f"{len(names.NAMES)} names, {len(names.COLUMNS)} columns",
        f"{len(replies.STEERING)} characters in {len(replies.SHAPES)} shapes of reply at 3 places",
        f"{len(replies.ORDERS)} orders in {len(replies.SHAPES)} shapes",
        f"{cases(keys.test_a_bug_that_quotes_a_key_leaves_no_trace_of_it)} kinds of error that quote it",
        f"{cases(hub.test_a_hub_that_refuses_is_said_plainly)} refusals, "
        f"{cases(hub.test_a_hub_that_leads_elsewhere_gets_no_further)} redirects to another host",
    ]


def outsider() -> list[str]:
    kinds, typed, seen = of("hostile"), of("app/test_hostile_fields"), of("e2e/test_hostile_fields")
    words, folders = of("unit/workspace/test_hostile_words"), of("unit/models/test_folders_with_code")
    actors, claims = of("unit/workspace/test_actors"), of("unit/workspace/test_claims")
    n = len(kinds.STRINGS)
    assert n == len(set(kinds.STRINGS)) == 200
    return [
        f"fetches ({len(kinds.RUNS)}), Markdown and Streamlit's own marks ({len(kinds.MARKDOWN)}), templates and queries "
        f"({len(kinds.TEMPLATES)}), paths, addresses, commands and formulas ({len(kinds.PLACES)}), letters and numbers that trip a reader "
        f"({len(kinds.LETTERS)})",
        f"{len(folders.WAYS)} ways to bring code, to {len(folders.LOADERS)} loaders",
        f"{n} strings, {len(typed.sites())} fields behind {len(typed.DOORS)} doors, more than {typed.TYPED} typed",
        f"{n} strings in {len(typed.PARAMETERS)} parameters",
        f"{n} stored, more than {seen.TYPED} typed behind {len(seen.DOORS)} doors",
        f"{n} strings at {words.PLACES} places on SQLite, {len(words.FEWER)} on PostgreSQL",
        f"{len(words.LONG):,} characters at {words.PLACES} places",
        f"{cases(claims.test_only_a_mail_address_that_is_verified_counts)} claims",
        f"{lambdas(actors.test_a_curator_does_nothing_that_only_owners_may) + 3} acts, "
        f"{cases(actors.test_a_job_is_refused_where_it_starts)} jobs, all in the library",
        f"{lambdas(of('unit/workspace/test_other_projects').reached)} verbs, on",
    ]


@pytest.mark.parametrize("count", [outsider, patterns, files, servers, archives, manifests, models, restored, hosts, people, leaving])
def test_the_page_says_how_many_inputs_there_are(count):
    """Prevents: numbers that were right on the day they were typed."""
    wanting = [words for words in count() if words not in PAGE]
    assert not wanting, f"docs/security.md does not say: {wanting}"


def test_every_test_that_the_page_names_exists():
    named = set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE))
    assert len({name for name, _ in named}) > 20 and len({test for _, test in named}) > 20
    texts = {name: (ROOT / name).read_text(encoding="utf-8") if (ROOT / name).is_file() else "" for name, _ in named}
    assert not [(name, test) for name, test in named if (f"def {test}(" if test else "def ") not in texts[name]]
