"""What a shape must be before it can be drawn; nothing is sent to the screen that isn't."""

import math
from collections.abc import Iterator

from hardware.interface import Scene, Shape

MAX_DOTS = 20_000
MAX_PIXELS = 2048  # rows or columns of an image: what every graphics card takes


def check_scene(scene: Scene) -> None:
    """Check all shapes of a scene.

    Raises:
        ValueError: says which shape, which field, what was expected and what came.
    """
    for number, shape in enumerate(scene, 1):
        if problem := next(_problems(shape), None):
            raise ValueError(f"shape {number} ({shape.kind}): {problem}")


def _problems(shape: Shape) -> Iterator[str]:
    numbers = (*shape.position, *shape.size, shape.orientation_deg, shape.phase)
    if not all(map(math.isfinite, numbers)):
        yield f"position, size, orientation_deg and phase must be finite, got {numbers}"
    if not all(-1 <= part <= 1 for part in shape.colour):
        yield f"colour: expected red, green and blue from -1 to 1, got {shape.colour}"
    if not -1 <= shape.contrast <= 1:
        yield f"contrast: expected -1 to 1, got {shape.contrast}"
    if not 0 <= shape.opacity <= 1:
        yield f"opacity: expected 0 to 1, got {shape.opacity}"
    if shape.kind == "line":
        if shape.size == (0.0, 0.0):
            yield "size: expected where the line goes to from its position, got (0, 0)"
    elif min(shape.size) <= 0:
        yield f"size: expected more than 0 degrees, got {shape.size}"
    yield from _problems_of_kind(shape)


def _problems_of_kind(shape: Shape) -> Iterator[str]:
    if shape.kind in {"grating", "gabor"} and not 0 <= shape.spatial_frequency < math.inf:
        yield f"spatial_frequency: expected cycles a degree, from 0, got {shape.spatial_frequency}"
    if shape.kind == "polygon" and shape.sides < 3:
        yield f"sides: expected at least 3, got {shape.sides}"
    if shape.kind == "dots" and not (1 <= shape.dots <= MAX_DOTS and shape.seed >= 0):
        yield f"dots: expected 1 to {MAX_DOTS} and a seed from 0, got {shape.dots}, {shape.seed}"
    if shape.kind in {"dots", "line"} and not 0 < shape.dot_size_deg < math.inf:
        yield f"dot_size_deg: expected more than 0, got {shape.dot_size_deg}"
    if shape.kind == "text" and not shape.text.strip():
        yield "text: expected something to read, got nothing"
    if shape.kind == "image":
        yield from _problems_of_pixels(shape)


def _problems_of_pixels(shape: Shape) -> Iterator[str]:
    rows, widths = len(shape.pixels), {len(row) for row in shape.pixels}
    if not (1 <= rows <= MAX_PIXELS and len(widths) == 1 and 1 <= max(widths) <= MAX_PIXELS):
        yield (
            f"pixels: expected 1 to {MAX_PIXELS} rows of one width up to {MAX_PIXELS}, got {rows} "
            f"rows, widths {sorted(widths)[:4]}"
        )
    elif not all(-1 <= value <= 1 for row in shape.pixels for value in row):
        yield "pixels: expected grey values from -1 to 1"
