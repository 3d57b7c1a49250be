import pytest

from hardware.frames import dropped, next_frame, recognise, summarise
from hardware.photodiode import match

MS = 1_000_000


def to_host_ns(t_us):
    return t_us * 1000 + 7_000_000_000


def device_us(t_host_ns):
    return (t_host_ns - 7_000_000_000) // 1000


FLIPS = [8_000_000_000 + number * 100 * MS for number in range(20)]


def test_every_flip_gets_its_edge_with_its_lag():
    edges = [device_us(flip + 12 * MS) for flip in FLIPS]
    found = match(FLIPS, edges, to_host_ns)
    assert found.edges == tuple(range(20))
    assert (found.missing, found.spurious) == (0, ())
    assert found.lag_ms == pytest.approx(12)
    assert found.jitter_ms == pytest.approx(0)


def test_missing_and_spurious_edges_are_told():
    edges = sorted(
        [device_us(flip + 10 * MS) for flip in FLIPS if flip not in FLIPS[3:5]]
        + [device_us(FLIPS[7] + 80 * MS)]
    )
    found = match(FLIPS, edges, to_host_ns)
    assert [number for number, edge in enumerate(found.edges) if edge is None] == [3, 4]
    assert [edges[place] for place in found.spurious] == [device_us(FLIPS[7] + 80 * MS)]


def test_without_edges_nothing_matches():
    found = match(FLIPS, [], to_host_ns)
    assert (found.matched, found.lag_ms, found.jitter_ms) == (0, None, None)


def test_times_have_to_ascend():
    with pytest.raises(ValueError, match="sort them"):
        match(FLIPS[::-1], [], to_host_ns)


def test_a_screens_own_rhythm_is_recognised():
    assert recognise([1 / 60] * 24, 60.0).has_vblank
    assert not recognise([0.0001] * 24, 60.0).has_vblank
    with pytest.raises(ValueError, match="refresh_hz"):
        recognise([1 / 144] * 24, 60.0)


def test_missed_frames_are_counted():
    assert [dropped(interval, 0.01) for interval in (0.0098, 0.0149, 0.0151, 0.041)] == [0, 0, 1, 3]
    times = summarise([0, 10 * MS, 20 * MS, 50 * MS], 0.01)
    assert (times.frames, times.dropped) == (3, 2)
    assert times.worst_s == pytest.approx(0.03)
    assert next_frame(1.0, 1.034, 0.01) == pytest.approx(1.04)
