"""Who the stores are."""

from collections.abc import Mapping

from controller.analysis.sections.base import Cell, Numbers
from controller.analysis.side_by_side.base import Quantity


def _stores(numbers: Numbers) -> Mapping[str, Cell]:
    return {
        "experiment": numbers["name"],
        "subjects": ", ".join(numbers["subjects"]) or None,
        "answers are from": numbers["origin"],
        "began": (numbers["began"] or "")[:10] or None,
        "ended": numbers["exit_status"],
        "sessions": len(numbers["sessions"]),
    }


STORES = Quantity("stores", "stores", "origin", _stores)
