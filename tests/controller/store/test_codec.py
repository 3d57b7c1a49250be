"""Bytes of named arrays."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from controller.store import codec

DTYPES = st.sampled_from(["u1", "i1", "i2", "i4", "i8", "u4", "<f4", ">f4", "f8", "?", "c8"])
ARRAYS = st.dictionaries(
    st.text(max_size=8),
    DTYPES.flatmap(
        lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0))
    ),
    max_size=5,
)
NUMBERS = st.dictionaries(st.text(max_size=8), st.integers() | st.floats(), max_size=4)


@settings(max_examples=200, deadline=None)
@given(arrays=ARRAYS, numbers=NUMBERS)
def test_what_is_decoded_is_what_was_encoded_bit_by_bit(arrays, numbers):
    decoded, got = codec.decode(codec.encode(arrays, numbers))
    assert list(decoded) == list(arrays)
    for name, array in arrays.items():
        wanted = array.astype(array.dtype.newbyteorder("<"))
        assert decoded[name].dtype == wanted.dtype
        assert decoded[name].shape == wanted.shape
        assert decoded[name].tobytes() == wanted.tobytes()
    assert set(got) == set(numbers)
    for name, number in numbers.items():
        assert got[name] == number or (math.isnan(got[name]) and math.isnan(number))


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_one_flipped_bit_anywhere_is_noticed(data):
    payload = codec.encode({"a": np.arange(5.0), "b": np.arange(3, dtype="u1")}, {"k": 1})
    bit = data.draw(st.integers(0, 8 * len(payload) - 1))
    damaged = bytearray(payload)
    damaged[bit // 8] ^= 1 << bit % 8
    with pytest.raises(codec.DecodeError, match="checksum"):
        codec.decode(bytes(damaged))


@pytest.mark.parametrize("length", [0, 3, 11, 20])
def test_a_cut_payload_is_noticed(length):
    with pytest.raises(codec.DecodeError):
        codec.decode(codec.encode({"a": np.arange(5.0)})[:length])


def test_decoding_copies_nothing_and_gives_read_only_arrays():
    payload = codec.encode({"a": np.arange(1000.0)})
    array = codec.decode(payload)[0]["a"]
    assert np.shares_memory(array, np.frombuffer(payload, np.uint8))
    assert not array.flags.writeable


def test_columns_of_a_fortran_array_keep_their_places():
    array = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    assert codec.decode(codec.encode({"a": array}))[0]["a"].tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("array", [np.array(["a"]), np.array([object()])])
def test_only_numbers_are_stored(array):
    with pytest.raises(ValueError, match="expected an array of numbers"):
        codec.encode({"a": array})
