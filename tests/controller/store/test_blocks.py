"""Frames: what they add, and what they refuse."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_samples import LAYOUT, TERMS, block

from controller.store import CANDIDATE_STATUS, EventFrame, Layout, StageFrame
from controller.store.blocks import GenerationBlock
from controller.store.codec import DecodeError
from controller.store.frames import FRAME_KINDS, decode_frame, encode_frame, register

ROWS = {"trials": 7, "events": 0, "candidates": 11, "generations": 5, "stages": 0, "stimuli": 13}


def brute_force(frame: GenerationBlock, layout: Layout) -> dict[str, dict[str, list]]:
    """The tables of a block, one Python value at a time."""
    tables: dict[str, list[dict]] = {t: [] for t in ("trials", "candidates", "generations")}
    stimuli: list[np.ndarray] = []
    generations, slots, n = frame.labels.shape
    shared = frame.stimuli.shape[1] == 1
    for g in range(generations):
        base = frame.first_stimulus + len(stimuli)
        for s in range(frame.stimuli.shape[1]):
            stimuli.extend(frame.stimuli[g, s])
        for slot in range(slots):
            candidate = {
                "arm": frame.arm,
                "stage": frame.stage,
                "generation": frame.first_generation + g,
                "slot": slot // frame.learners,
                "learner": slot % frame.learners,
                "status": frame.status[g, slot],
                "attempts": frame.attempts[g, slot],
                **{name: getattr(frame, name)[g, slot] for name in TERMS},
                "first_trial": ROWS["trials"] + len(tables["trials"]),
                "trials": n,
            }
            if frame.theta is not None:
                candidate["theta"] = frame.theta[g, slot]
            for i in range(n):
                test = i >= frame.n_train
                tables["trials"].append(
                    {
                        "candidate": frame.first_candidate + len(tables["candidates"]),
                        "stimulus": base + (i if shared else slot * n + i),
                        "phase": int(test),
                        "label": frame.labels[g, slot, i],
                        "answer": frame.answers[g, slot, i - frame.n_train] if test else np.nan,
                    }
                )
            tables["candidates"].append(candidate)
        row = {
            "arm": frame.arm,
            "stage": frame.stage,
            "generation": frame.first_generation + g,
            "t_ns": frame.t_ns[g],
            "fitness_mean": np.float32(np.mean(frame.fitness[g], dtype="f8")),
            "fitness_min": frame.fitness[g].min(),
            "error_mean": np.float32(np.mean(frame.error[g], dtype="f8")),
            "trials": slots * n,
        }
        if frame.recommended is not None:
            row["recommended"] = frame.recommended[g]
        tables["generations"].append(row)
    columns = {
        table: {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}
        for table, rows in tables.items()
    }
    return {**columns, "stimuli": {"x": stimuli}}


@settings(max_examples=60, deadline=None)
@given(
    generations=st.integers(1, 4),
    slots=st.integers(1, 4),
    n=st.integers(0, 6),
    n_train=st.integers(0, 6),
    shared=st.booleans(),
    theta_log=st.sampled_from(["all", "recommended", "none"]),
    seed=st.integers(0, 99),
)
def test_a_block_expands_to_what_a_loop_over_trials_gives(  # noqa: PLR0917  hypothesis names them
    generations, slots, n, n_train, shared, theta_log, seed
):
    n_train = min(n, n_train)
    layout = Layout(stimulus_dim=2, theta_dim=3, theta_log=theta_log)
    frame = block(
        seed,
        ROWS,
        generations=generations,
        slots=slots,
        n=n,
        n_train=n_train,
        shared=shared,
        layout=layout,
    )
    frame.check(layout, ROWS)
    frame = decode_frame(*encode_frame(frame))
    assert isinstance(frame, GenerationBlock)
    got, wanted = frame.expand(layout, ROWS), brute_force(frame, layout)
    assert {t: len(next(iter(c.values()))) for t, c in got.items()} == frame.count()
    for table, columns in wanted.items():
        for name, values in columns.items():
            expected = np.reshape(values, got[table][name].shape)
            np.testing.assert_array_equal(got[table][name], expected, f"{table}.{name}")
        if columns:
            assert set(got[table]) == set(columns)


def test_means_leave_out_what_is_missing():
    fitness = np.array([[1, np.nan, 3], [np.nan] * 3], "f4")
    frame = block(0, ROWS, fitness=fitness)
    table = frame.expand(LAYOUT, ROWS)["generations"]
    np.testing.assert_array_equal(table["fitness_mean"], np.array([2, np.nan], "f4"))
    np.testing.assert_array_equal(table["fitness_min"], np.array([1, np.nan], "f4"))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"answers": np.zeros((2, 3, 5))}, r"answers: expected f4\[G=2, L=3, n_test=6\], got the"),
        ({"labels": np.zeros((2, 3))}, "expected labels"),
        ({"stimuli": np.zeros((2, 2, 10, 3))}, r"stimuli: expected .*S=1"),
        ({"stimuli": np.zeros((2, 1, 10, 4))}, r"stimuli: expected .*d=3"),
        ({"theta": np.zeros((2, 3, 4))}, r"theta: expected .*theta=5"),
        ({"theta": None}, "theta: expected an array, because the store's theta_log is 'all'"),
        ({"recommended": None}, "recommended: expected an array"),
        ({"error": np.zeros((3, 2))}, "error: expected"),
        ({"t_ns": np.zeros(3, int)}, "t_ns: expected"),
        ({"first_candidate": 12}, "first_candidate: expected 11"),
        ({"first_stimulus": 0}, "first_stimulus: expected 13"),
        ({"n_train": 11}, "n_train: expected 0 to n=10"),
        ({"n_train": -1}, "n_train: expected 0 to n=10"),
        ({"arm": 2}, r"arm: expected 0 to 1 \(learner, control\), got 2"),
        ({"status": np.full((2, 3), len(CANDIDATE_STATUS))}, "status: expected 0 to 6"),
    ],
)
def test_a_block_that_does_not_fit_names_the_field_and_what_was_expected(changed, message):
    with pytest.raises(ValueError, match=message):
        block(0, ROWS, **changed).check(LAYOUT, ROWS)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"status": np.zeros((2, 3))}, "status: expected uint8, got float64"),
        ({"attempts": np.full((2, 3), 256)}, "attempts: some values do not fit in uint8"),
        ({"labels": np.full((2, 3, 10), "a")}, "labels: expected float32"),
        ({"error": np.full((2, 3), 1j)}, "error: expected float32, got complex128"),
    ],
)
def test_a_block_of_other_types_is_not_made(changed, message):
    with pytest.raises(ValueError, match=message):
        block(0, ROWS, **changed)


def test_a_stage_and_an_event_refuse_unknown_codes_and_shapes():
    with pytest.raises(ValueError, match=r"recommended: expected f4\[theta=5\]"):
        StageFrame(0, 0, 1, np.zeros(4), 0, 0, 0).check(LAYOUT, ROWS)
    with pytest.raises(ValueError, match="kind: expected 0 to 7"):
        EventFrame(8, 0).check(LAYOUT, ROWS)
    with pytest.raises(ValueError, match=r"EventFrame\.arm"):
        EventFrame(0, 0, arm=5).check(LAYOUT, ROWS)


def test_a_kind_has_one_class():
    with pytest.raises(ValueError, match="'event' is taken by EventFrame"):
        register("event")(StageFrame)
    assert FRAME_KINDS["event"] is EventFrame


def test_an_unknown_kind_and_an_unregistered_class_are_named():
    with pytest.raises(DecodeError, match="unknown kind 'x'"):
        decode_frame("x", b"")

    class Unregistered(EventFrame):
        pass

    with pytest.raises(ValueError, match=r"registered class .*got Unreg"):
        encode_frame(Unregistered(0, 0))
