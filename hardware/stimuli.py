"""What PsychoPy draws: a window for a screen, a stimulus for a shape.

The only file that imports PsychoPy, which takes 3-10 s and needs a display: only the stimulus
process imports this one.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import psychopy.visual
from psychopy import monitors
from psychopy.visual.window import Window

from hardware.interface import DisplayError, Shape
from hardware.screen import Screen
from hardware.sound import SAMPLE_RATE_HZ, Binaural

visual: Any = psychopy.visual  # its types are guessed from defaults, and wrong
CIRCLE_EDGES = 128
RESOLUTION = 256  # texels along a grating's cycle and a Gabor's envelope


def open_window(screen: Screen) -> Window:
    """Open the window of a screen, empty.

    Raises:
        DisplayError: the screen hasn't the size that all degrees are computed from.
    """
    monitor = monitors.Monitor(
        "biasloop", width=screen.width_cm, distance=screen.distance_cm, autoLog=False
    )
    monitor.setSizePix(screen.size_px)
    window = Window(
        screen.size_px,
        pos=(0, 0),
        screen=screen.index,
        fullscr=screen.full_screen,
        monitor=monitor,
        units="deg",
        color=screen.background,
        allowGUI=False,
        checkTiming=False,  # takes seconds, and never ends without a vertical blank
        autoLog=False,
    )
    window.mouseVisible = False
    if tuple(int(size) for size in window.size) != tuple(screen.size_px):
        size = tuple(int(size) for size in window.size)
        window.close()
        raise DisplayError(
            f"screen {screen.index} gives a window of {size} px, expected {screen.size_px} px; set "
            "size_px, or the screen's mode, so that they agree"
        )
    return window


def make_patch(window: Window, screen: Screen, *, lit: bool) -> Any:
    """Make the square below the photodiode, white or black; None where there is none."""
    if screen.patch_box is None:
        return None
    left, top, width, height = screen.patch_box
    middle = left + width / 2 - screen.size_px[0] / 2, screen.size_px[1] / 2 - top - height / 2
    colour = (1, 1, 1) if lit else (-1, -1, -1)
    return visual.Rect(
        window, pos=middle, size=(width, height), units="pix", **_filled(), fillColor=colour
    )


def make_stimulus(window: Window, shape: Shape) -> Any:
    """Make what draws a shape; it has a method `draw`."""
    return _MAKERS[shape.kind](window, shape)


def make_sound(tone: Binaural) -> Any:
    """Make what plays a tone; it has a method `play`.

    Raises:
        DisplayError: PsychoPy finds no sound device.
    """
    try:
        from psychopy import sound  # takes another second, for those who use it

        return sound.Sound(tone.samples(), stereo=True, sampleRate=SAMPLE_RATE_HZ)
    except Exception as error:
        raise DisplayError(
            f"no sound can be played: {error}; connect a sound device and see that the system "
            "lists it, or use tones that the board makes"
        ) from error


def _filled() -> dict[str, Any]:
    return {"lineWidth": 0, "lineColor": None, "autoLog": False}


def _common(shape: Shape) -> dict[str, Any]:
    return {
        "pos": shape.position,
        "ori": shape.orientation_deg,
        "contrast": shape.contrast,
        "opacity": shape.opacity,
        "autoLog": False,
    }


def _grating(window: Window, shape: Shape) -> Any:
    return visual.GratingStim(
        window,
        tex="sin",
        mask="gauss" if shape.kind == "gabor" else None,
        size=shape.size,
        sf=shape.spatial_frequency,
        phase=shape.phase,
        color=shape.colour,
        texRes=RESOLUTION,
        interpolate=True,
        **_common(shape),
    )


def _polygon(window: Window, shape: Shape) -> Any:
    edges = CIRCLE_EDGES if shape.kind == "disc" else shape.sides
    return visual.Polygon(
        window,
        edges=edges,
        radius=0.5,
        size=shape.size,
        fillColor=shape.colour,
        **(_filled() | _common(shape)),
    )


def _image(window: Window, shape: Shape) -> Any:
    pixels = np.array(shape.pixels, np.float32)[::-1]  # PsychoPy's first row is the lowest
    return visual.ImageStim(
        window,
        image=pixels,
        size=shape.size,
        color=shape.colour,
        interpolate=False,
        **_common(shape),
    )


def _dots(window: Window, shape: Shape) -> Any:
    """Dots spread evenly over the rectangle, in places that follow from the seed."""
    places = np.random.default_rng(shape.seed).uniform(-0.5, 0.5, (shape.dots, 2))
    turned = (places * shape.size) @ _clockwise(shape.orientation_deg)
    return visual.ElementArrayStim(
        window,
        units="deg",
        nElements=shape.dots,
        fieldPos=shape.position,
        xys=turned,
        sizes=shape.dot_size_deg,
        colors=shape.colour,
        contrs=shape.contrast,
        opacities=shape.opacity,
        elementTex=None,
        elementMask="circle",
        autoLog=False,
    )


def _line(window: Window, shape: Shape) -> Any:
    """A bar as thick as a dot: OpenGL's own lines have other widths on every card."""
    along = np.array(shape.size) @ _clockwise(shape.orientation_deg)
    return visual.Rect(
        window,
        size=(math.hypot(*shape.size), shape.dot_size_deg),
        fillColor=shape.colour,
        **(
            _filled()
            | _common(shape)
            | {
                "pos": tuple(np.array(shape.position) + along / 2),
                "ori": -math.degrees(math.atan2(along[1], along[0])),
            }
        ),
    )


def _text(window: Window, shape: Shape) -> Any:
    """Text whose letters are as high as the shape, in lines no longer than its width."""
    return visual.TextStim(
        window,
        text=shape.text,
        height=shape.size[1],
        wrapWidth=shape.size[0],
        color=shape.colour,
        **_common(shape),
    )


def _clockwise(angle_deg: float) -> np.ndarray:
    """Return what turns rows of places clockwise, as PsychoPy turns shapes."""
    cos, sin = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    return np.array([[cos, -sin], [sin, cos]])


_MAKERS: dict[str, Callable[[Window, Shape], Any]] = {
    "grating": _grating,
    "gabor": _grating,
    "disc": _polygon,
    "polygon": _polygon,
    "image": _image,
    "dots": _dots,
    "line": _line,
    "text": _text,
}
