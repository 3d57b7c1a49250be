import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware import messages, wire
from hardware.firmware import header
from hardware.messages import REQUESTS, Notice, Request, Status
from hardware.wire import WireError, decode, encode, stuff, unframe, unstuff

GOLDEN = {
    (Request.PING, 7): ({"echo": 0}, "0003030701010103d13400"),
    (Request.PULSE, 3): (
        {"id": 1, "line": 2, "width_us": 50000},
        "00040803010101040250c30103755300",
    ),
}


def test_the_checksum_is_the_published_one():
    assert wire.crc16(b"123456789") == 0x6F91


def test_the_firmwares_table_is_the_hosts():
    assert header.PATH.read_text(encoding="utf-8") == header.header()


@given(st.binary(max_size=253))
def test_stuffed_bytes_have_no_zero_and_come_back(data):
    assert 0 not in stuff(data)
    assert unstuff(stuff(data)) == data


@given(st.sampled_from(list(REQUESTS)), st.integers(0, 255), st.data())
def test_every_request_comes_back_from_its_frame(request, sequence, data):
    tops = {"u8": 255, "u16": 65535, "u32": 2**32 - 1, "u64": 2**64 - 1}
    values = {
        name: data.draw(st.integers(0, tops[kind])) for name, kind in REQUESTS[request].items()
    }
    sent = encode(request, sequence, **values)
    assert (sent[0], sent[-1]) == (0, 0)
    assert 0 not in sent[1:-1]
    came = unframe(sent[1:-1])
    assert (came.kind, came.sequence) == (request, sequence)
    assert len(came.payload) == messages.size(REQUESTS[request])


@given(st.binary(max_size=120))
def test_noise_is_refused_or_a_frame_and_never_anything_else(data):
    try:
        frame = unframe(data)
    except WireError:
        return
    assert wire.frame(*frame) == b"\0" + data + b"\0"


@given(st.integers(0, 95), st.integers(1, 255))
def test_no_single_damaged_byte_gets_through(place, change):
    sent = bytearray(encode(Request.PULSE, 9, id=77, line=4, width_us=123456)[1:-1])
    sent[place % len(sent)] ^= change
    with pytest.raises(WireError):
        unframe(bytes(sent))


def test_missing_and_oversized_fields_are_named():
    with pytest.raises(WireError, match="has the fields"):
        encode(Request.PULSE, 0, id=1, line=2)
    with pytest.raises(WireError, match="PULSE"):
        encode(Request.PULSE, 0, id=1, line=256, width_us=1)


def test_a_refusal_is_a_reply_without_fields():
    payload = bytes([Status.NOT_ARMED]) + (0).to_bytes(4, "little") + (5).to_bytes(4, "little")
    reply = decode(wire.Frame(Request.HEARTBEAT | 0x80, 1, payload))
    assert isinstance(reply, wire.Reply)
    assert (reply.status, reply.t_us, dict(reply.fields)) == (Status.NOT_ARMED, 5, {})


def test_a_message_of_another_length_is_refused():
    with pytest.raises(WireError, match="type 0x40"):
        decode(wire.Frame(Notice.EDGE, 0, b"123"))


@pytest.mark.parametrize(("request_", "sequence"), GOLDEN)
def test_frames_are_what_they_always_were(request_, sequence):
    values, golden = GOLDEN[request_, sequence]
    assert encode(request_, sequence, **values).hex() == golden
