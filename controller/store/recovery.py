"""From the journal to the zarr store: taking up a fold where it stopped, or making it anew."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from controller.store import codec
from controller.store.columns import DamagedChunkError
from controller.store.errors import StoreCorrupt
from controller.store.files import PARTIAL, remove_tree
from controller.store.fold import ZARR_NAME, Fold, read_marker
from controller.store.frames import Frame, decode_frame
from controller.store.journal import Journal, Record


def decode_record(record: Record) -> Frame:
    """The frame of a journal record.

    Raises:
        StoreCorrupt: it is damaged; the message names its number.
    """
    seq, kind, payload = record
    try:
        return decode_frame(kind, payload)
    except (codec.DecodeError, ValueError) as error:
        raise StoreCorrupt(
            f"frame {seq} of the journal is damaged: {error}. The frames before it are good; "
            "restore journal.sqlite from a copy"
        ) from error


def root_attributes(meta: Mapping[str, Any]) -> dict[str, Any]:
    """What the zarr root says besides its rows.

    Args:
        meta: the journal's.
    """
    names = ("exit_status", "header", "layout")
    return {"origin": meta["layout"]["origin"], **{name: meta[name] for name in names}}


def resume_fold(folder: Path, journal: Journal) -> Fold:
    """The fold of a store, caught up with its journal and published.

    Raises:
        StoreCorrupt: the published marker or a frame is unreadable.
    """
    marker = read_marker(folder)
    check_not_behind(folder, journal, marker)
    fold = Fold(folder / ZARR_NAME, journal.layout, root_attributes(journal.meta))
    if marker["seq"] > journal.last_seq or journal.power_was_cut:
        return rebuild_fold(folder, journal)
    try:
        fold.resume(marker)
    except DamagedChunkError:
        return rebuild_fold(folder, journal)
    catch_up(fold, journal)
    return fold


def rebuild_fold(folder: Path, journal: Journal) -> Fold:
    """Replace the zarr store by one made from the journal alone."""
    root, beside = folder / ZARR_NAME, folder / f"{ZARR_NAME}{PARTIAL}"
    remove_tree(beside)
    fold = Fold(beside, journal.layout, root_attributes(journal.meta))
    fold.start()
    catch_up(fold, journal)
    fold.publish_arrays()
    remove_tree(root)
    beside.rename(root)
    fold = Fold(root, journal.layout, root_attributes(journal.meta))
    fold.resume(read_marker(folder))
    return fold


def catch_up(fold: Fold, journal: Journal) -> None:
    """Push and publish the frames that a fold hasn't seen."""
    for record in journal.records(fold.seq):
        fold.push(record[0], decode_record(record))
    fold.publish()


def check_not_behind(folder: Path, journal: Journal, marker: Mapping[str, Any]) -> None:
    """Refuse a journal that lacks what its tables have: they would be replaced by fewer trials.

    A power cut may take the last frames of a store that isn't live; its run derives them again.

    Raises:
        StoreCorrupt: the journal was damaged, or an older copy of it was put in its place.
    """
    lacking = marker["seq"] - journal.last_seq
    if lacking > 0 and not journal.power_was_cut:
        raise StoreCorrupt(
            f"the journal of {folder} lacks {lacking} frame(s) that its tables have: it was "
            f"damaged, or an older copy was put in its place. The tables are left as they are: "
            f"restore journal.sqlite from a copy, or move {ZARR_NAME} away and run `biasloop "
            f"repair {folder}` to keep what the journal has"
        )


def needs_recovery(journal: Journal, marker: Mapping[str, Any]) -> bool:
    """Does the published store differ from the journal?"""
    return marker["seq"] != journal.last_seq or journal.power_was_cut
