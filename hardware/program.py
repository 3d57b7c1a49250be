"""A trial in a driver's words to the numbers that the device runs."""

from collections.abc import Callable

from hardware.interface import GoEdge, Pulse, RigError, Trial
from hardware.messages import NO_LINE, REQUESTS, RESPONSES, Go, Request

GRACE_US = 500_000  # what a device may take longer than the trial's own times


def trial_values(
    trial: Trial, index: Callable[[str], int], width_us: Callable[[Pulse], int]
) -> dict[str, int]:
    """Return the fields of a TRIAL request; the id is the device's to give.

    Args:
        trial: what is to happen.
        index: a line's number on the device, by its name.
        width_us: how long a pulse's output has to be on.

    Raises:
        RigError: for more responses than a device can wait for.
        CalibrationError: for a volume that can't be trusted.
    """
    if len(trial.responses) > RESPONSES:
        raise RigError(
            f"expected at most {RESPONSES} lines that count as a response, got "
            f"{', '.join(trial.responses)}; split the trial or leave lines out"
        )

    def action(pulse: Pulse | None) -> tuple[int, int, int]:
        if pulse is None:
            return NO_LINE, 0, 0
        return index(pulse.line), width_us(pulse), pulse.delay_us

    values = dict.fromkeys(REQUESTS[Request.TRIAL], 0)
    values |= {"delay_us": trial.delay_us, "window_us": trial.window_us} | _go(trial, action, index)
    slots = [(index(line), *action(pulse)) for line, pulse in trial.responses.items()]
    slots += [(NO_LINE, NO_LINE, 0, 0)] * (RESPONSES - len(slots))
    for number, slot in enumerate(slots):
        names = ("line", "outcome_line", "outcome_us", "outcome_delay_us")
        values |= {f"{name}_{number}": value for name, value in zip(names, slot, strict=True)}
    names = ("else_line", "else_us", "else_delay_us")
    return values | dict(zip(names, action(trial.otherwise), strict=True))


def longest_us(values: dict[str, int]) -> int:
    """Return how long a trial can take at most, from its loading to its report."""
    outcomes = [(values["else_us"], values["else_delay_us"])]
    outcomes += [
        (values[f"outcome_us_{number}"], values[f"outcome_delay_us_{number}"])
        for number in range(RESPONSES)
    ]
    waits = values["go_timeout_us"] + values["delay_us"] + values["window_us"]
    return waits + max(width + delay for width, delay in outcomes) + GRACE_US


def _go(
    trial: Trial,
    action: Callable[[Pulse | None], tuple[int, int, int]],
    index: Callable[[str], int],
) -> dict[str, int]:
    if trial.go is None:
        return {"go": Go.NOW, "go_line": NO_LINE}
    if isinstance(trial.go, Pulse):
        line, width, _ = action(trial.go)
        return {"go": Go.PULSE, "go_line": line, "go_width_us": width}
    edge: GoEdge = trial.go
    go = Go.RISING if edge.rising else Go.FALLING
    return {"go": go, "go_line": index(edge.line), "go_timeout_us": edge.timeout_us}
