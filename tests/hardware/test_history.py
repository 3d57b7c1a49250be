"""What came out of the device is known, whatever its notices met: nothing undercounts."""

from itertools import chain

import pytest

from hardware.device import NativeDevice
from hardware.interface import Disconnected, Limits
from hardware.messages import NO_LINE, REQUESTS, Go, Notice, Outcome, Request
from hardware.pulse_book import Fate

pytestmark = pytest.mark.needs("avr-gcc", "avr-g++", "gcc", "make", "simavr")
LEASE_MS = 1000
EMPTY = dict.fromkeys(REQUESTS[Request.TRIAL], 0) | {
    name: NO_LINE
    for name in REQUESTS[Request.TRIAL]
    if name.endswith("line") or name.startswith(("line_", "outcome_line_"))
}
WITHOUT_ANSWER = {"line_0": "lick_left", "window_us": 20_000, "else_line": "puff", "else_us": 8000}


def program(device, **values):
    values = {"go": Go.NOW} | WITHOUT_ANSWER | values
    return EMPTY | {
        name: device.index(value) if isinstance(value, str) else value
        for name, value in values.items()
    }


def lose(device, monkeypatch, *kinds):
    """Let notices of these kinds get lost, as on a damaged line."""
    notice = device.link.notice

    def sifted(timeout_s=0.0):
        while (arrival := notice(timeout_s)) is not None and arrival.notification.notice in kinds:
            pass
        return arrival

    monkeypatch.setattr(device.link, "notice", sifted)


def happened(board, device, for_us):
    """Keep the lease for so long; return all that happened."""
    until, all_of_it = board.cycle() + for_us * 16, []
    while board.cycle() < until:
        device.heartbeat()
        all_of_it.append(device.take_events())
        board.wait_us(5000)
    pulsed = tuple(chain.from_iterable(one.pulsed for one in all_of_it))
    return pulsed, tuple(chain.from_iterable(one.reports for one in all_of_it))


def assert_known(pulsed, real):
    """Every time an output was on is known, once, with its width."""
    assert len({one.id for one in pulsed}) == len(pulsed)
    pulsed = sorted(pulsed, key=lambda one: one.start_us)
    assert [one.line for one in pulsed] == [on.line for on in real]
    for one, on in zip(pulsed, real, strict=True):
        assert abs(one.width_us - on.width_us) < 100


LOST = [(Notice.PULSED,), (Notice.PULSED, Notice.TRIAL_DONE)]


@pytest.mark.parametrize("kinds", LOST)
@pytest.mark.parametrize("go_us", [5000, 60_000])
def test_both_outputs_of_a_trial_are_known_when_their_ends_are_lost(
    board, device, monkeypatch, kinds, go_us
):
    board.wait_us(520_000)  # the puff's gap
    before = len(board.on())
    lose(device, monkeypatch, *kinds)
    device.arm(LEASE_MS)
    device.run_trial(program(device, go=Go.PULSE, go_line="odour_1", go_width_us=go_us))
    pulsed, (report,) = happened(board, device, 600_000)
    assert_known(pulsed, board.on()[before:])
    assert report.pulsed in pulsed
    assert not any(one.cut for one in pulsed)


def test_a_line_that_is_go_and_outcome_is_known_twice(board, device, monkeypatch):
    before = len(board.on())
    lose(device, monkeypatch, Notice.PULSED)
    device.arm(LEASE_MS)
    values = {"go_line": "led", "go_width_us": 6000, "else_line": "led", "else_us": 9000}
    device.run_trial(program(device, go=Go.PULSE, **values))
    pulsed, _ = happened(board, device, 500_000)
    assert_known(pulsed, board.on()[before:])


def test_a_pulse_is_known_when_the_next_one_on_its_line_comes_before_its_end_is_missed(
    board, device, monkeypatch
):
    before = len(board.on())
    lose(device, monkeypatch, Notice.PULSED)
    device.arm(LEASE_MS)
    for width_us in (4000, 7000, 2000):
        device.pulse("sync", width_us)
        board.wait_us(15_000)
    pulsed, _ = happened(board, device, 500_000)
    assert_known(pulsed, board.on()[before:])


