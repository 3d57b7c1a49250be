"""What may be started once is started once, whoever asks for it again."""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from controller.claims import Claim, ClaimError, beating, claim

CLAIMS_AND_DIES = """
import sys
from pathlib import Path
from controller.claims import claim
claim(Path(sys.argv[1]), "run")
"""


def claimed_by_the_dead(folder):
    subprocess.run([sys.executable, "-c", CLAIMS_AND_DIES, str(folder)], check=True)


def rewritten(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **changes}), "utf-8")


def test_a_second_start_is_refused_with_who_when_and_where_to_look(tmp_path):
    claim(tmp_path, "session-1")
    with pytest.raises(ClaimError) as refused:
        claim(tmp_path, "session-1", look=tmp_path / "sessions")
    said = str(refused.value)
    assert said.startswith(f"session-1 was claimed by process {os.getpid()} on ")
    assert said.endswith(f"it may have run: look at {tmp_path / 'sessions'}")


def test_other_names_are_other_claims_also_where_one_begins_like_another(tmp_path):
    claim(tmp_path, "run")
    assert claim(tmp_path, "run.2").number == 1
    assert claim(tmp_path, "run-2").number == 1


@pytest.mark.parametrize("take_over", [False, True])
def test_of_many_that_ask_at_once_one_has_it(tmp_path, take_over):
    if take_over:
        claimed_by_the_dead(tmp_path)

    def ask(_):
        try:
            return claim(tmp_path, "run", take_over=take_over)
        except ClaimError:
            return None

    with ThreadPoolExecutor(16) as pool:
        won = [one for one in pool.map(ask, range(64)) if one is not None]
    assert len(won) == 1
    assert won[0].number == 1 + take_over


def test_a_dead_process_is_inherited_from_where_that_is_allowed_and_never_else(tmp_path):
    claimed_by_the_dead(tmp_path)
    with pytest.raises(ClaimError, match="may have run"):
        claim(tmp_path, "run")
    first = Claim(tmp_path / "claims" / "run.1")
    assert first.holds()
    second = claim(tmp_path, "run", take_over=True)
    assert second.number == 2
    assert not first.holds()


def test_a_living_process_is_never_inherited_from(tmp_path):
    claim(tmp_path, "run")
    with pytest.raises(ClaimError):
        claim(tmp_path, "run", take_over=True, lease_s=0)


@pytest.mark.parametrize("change", [{"boot": "another"}, {"began": "1"}])
def test_a_number_that_another_process_has_now_is_no_sign_of_life(tmp_path, change):
    if change == {"began": "1"} and not sys.platform.startswith("linux"):
        pytest.skip("the system doesn't tell when a process began")
    rewritten(claim(tmp_path, "run").path, **change)
    assert claim(tmp_path, "run", take_over=True).number == 2


def test_a_process_of_another_computer_is_inherited_from_once_it_was_silent(tmp_path):
    elsewhere = claim(tmp_path, "run")
    rewritten(elsewhere.path, host="another.computer")
    with pytest.raises(ClaimError, match=r"another\.computer"):
        claim(tmp_path, "run", take_over=True)
    before = time.time() - 1000
    os.utime(elsewhere.path, (before, before))
    assert not elsewhere.holds()
    elsewhere.beat()
    assert elsewhere.holds()
    os.utime(elsewhere.path, (before, before))
    assert claim(tmp_path, "run", take_over=True).number == 2


def test_a_claim_whose_maker_was_killed_while_it_wrote_counts(tmp_path):
    path = claim(tmp_path, "run").path
    path.write_text("", "utf-8")
    with pytest.raises(ClaimError, match="killed meanwhile"):
        claim(tmp_path, "run", take_over=True)
    os.utime(path, (1, 1))
    with pytest.raises(ClaimError, match="killed meanwhile"):
        claim(tmp_path, "run")
    assert claim(tmp_path, "run", take_over=True).number == 2


def test_what_was_released_can_be_claimed_again_and_no_older_claim_comes_back(tmp_path):
    claimed_by_the_dead(tmp_path)
    first, second = Claim(tmp_path / "claims" / "run.1"), claim(tmp_path, "run", take_over=True)
    second.release()
    assert not first.holds()
    assert not second.holds()
    assert claim(tmp_path, "run").number == 1


def test_signs_of_life_come_while_the_block_lasts(tmp_path):
    held = claim(tmp_path, "run")
    os.utime(held.path, (1, 1))
    deadline = time.monotonic() + 60
    with beating(held, every_s=0.01):
        while not held.holds() and time.monotonic() < deadline:
            time.sleep(0.01)
    assert held.holds()


def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match="expected letters"):
        claim(tmp_path, "../run")
