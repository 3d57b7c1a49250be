"""What a session writes down: frames of trials and events, with times since its start."""

from collections.abc import Callable, Sequence

import numpy as np

from controller.session.clock import Clock
from controller.store import SESSION_EVENTS, Frame, SessionEventFrame, Store, TrialFrame
from hardware.interface import Edge, Event, Pulsed
from learners.animal import TrialRequest
from protocols.assignment import Assignment
from protocols.trials import Response

NAN = float("nan")
NONE = -1


class SessionLog:
    """The store of one session; what is logged is durable when the call returns."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        lines: Sequence[str],
        volume_ul: Callable[[Pulsed], float | None],
    ) -> None:
        self._store, self._clock, self._volume_ul = store, clock, volume_ul
        self._codes = {line: number for number, line in enumerate(lines)}
        self._begin_ns = clock.passed_ns()
        self._held: list[Frame] = []
        self._dim = store.layout.stimulus_dim

    @property
    def trials(self) -> int:
        """Trials that are stored."""
        return self._store.rows["trials"]

    def trial(
        self,
        assignment: Assignment,
        request: TrialRequest,
        response: Response,
        events: Sequence[Event],
        overhead_us: float,
    ) -> None:
        """Store one trial with everything that happened since the one before."""
        flip = next((event.flip for event in events if event.flip is not None), None)
        report = next((event.trial for event in events if event.trial is not None), None)
        go_us = None if report is None else report.go_us
        pulsed = [one for event in events for one in event.pulsed]
        volumes = [self._volume_ul(one) for one in pulsed]
        blank = np.full(self._dim, NAN, np.float32)
        self._append(
            TrialFrame(
                t_ns=self.now_ns(),
                t_device_us=NONE if go_us is None else go_us,
                stage=assignment.stage,
                generation=assignment.generation,
                slot=assignment.slot,
                attempt=assignment.attempt,
                index=request.index,
                phase=int(request.planned.phase),
                stimulus=request.planned.stimulus,
                label=NAN if request.label is None else request.label,
                answer=NAN if response.answer is None else response.answer,
                outcome=int(response.outcome),
                line=self._codes.get(response.line or "", NONE),
                latency_us=NAN if response.latency_us is None else float(response.latency_us),
                licks=response.licks,
                volume_ul=float(sum(volume or 0.0 for volume in volumes)),
                missing_events=sum(event.missing_events for event in events),
                flip_ns=NONE if flip is None else flip.t_host_ns,
                photodiode_us=NONE
                if flip is None or flip.photodiode_us is None
                else flip.photodiode_us,
                dropped_frames=0 if flip is None else flip.dropped_frames,
                overhead_us=overhead_us,
                x=blank if request.stimulus is None else request.stimulus,
                **self._edges([edge for event in events for edge in event.edges]),
                **self._pulses(pulsed, volumes),
            )
        )

    def event(
        self,
        kind: str,
        *,
        value: float = NAN,
        text: str = "",
        pulsed: Sequence[Pulsed] = (),
        with_next: bool = False,
    ) -> None:
        """Store something that happened between trials; `with_next`: together with what comes."""
        frame = SessionEventFrame(
            kind=SESSION_EVENTS.index(kind),
            t_ns=self.now_ns(),
            trial=self.trials - 1,
            value=float(value),
            # half a letter, as a keyboard may send it, is no reason to end a session
            text=np.frombuffer(text.encode(errors="replace"), np.uint8),
            **self._pulses(pulsed, [self._volume_ul(one) for one in pulsed]),
        )
        if with_next:
            self._held.append(frame)
        else:
            self._append(frame)

    def _append(self, frame: Frame) -> None:
        frames, self._held = [*self._held, frame], []
        self._store.append(frames)

    def now_ns(self) -> int:
        """Return the time since the session's start."""
        return self._clock.passed_ns() - self._begin_ns

    def _edges(self, edges: Sequence[Edge]) -> dict[str, np.ndarray]:
        return {
            "edge_line": np.array([self._codes.get(one.line, NONE) for one in edges], "i1"),
            "edge_level": np.array([one.level for one in edges], "u1"),
            "edge_t_device_us": np.array([one.t_us for one in edges], "i8"),
        }

    def _pulses(
        self, pulsed: Sequence[Pulsed], volumes: Sequence[float | None]
    ) -> dict[str, np.ndarray]:
        return {
            "pulse_line": np.array([self._codes.get(one.line, NONE) for one in pulsed], "i1"),
            "pulse_id": np.array([one.id for one in pulsed], "i8"),
            "pulse_t_device_us": np.array([one.start_us for one in pulsed], "i8"),
            "pulse_width_us": np.array([one.width_us for one in pulsed], "i8"),
            "pulse_cut": np.array([one.cut for one in pulsed], "u1"),
            "pulse_volume_ul": np.array([NAN if v is None else v for v in volumes], "f8"),
        }
