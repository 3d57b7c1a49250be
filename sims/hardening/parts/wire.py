"""Frames between host and board on a line that damages them."""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, final

from hardware.messages import (
    NOTICE_HEAD,
    NOTICES,
    REPLIES,
    REPLY,
    REPLY_HEAD,
    REQUESTS,
    Request,
    size,
)
from hardware.wire import Frame, WireError, decode, frame, unframe
from sims.hardening.part import AbstractPart, Conditions, Try

_CHANCE = 2.0**-16
"""Of a damage that a checksum of 16 bits doesn't notice."""
_UNLIKELY = 1e-6
BY_CHANCE = "passed by a chance of 2⁻¹⁶"


@final
@dataclass(frozen=True)
class Wire(AbstractPart):
    """What comes out of a damaged line is what was sent, or is refused."""

    kind: ClassVar[str] = "wire"
    a_try: ClassVar[str] = "a few frames to or from the board, damaged on the line"
    promise: ClassVar[str] = (
        "what comes is what was sent, or is refused with WireError; of damaged frames no more "
        "pass than the 2⁻¹⁶ that a checksum of 16 bits doesn't notice"
    )
    tries: ClassVar[int] = 200_000
    short: ClassVar[int] = 3_000
    unframe: Callable[[bytes], Frame] = unframe
    """The decoder under attack."""

    def run(self, conditions: Conditions) -> Iterator[Try]:
        """Damage frames."""
        lines = passed = 0
        for number in conditions.numbers():
            one = self._one(conditions.random("wire", number), number)
            lines += one.ended != "whole"
            passed += one.ended == BY_CHANCE
            yield one
        from scipy.stats import binom

        # at most a dozen pieces of a damaged line can be taken for a frame
        if binom.sf(passed - 1, 12 * lines + 1, _CHANCE) < _UNLIKELY:
            yield Try("failed", f"{passed} damaged frames of {lines} lines passed")

    def _one(self, chance: random.Random, number: int) -> Try:
        sent = [_message(chance) for _ in range(chance.randrange(1, 4))]
        line = b"".join(frame(*one) for one in sent)
        how = chance.choice(list(DAMAGES))
        came = DAMAGES[how](line, chance)
        try:
            found, refused = self._received(came)
        except Exception as error:  # noqa: BLE001  anything but a refusal is a failure
            return _failure(number, how, sent, came, f"{type(error).__name__}: {error}")
        for piece, one in found:
            if frame(*one)[1:-1] != piece:
                return _failure(number, how, sent, came, f"{piece.hex()} was taken for {one}")
        frames = [one for _, one in found]
        if how == "none" and (frames != sent or refused):
            return _failure(number, how, sent, came, f"of an undamaged line came {frames}")
        if any(one not in sent for one in frames):
            return Try(BY_CHANCE, number=number)
        return Try("whole" if frames == sent and not refused else "refused", number=number)

    def _received(self, line: bytes) -> tuple[list[tuple[bytes, Frame]], int]:
        """Return what of a line was taken for messages, with these, and how much was refused."""
        found, refused = [], 0
        for piece in filter(None, line.split(b"\0")):
            try:
                one = self.unframe(piece)
                _understand(one)
            except WireError:
                refused += 1
            else:
                found.append((piece, one))
        return found, refused


def _understand(one: Frame) -> None:
    """Refuse what has no meaning, as host and board do.

    A checksum is right as well with a zero behind it: then only the length tells.
    """
    if one.kind not in set(Request):
        decode(one)
    elif len(one.payload) != size(REQUESTS[Request(one.kind)]):
        raise WireError("a request of another length")


def _message(chance: random.Random) -> Frame:
    """Return a message as host or board send it."""
    which = chance.randrange(3)
    sequence = chance.randrange(256)
    if which == 0:
        request = chance.choice(list(REQUESTS))
        return Frame(request, sequence, _fields(REQUESTS[request], chance))
    if which == 1:
        request = chance.choice(list(REPLIES))
        rest = _fields(REPLIES[request], chance)
        head = b"\0" + _fields(REPLY_HEAD, chance)[1:]
        return Frame(request | REPLY, sequence, head + rest)
    notice = chance.choice(list(NOTICES))
    return Frame(notice, sequence, _fields({**NOTICE_HEAD, **NOTICES[notice]}, chance))


def _fields(layout: Mapping[str, str], chance: random.Random) -> bytes:
    # zeros are what stuffing is about, and only ASCII is text
    return bytes(chance.choice((0, chance.randrange(128))) for _ in range(size(layout)))


def _flip(line: bytes, chance: random.Random) -> bytes:
    changed = bytearray(line)
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        changed[chance.randrange(len(line))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _drop(line: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(line))
    return line[:place] + line[place + chance.choice((1, 1, 2, 9)) :]


def _double(line: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(line))
    return line[:place] + line[place : place + chance.randrange(1, 12)] + line[place:]


def _noise(line: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(line) + 1)
    return line[:place] + chance.randbytes(chance.randrange(1, 40)) + line[place:]


def _swap(line: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(line))
    return line[place:] + line[:place]


DAMAGES: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "none": lambda line, _: line,
    "flipped bits": _flip,
    "lost bytes": _drop,
    "doubled bytes": _double,
    "noise": _noise,
    "cut and joined": _swap,
    "only noise": lambda _, chance: chance.randbytes(chance.randrange(1, 200)),
}


def _failure(number: int, how: str, sent: list[Frame], came: bytes, what: str) -> Try:
    text = f"{how}: sent {[frame(*one).hex() for one in sent]}, on the line {came.hex()}: {what}"
    return Try("failed", text, number)
