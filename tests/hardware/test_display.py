"""A real window on a real X server; what it draws is compared with what numpy says."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from hardware.device import NativeDevice
from hardware.display import Display
from hardware.interface import DisplayError, Shape
from hardware.photodiode import match
from hardware.sound import Binaural

pytestmark = pytest.mark.needs("Xvfb")
GREY = 127.5


@pytest.fixture
def shown(display, framebuffer, screen):
    """Return the middle 600 × 600 pixels after a scene was shown, green channel, 0 to 255."""

    def show(*shapes):
        display.prepare(shapes)
        display.present()
        time.sleep(0.05)  # the server's own copy
        picture = framebuffer.picture().astype(float)
        display.clear()
        return picture[512 - 300 : 512 + 300, 640 - 300 : 640 + 300]

    return show


def lit(picture, above=200.0):
    """Return rows and columns, from the middle, of pixels that are bright."""
    rows, columns = np.nonzero(picture[:, :, 1] > above)
    return rows - 299.5, columns - 299.5


def test_a_disc_has_its_place_and_its_area(shown, screen):
    rows, columns = lit(shown(Shape("disc", position=(4.0, 3.0), size=(8.0, 8.0))))
    degree = screen.px_per_degree
    assert columns.mean() == pytest.approx(4 * degree, abs=1.5)
    assert -rows.mean() == pytest.approx(3 * degree, abs=1.5)
    assert len(rows) == pytest.approx(np.pi * (4 * degree) ** 2, rel=0.02)


def test_a_polygon_has_its_area(shown, screen):
    rows, _ = lit(shown(Shape("polygon", size=(10.0, 10.0), sides=4)))
    assert len(rows) == pytest.approx(2 * (5 * screen.px_per_degree) ** 2, rel=0.03)


@pytest.mark.parametrize("orientation_deg", [0.0, 30.0, 90.0])
def test_a_grating_has_its_frequency_and_orientation(shown, screen, orientation_deg):
    shape = Shape(
        "grating", size=(30.0, 30.0), spatial_frequency=0.5, orientation_deg=orientation_deg
    )
    patch = shown(shape)[300 - 128 : 300 + 128, 300 - 128 : 300 + 128, 1]
    power = np.abs(np.fft.fft2((patch - patch.mean()) * np.outer(np.hanning(256), np.hanning(256))))
    row, column = np.unravel_index(np.argmax(power), power.shape)
    wave = np.array([np.fft.fftfreq(256)[column], np.fft.fftfreq(256)[row]])
    assert np.hypot(*wave) * screen.px_per_degree == pytest.approx(0.5, rel=0.12)
    # with no orientation the bars stand upright, so that the wave runs sideways
    angle = np.degrees(np.arctan2(wave[1], wave[0])) % 180
    assert min(abs(angle - orientation_deg), 180 - abs(angle - orientation_deg)) < 7


def test_a_gabor_fades_to_the_background(shown):
    patch = shown(Shape("gabor", size=(20.0, 20.0), spatial_frequency=0.5))[:, :, 1]
    assert np.ptp(patch[280:320, 280:320]) > 150
    assert np.abs(patch[:40] - GREY).max() < 3


def test_an_image_has_its_pixels(shown):
    shape = Shape("image", size=(20.0, 20.0), pixels=((1.0, -1.0), (0.0, 0.5)))
    picture = shown(shape)[:, :, 1]
    quarter = 80  # pixels from the middle, inside each of the four fields
    found = [
        picture[300 + row * quarter, 300 + column * quarter] for row, column in
        ((-1, -1), (-1, 1), (1, -1), (1, 1))
    ]  # fmt: skip
    assert found == pytest.approx([255, 0, 127.5, 191.25], abs=3)


def test_a_line_goes_where_it_is_to(shown, screen):
    shape = Shape("line", position=(-5.0, 0.0), size=(10.0, 5.0), dot_size_deg=0.3)
    rows, columns = lit(shown(shape))
    degree = screen.px_per_degree
    assert columns.min() == pytest.approx(-5 * degree, abs=4)
    assert columns.max() == pytest.approx(5 * degree, abs=4)
    assert np.corrcoef(columns, -rows)[0, 1] > 0.99
    assert np.polyfit(columns, -rows, 1)[0] == pytest.approx(0.5, abs=0.05)


def test_dots_are_the_same_for_a_seed_and_others_for_another(shown):
    one, again, other = (
        shown(Shape("dots", size=(20.0, 20.0), dots=40, seed=seed)) for seed in (1, 1, 2)
    )
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert lit(one)[0].size > 40


def test_text_stands_in_its_place(shown, screen):
    rows, columns = lit(shown(Shape("text", position=(0.0, 5.0), size=(10.0, 2.0), text="LICK")))
    assert rows.size > 50
    assert -rows.mean() == pytest.approx(5 * screen.px_per_degree, abs=12)
    assert abs(columns.mean()) < 12


def test_colour_contrast_and_order_of_shapes(shown):
    red = Shape("disc", size=(10.0, 10.0), colour=(1.0, -1.0, -1.0))
    blue = Shape("disc", size=(4.0, 4.0), colour=(-1.0, -1.0, 1.0))
    picture = shown(red, blue)
    assert picture[300, 300] == pytest.approx([0, 0, 255], abs=2)
    assert picture[300, 300 + 60] == pytest.approx([255, 0, 0], abs=2)


def test_the_patch_is_white_while_a_scene_is_shown(display, framebuffer, screen):
    display.prepare((Shape("disc"),))
    assert not framebuffer.is_lit(screen.patch_box)
    display.present()
    time.sleep(0.05)
    assert framebuffer.is_lit(screen.patch_box)
    display.clear()
    time.sleep(0.05)
    assert not framebuffer.is_lit(screen.patch_box)


def test_a_flip_is_stamped_between_the_order_and_its_answer(display):
    display.prepare((Shape("disc"),))
    before = time.monotonic_ns()
    flip = display.present()
    assert before < flip.t_host_ns < time.monotonic_ns()
    assert display.clear().t_host_ns > flip.t_host_ns


def test_frames_are_counted(display):
    measured = display.measure_frames(30)
    assert measured.frames >= 29
    assert measured.median_s == pytest.approx(1 / 60, rel=0.2)


def test_a_shape_that_can_not_be_drawn_is_refused_and_the_display_goes_on(display):
    with pytest.raises(ValueError, match="sides"):
        display.prepare((Shape("polygon", sides=2),))
    display.prepare((Shape("disc"),))
    assert display.present().t_host_ns > 0
    display.clear()


def test_without_a_sound_device_a_tone_says_so_and_the_display_goes_on(display):
    if any(Path("/dev/snd").glob("pcm*p")):
        pytest.skip("this computer has a sound device")
    with pytest.raises(DisplayError, match="sound"):
        display.play(Binaural(phase_deg=90))
    display.prepare((Shape("disc"),))
    assert display.present().t_host_ns > 0
    display.clear()


def test_a_binaural_tone_differs_between_the_ears_by_its_phase_alone():
    left, right = Binaural(frequency_hz=500.0, phase_deg=90.0, duration_s=0.2).samples().T
    quarter = 48_000 // 500 // 4  # the right ear is ahead
    middle = slice(2000, 6000)
    assert right[middle] == pytest.approx(left[2000 + quarter : 6000 + quarter], abs=1e-4)
    assert abs(left[0]) < 1e-6
    assert np.abs(left).max() == pytest.approx(0.1, rel=0.01)


def edges_until(device, level, within_s=10.0):
    """Return the photodiode's edges until it has seen light, or dark."""
    edges, until = [], time.monotonic() + within_s
    while time.monotonic() < until and not any(edge.level is level for edge in edges):
        device.ping()
        edges += device.take_events().edges
    return edges


