"""Media and upload addresses, and the id of a session, in the hands of others: what they reach, as it is (docs/security.md).

Streamlit's own addresses ask nobody to sign in. These tests hold what keeps them apart, and name what does not: a change of either
shows here, in a new version too.
"""

import time
import uuid

import pytest
import requests

from cod_core.workspace import Workspace
from tests.e2e.studio import films
from tests.e2e.studio import project as made
from tests.e2e.test_team import app, free_port
from tests.e2e.wire import Tab

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
SECRET = "a-secret-of-the-cookie-for-this-test"
MARK = "Film number 1 is a fine affair."
PAIRS = "Only the pairs (.jsonl)"


def claims(name: str, days_ago: int = 0) -> dict:
    now = int(time.time()) - days_ago * 86_400
    return {"iss": "https://id.example", "sub": name, "email": f"{name}@team.example", "email_verified": True, "iat": now, "exp": now + 600}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return Workspace(tmp_path_factory.mktemp("others") / "home")


@pytest.fixture(scope="module")
def studio(home):
    """(address, project) of a studio where a team signs in, with one accepted pair."""
    folder, pid = home.settings.home.parent, made(home, films(3))
    home.project(pid).curation.decide("c001", "accepted", "ann@team.example")
    port = free_port()
    (folder / "secrets.toml").write_text(
        f'[auth]\nredirect_uri = "http://127.0.0.1:{port}/oauth2callback"\ncookie_secret = "{SECRET}"\nclient_id = "cod"\n'
        'client_secret = "x"\nserver_metadata_url = "https://id.example/.well-known/openid-configuration"\n'
    )
    people = {"COD_MEMBERS": "@team.example", "COD_OWNERS": "rob@team.example", "OMP_NUM_THREADS": "1"}
    with app(folder, port, "--secrets.files", str(folder / "secrets.toml"), **people) as url:
        yield url, pid


@pytest.fixture
def ann(studio):
    """Ann, signed in, on the page Export."""
    url, pid = studio
    tab = Tab(url, claims("ann"), SECRET).open("export", project=pid)
    tab.project = pid
    yield tab
    tab.close()


@pytest.fixture
def eve(studio):
    """A stranger at the gate."""
    tab = Tab(studio[0]).open("export", project=studio[1])
    yield tab
    tab.close()


def test_a_stranger_at_the_gate_is_told_nothing(ann, eve):
    """Prevents: the page is sent and only hidden; the tests below would pass on an app that lets everybody in, or nobody."""
    assert "Download the data set" in ann.said() and "Films" in ann.said()
    assert "This app belongs to a team" in eve.said() and "Download" not in eve.said() and "Films" not in eve.said()


def test_a_file_that_was_made_is_read_by_who_knows_its_whole_name_and_by_nobody_else(ann, eve):
    """Known, and so said: no sign-in is asked for. The name is a hash of the content, which cannot be guessed without it."""
    address = ann.made(ann.button(PAIRS))
    name = address.rsplit("/", 1)[-1].split(".")[0]
    assert MARK in requests.get(address, timeout=20).text
    assert len(name) == 32 and set(name) <= set("0123456789abcdef") and name not in eve.said()
    for other in (name[:-1], name[:8], "", "..%2f..%2fapp.py", name[:-1] + ("0" if name[-1] != "0" else "1")):
        assert MARK not in requests.get(f"{ann.url}/media/{other}", timeout=20).text, other
    for _ in range(4):  # it goes with the second page that is drawn afterwards, a moment after that page
        ann.open("export", project=ann.project)
    assert MARK not in requests.get(address, timeout=20).text


def test_a_button_makes_its_file_for_who_knows_its_id_which_nobody_else_is_told(ann, eve):
    """Known, and so said: Streamlit does not ask whose button it is. The id is random, of this page and this run."""
    button = ann.button(PAIRS)
    assert MARK in requests.get(eve.made(button), timeout=20).text
    assert len(button) == 32 and button not in eve.said()
    assert eve.made(button[:-1]).startswith("refused") and eve.made("").startswith("refused")
    assert ann.open("export", project=ann.project).button(PAIRS) != button


def test_a_button_of_who_was_taken_off_the_list_makes_no_file(studio, home):
    """Prevents: the open page of a removed person still hands out the set; the file is made long after the page was drawn."""
    cat = Tab(studio[0], claims("cat"), SECRET).open("export", project=studio[1])
    people, button = home.people, cat.button(PAIRS)
    people.set_role("rob@team.example", "owner", "rob@team.example")
    people.remove("cat@team.example")
    assert cat.made(button).startswith("refused")
    cat.close()


def test_the_running_app_switches_off_the_tables_own_csv(ann):
    """Prevents: a setting that stands in a file and does not reach the browser; its CSV is unguarded."""
    told = [m.new_session.config.disable_data_export for m in ann.messages if m.HasField("new_session")]
    assert told and all(told)


def test_a_sign_in_of_last_week_is_none_any_more(studio):
    """Prevents: whoever copied a cookie, from a backup of a laptop say, is in for Streamlit's 30 days."""
    tab = Tab(studio[0], claims("ann", days_ago=8), SECRET).open("export", project=studio[1])
    assert "You signed in more than 7 days ago" in tab.said() and "Download" not in tab.said()
    tab.close()


def test_an_upload_needs_an_open_session_and_streamlits_token_and_is_never_read_back(ann, eve):
    """Known, and so said: who has both can lay files into the memory of another's session, 50 MB each. Her page does not look there:
    it asks for the ids that its own uploads were given."""
    file_id, mark = str(uuid.uuid4()), b"text\nlaid by eve\n"
    assert eve.upload(str(uuid.uuid4()), file_id, mark).status_code == 400
    assert eve.upload(ann.id, file_id, mark, token="").status_code == 403
    assert eve.upload(ann.id, file_id, mark, token="2|0|0|0").status_code == 403
    assert eve.upload(ann.id, file_id, mark).status_code == 204
    for method in ("GET", "HEAD", "POST"):
        assert b"laid by eve" not in eve.upload(ann.id, file_id, method=method).content, "nobody reads an upload by its address"
    assert eve.upload(ann.id, file_id, b"0" * (51 * 2**20)).status_code == 413
    assert uuid.UUID(ann.id).version == 4 and ann.id not in eve.said(), "122 random bits that nobody else is told"


@pytest.mark.parametrize("who", ["a stranger", "another of the team"])
@pytest.mark.parametrize("left", [False, True])
def test_the_id_of_a_session_opens_it_for_its_own_person_only(studio, ann, who, left):
    """Prevents: a page that goes on with another's session is at her screen, as her, before the gate runs."""
    url, pid = studio
    hers = ann.id
    if left:
        ann.close()
        time.sleep(0.3)
    other = Tab(url, None if who == "a stranger" else claims("ben"), SECRET, session_id=hers).open("settings", project=pid)
    assert other.id and other.id != hers
    assert ("This app belongs to a team" if who == "a stranger" else "Signed in as ben@team.example") in other.said()
    other.close()