def test_an_outcome_that_was_cut_is_looked_up_as_cut(board, device, monkeypatch):
    board.wait_us(520_000)
    before = len(board.on())
    lose(device, monkeypatch, Notice.PULSED)
    device.arm(LEASE_MS)
    device.run_trial(program(device, window_us=1000, else_us=400_000))
    board.wait_us(50_000)
    device.cancel_trial()
    pulsed, (report,) = happened(board, device, 500_000)
    assert_known(pulsed, board.on()[before:])
    assert report.outcome == Outcome.CANCELLED
    assert report.pulsed.cut


def test_a_tone_that_still_sounds_is_not_looked_up_as_over(board, device, monkeypatch):
    before = len(board.on("sync"))
    lose(device, monkeypatch, Notice.PULSED)
    device.tone("tone", 1000)
    device.arm(LEASE_MS)
    device.pulse("sync", 1000)
    tone = device.pulse("tone", 700_000)
    pulsed, _ = happened(board, device, 600_000)
    assert len(board.on("sync")) == before + 1
    assert [one.line for one in pulsed] == ["sync"]
    pulsed, _ = happened(board, device, 600_000)
    device.tone("tone", 0)
    assert [(one.id, one.cut) for one in pulsed] == [(tone, False)]
    assert abs(pulsed[0].width_us - 700_000) < 100


def test_what_is_cut_by_making_safe_is_known_even_if_its_notice_is_lost(board, device, monkeypatch):
    before = len(board.on())
    lose(device, monkeypatch, Notice.PULSED)
    device.arm(LEASE_MS)
    device.pulse("valve_left", 500_000)
    board.wait_us(30_000)
    assert device.make_safe().verified
    pulsed = device.take_events().pulsed
    assert_known(pulsed, board.on()[before:])
    assert pulsed[0].cut


def test_a_pulse_that_ends_while_the_port_is_lost_is_known_after_the_reconnection(board, device):
    before = len(board.on())
    device.arm(200)
    device.pulse("valve_left", 100_000)
    device.link.close(hang_up=False)
    board.wait_us(150_000)
    known = device.reconnect()
    assert (known.restarted, known.pulse, known.unaccounted) == (False, None, {})
    assert_known(device.take_events().pulsed, board.on()[before:])
    device.clear()


def test_a_pulse_in_doubt_is_known_by_its_width_after_the_reconnection(board, device):
    before = len(board.on())
    device.arm(LEASE_MS)
    device.link.tries, device.link.timeout_s = 1, 1e-6
    with pytest.raises(Disconnected):
        device.pulse("valve_left", 20_000)
    device.link.tries, device.link.timeout_s = 20, 0.05
    board.wait_us(5000)
    known = device.reconnect()
    assert known.pulse[1] == Fate.HAPPENED
    pulsed = device.take_events().pulsed
    assert_known(pulsed, board.on()[before:])
    assert [one.id for one in pulsed] == [known.pulse[0].id]


def test_after_a_restart_pulses_are_known_although_their_numbers_come_again(board):
    board.reset()
    board.wait_us(60_000)
    with NativeDevice(board.port) as device:
        ids = []
        for restarts in range(2):
            if restarts:
                board.reset()
                board.wait_us(60_000)
                assert device.reconnect().restarted
            device.set_limits("sync", Limits(20_000, 0, 10**8))
            device.arm(LEASE_MS)
            device.pulse("sync", 3000)
            pulsed, _ = happened(board, device, 50_000)
            ids.append([one.id for one in pulsed])
        assert ids == [[1], [1]]


def test_what_a_restart_ends_is_said_to_be_unknown(board):
    with NativeDevice(board.port) as device:
        device.set_limits("sync", Limits(900_000, 0, 10**9))
        device.arm(LEASE_MS)
        pulse = device.pulse("sync", 900_000)
        board.wait_us(20_000)
        board.reset()
        board.wait_us(60_000)
        known = device.reconnect()
        assert known.restarted
        assert [(one.id, one.line) for one in known.unfinished] == [(pulse, "sync")]
        assert device.take_events().missing >= 0
