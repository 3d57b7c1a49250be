"""The samples that the torture has too, and what it means that two stores are the same."""

import xarray as xr

from sims.hardening.store_samples import (
    LAYOUT,
    TERMS,
    block,
    check_agreement,
    check_session,
    fill,
    frame,
    frame_of,
    new,
    published,
    pulses,
    session_event,
    session_frame,
    trial,
    words,
)

__all__ = [
    "LAYOUT",
    "TERMS",
    "assert_same",
    "block",
    "check_agreement",
    "check_session",
    "fill",
    "frame",
    "frame_of",
    "new",
    "published",
    "pulses",
    "session_event",
    "session_frame",
    "trial",
    "words",
]


def assert_same(a: xr.DataTree, b: xr.DataTree) -> None:
    """Equal bit by bit: names, types, dimensions, values (NaN included), attributes."""
    assert set(a.children) == set(b.children)
    for table in a.children:
        left, right = a[table].to_dataset(), b[table].to_dataset()
        assert set(left.variables) == set(right.variables)
        for name in left.variables:
            one, two = left[name].variable, right[name].variable
            assert (one.dims, one.dtype, one.attrs) == (two.dims, two.dtype, two.attrs)
            assert one.values.tobytes() == two.values.tobytes(), f"{table}/{name}"
