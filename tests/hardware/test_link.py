"""What the port can do: be missing, be taken, be another program's, speak another version."""

import os
import threading
import tty
from contextlib import contextmanager

import pytest

from hardware import wire
from hardware.device import NativeDevice
from hardware.interface import Disconnected, RigError, WrongDevice
from hardware.link import Link
from hardware.messages import REPLIES, REPLY_HEAD, Request, Status, layout_format

BOARD = pytest.mark.needs("avr-gcc", "avr-g++", "gcc", "make", "simavr")


@contextmanager
def peer(answer):
    """A port whose other end is answer(bytes) -> bytes."""
    host, end = os.openpty()
    tty.setraw(end)

    def serve():
        while True:
            try:
                os.write(host, answer(os.read(host, 256)))
            except OSError:
                return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield os.ttyname(end), host
    finally:
        os.close(end)
        thread.join(2)
        os.close(host)


def hello(interface, status=Status.OK):
    """Return a device's answer to HELLO."""
    import struct

    layout = {**REPLY_HEAD, **REPLIES[Request.HELLO]}
    values = dict.fromkeys(layout, 0) | {"status": status, "interface": interface, "version": 1}
    payload = struct.pack(layout_format(layout), *values.values())

    def answer(data):
        for part in data.split(b"\0"):
            if part:
                frame = wire.unframe(part)
                return wire.frame(frame.kind | 0x80, frame.sequence, payload)
        return b"\0"

    return answer


def test_a_port_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(Disconnected, match=r"no port /dev/ttyNONE; ports that there are"):
        NativeDevice("/dev/ttyNONE").open()


@BOARD
def test_a_second_program_is_refused_and_the_first_goes_on(board):
    with NativeDevice(board.port) as first:
        with pytest.raises(RigError, match=r"in use by .*close that program"):
            NativeDevice(board.port).open()
        assert first.ping() > 0


def test_another_program_on_the_board_is_no_device():
    with peer(lambda _: b"Hello from another sketch\r\n") as (port, _):
        link = Link(port)
        link.open()
        with pytest.raises(WrongDevice, match="no answer to HELLO among them"):
            link.hello(1, patience_s=0.5)
        link.close()


def test_a_silent_port_is_disconnected():
    with peer(lambda _: b"") as (port, _):
        link = Link(port)
        link.open()
        with pytest.raises(Disconnected, match="no answer to HELLO"):
            link.hello(1, patience_s=0.3)
        link.close()


def test_firmware_of_other_messages_is_refused_with_the_remedy():
    with (
        peer(hello(0x12345678)) as (port, _),
        pytest.raises(WrongDevice, match=r"12345678.*flash the firmware that came"),
    ):
        NativeDevice(port).open()


def test_a_port_that_dies_is_disconnected_and_says_how_to_go_on():
    with peer(hello(0)) as (port, _):
        link = Link(port, timeout_s=0.02, tries=3)
        link.open()
        link.hello(5)
    with pytest.raises(Disconnected, match="reconnect"):
        link.request(Request.PING, echo=0)
    link.close()


@BOARD
def test_a_port_can_be_opened_again(board):
    for _ in range(3):
        with NativeDevice(board.port) as device:
            assert device.ping() > 0
            assert device.make_safe().verified


@BOARD
def test_noise_before_and_between_does_no_harm(board):
    with NativeDevice(board.port) as device:
        for noise in (b"\x00\x00\x00", os.urandom(50), b"\x05\x01"):
            device.link._serial.write(noise)
            assert device.ping() > 0
