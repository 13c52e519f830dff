"""The file of faults: what it may say, and what is said about one that is wrong."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx  # noqa: TID251 - the tests are a client of their own
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bexio_sandbox import Fault, FaultError
from bexio_sandbox.faults.file import FaultsFileError, as_toml, parse, read
from bexio_sandbox.faults.kinds import KINDS
from bexio_sandbox.faults.people import ACTIONS

BEXSYNC = Path(sys.executable).with_name("bexsync")
GUIDE = Path(__file__).parents[2] / "docs" / "rehearsing.md"

NEEDED = {"clock_jump": {"seconds": -90}, "lagging_search": {"requests": 3}, "person": {"action": "pay"}}
GIVEN = [
    *(Fault(name, **NEEDED.get(name, {})) for name in KINDS),
    *(Fault("person", action=action) for action in ACTIONS),
    Fault("drop_after", "POST", "/2.0/kb_invoice/{id}/send", nth=2, repeat=0),
    Fault("error_after", status=503),
    Fault("late_commit", seconds=0.5),
    Fault("too_many", headers="nonsense", seconds=0),
    Fault("truncated", content_length="none"),
    Fault("drip", bytes_per_second=3),
    Fault("lagging_search", seconds=1.5),
    Fault("person", action="pay_part", target="bexsync:main:invoice:ü", amount="12.50", when="after"),
    Fault("person", action="merge_contacts", target=3, keep=2),
]


def test_every_fault_survives_the_file():
    assert parse(as_toml(GIVEN)) == GIVEN


@given(
    st.sampled_from(["drop_before", "drop_after", "html_502"]),
    st.sampled_from(["*", "GET", "POST", "DELETE"]),
    st.text().map(lambda text: f"/{text}").filter(lambda text: text.isprintable()),
    st.integers(1, 10**6),
    st.integers(0, 10**6),
)
def test_any_place_survives_the_file(name, method, path, nth, repeat):
    fault = Fault(name, method, path, nth=nth, repeat=repeat)
    assert parse(as_toml([fault])) == [fault]


def test_an_empty_file_plans_nothing():
    assert parse("") == parse("# nothing yet\n") == []


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ('name = "drop_afer"', 'fault 2, key "name": there is no fault \'drop_afer\'; did you mean "drop_after"?'),
        ('name = "zzz"', 'there is no fault \'zzz\'; write "drop_before", "drop_after", .* or "person".'),
        ("name = 3", "there is no fault 3; write"),
        ('name = ["drip"]', "there is no fault"),
        ('nmae = "drip"', 'fault 2, key "name": it is missing; rename "nmae".'),
        ("", 'fault 2, key "name": it is missing; write "drop_before"'),
        ('name = "drip"\nmetod = "GET"', 'key "metod": drip has no such key; did you mean "method"?'),
        ('name = "drip"\nself = 1', 'key "self": drip has no such key; write "name", .* or "bytes_per_second".'),
        ('name = "drip"\nmethod = "post"', 'key "method": \'post\' does not fit; write "*", "GET"'),
        ('name = "drip"\npath = "contact"', "key \"path\": 'contact' does not fit; write a path from its beginning"),
        ('name = "drip"\npath = 7', 'key "path": 7 does not fit; write a text'),
        ('name = "drip"\nnth = 0', 'key "nth": 0 does not fit; write a whole number from 1 up.'),
        ('name = "drip"\nnth = true', 'key "nth": True does not fit'),
        ('name = "drip"\nrepeat = -1', 'key "repeat": -1 does not fit; write a whole number from 0 up.'),
        ('name = "drip"\nbytes_per_second = 0.5', 'key "bytes_per_second": 0.5 does not fit'),
        ('name = "error_after"\nstatus = 404', 'key "status": 404 does not fit; write 500, 502, 503 or 504.'),
        ('name = "too_many"\nheaders = "usabel"', 'key "headers": \'usabel\' does not fit; did you mean "usable"?'),
        ('name = "late_commit"\nseconds = -1', 'key "seconds": -1 does not fit; write a number from 0 up to'),
        ('name = "clock_jump"', 'key "seconds": it is missing, and clock_jump needs it.'),
        ('name = "clock_jump"\nseconds = nan', 'key "seconds": nan does not fit'),
        ('name = "clock_jump"\nseconds = "1"', "key \"seconds\": '1' does not fit; write a number."),
        ('name = "lagging_search"', 'say how far the search lags: either "seconds" or "requests".'),
        ('name = "lagging_search"\nseconds = 1\nrequests = 1', 'either "seconds" or "requests".'),
        ('name = "person"', 'key "action": it is missing, and person needs it.'),
        ('name = "person"\naction = "cancle"', 'key "action": \'cancle\' does not fit; did you mean "cancel"?'),
        (
            'name = "person"\naction = "cancel"\namount = "1"',
            'key "amount": the action "cancel" has no use for it, only "pay_part" or "credit"; take it out.',
        ),
        ('name = "person"\naction = "credit"\namount = 1.5', 'key "amount": 1.5 does not fit; write an amount as text'),
        ('name = "person"\naction = "credit"\namount = "NaN"', "key \"amount\": 'NaN' does not fit"),
        ('name = "person"\naction = "pay"\ntarget = 0', 'key "target": 0 does not fit; write a whole number'),
        ('name = "person"\naction = "pay"\ntarget = ""', "key \"target\": '' does not fit; write a text"),
    ],
)
def test_a_wrong_table_is_one_sentence(table, says):
    with pytest.raises(FaultsFileError) as caught:
        parse(f'[[fault]]\nname = "drip"\n\n[[fault]]\n{table}\n', "f.toml")
    said = str(caught.value)
    assert said.startswith("f.toml, fault 2, key ")
    assert all(part in said for part in says.split(" .* ")), said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('[[fault]\nname = "drip"', "f.toml is no TOML: .* line 1.*; correct that line."),
        ('[fault]\nname = "drip"', "f.toml: a fault begins with \\[\\[fault\\]\\]"),
        ("fault = 3", "f.toml: a fault begins with"),
        ('[[falt]]\nname = "drip"', 'f.toml, key "falt": it stands outside of the faults'),
    ],
)
def test_a_wrong_file_is_one_sentence(content, says):
    with pytest.raises(FaultsFileError, match=says):
        parse(content, "f.toml")


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(FaultsFileError, match=r"gone\.toml cannot be read: No such file or directory\."):
        read(tmp_path / "gone.toml")
    (tmp_path / "latin.toml").write_bytes(b'# \xe4\n[[fault]]\nname = "drip"\n')
    with pytest.raises(FaultsFileError, match=r"latin\.toml is no text in UTF-8"):
        read(tmp_path / "latin.toml")


def test_the_python_side_knows_the_key_that_is_wrong():
    with pytest.raises(FaultError) as caught:
        Fault("error_after", stauts=503)
    assert caught.value.key == "stauts"
    assert "did you mean" in str(caught.value)


class TestCommandLine:
    def test_a_wrong_file_is_exit_2(self, tmp_path):
        file = tmp_path / "f.toml"
        file.write_text('[[fault]]\nname = "drop_afer"\n')
        command = [BEXSYNC, "sandbox", "serve", "--port", "0", "--faults", file]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert (ran.returncode, ran.stdout) == (2, "")
        assert ran.stderr == (
            f'sandbox serve: {file}, fault 1, key "name": there is no fault \'drop_afer\'; did you mean "drop_after"?\n'
        )

    def test_faults_strike_and_are_told(self, tmp_path):
        file = tmp_path / "f.toml"
        file.write_text(as_toml([Fault("drop_before"), Fault("person", nth=2, action="pay")]))
        command = [BEXSYNC, "sandbox", "serve", "--port", "0", "--faults", file]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout
            try:
                url = server.stdout.readline().split()[-1]
                with pytest.raises(httpx.ReadError):
                    httpx.get(f"{url}/2.0/unit")
                assert httpx.get(f"{url}/2.0/unit").status_code == 401
            finally:
                server.send_signal(signal.SIGTERM)
            said = server.stdout.read()
        assert "the faults      2 planned" in said
        assert "fault drop_before at request 1, GET /2.0/unit\n" in said
        assert "fault person at request 2, GET /2.0/unit could not: nothing is meant by 'newest invoice'\n" in said
        assert server.returncode == 0


class TestGuide:
    def test_it_names_every_fault_and_every_key(self):
        text = GUIDE.read_text()
        names = [*KINDS, *ACTIONS, *(key for kind in KINDS.values() for key in kind.parameters)]
        assert [name for name in names if f"`{name}`" not in text] == []

    def test_its_examples_can_be_used(self):
        blocks = re.findall(r"```toml\n(.*?)```", GUIDE.read_text(), re.DOTALL)
        examples = [block for block in blocks if "[[fault]]" in block]
        assert examples
        for example in examples:
            assert parse(example)