@pytest.mark.needs("avr-gcc", "avr-g++", "gcc", "make", "simavr")
def test_every_flip_is_seen_by_a_photodiode_on_the_board(display, board, framebuffer_photodiode):
    flips_ns, edges = [], []
    with (
        NativeDevice(board.port) as device,
        framebuffer_photodiode(lambda is_lit, _: board.set("photodiode", is_lit)),
    ):
        for number in range(60):
            display.prepare((Shape("disc", size=(number % 10 + 1.0,) * 2),))
            flips_ns.append(display.present().t_host_ns)
            edges += edges_until(device, level=True)
            display.clear()
            edges += edges_until(device, level=False)
        # one up and one down for each flip, in this order; when is only known of an idle computer,
        # since a busy one lets the emulated board run late
        assert [edge.level for edge in edges] == [True, False] * 60
        seen = [edge.t_us for edge in edges if edge.level]
        found = match(flips_ns, seen, device.clock.host_ns, from_ms=-2000, until_ms=2000)
    assert (found.matched, found.missing, found.spurious) == (60, 0, ())


def test_without_a_screen_it_says_what_to_do(screen, monkeypatch):
    monkeypatch.delenv("DISPLAY")
    with pytest.raises(DisplayError, match="DISPLAY isn't set"), Display(screen):
        pass


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_stimulus_process_that_dies_or_freezes_is_an_error_and_gone(framebuffer, screen, how):
    with Display(screen, timeout_s=2.0) as display:
        pid = display.pid
        display.prepare((Shape("disc"),))
        os.kill(pid, how)
        with pytest.raises(DisplayError):
            display.present()
        assert gone(pid)


PARENT = """
import sys, time
from hardware.display import Display
from hardware.screen import Screen
if __name__ == "__main__":
    with Display(Screen(size_px=(1280, 1024), width_cm=40.0, distance_cm=30.0)) as display:
        print(display.pid, flush=True)
        time.sleep(60)
"""


def test_the_window_goes_with_the_session_that_opened_it(framebuffer, tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}  # noqa: PTH109
    with subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=environment
    ) as parent:
        pid = int(parent.stdout.readline())
        parent.kill()
    assert gone(pid)


def gone(pid, within_s=10.0):
    """Whether a process has ended, a child that nobody waited for included."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        try:
            with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123
                if stat.read().rsplit(")", 1)[1].split()[0] == "Z":
                    return True
        except FileNotFoundError:
            return True
        time.sleep(0.05)
    return False
