"""Rows of sessions, one dictionary a trial, labelled by a slow search, to check numbers by."""

import math

from controller.store import SESSION_PHASES


def stored_rows(source):
    """Return every trial of a source's sessions in its order."""
    rows = []
    for place, session in enumerate(source.sessions):
        trials = session.tables["trials"]
        names = ("stage", "generation", "slot", "attempt", "stimulus", "label", "answer")
        columns = {name: trials[name].tolist() for name in (*names, "latency_us")}
        phases = [SESSION_PHASES[code] for code in trials["phase"]]
        for row in range(trials.rows):
            one = {name: values[row] for name, values in columns.items()}
            rows.append({**one, "phase": phases[row], "session": place, "subject": session.subject})
    for row in rows:
        if row["phase"] in {"test", "anchor"}:
            row["label"] = _label(source, rows, row)
        row["right"] = _right(row)
        row["episode"] = tuple(row[key] for key in ("stage", "generation", "slot", "attempt"))
    return rows


def _label(source, rows, wanted):
    """Return the label of a test trial or an anchor; NaN where it isn't known."""
    place = ("stage", "generation", "slot")
    if wanted["phase"] == "anchor":
        for row in rows:
            same = all(row[key] == wanted[key] for key in (*place, "stimulus"))
            if row["phase"] == "training" and same:
                return row["label"]
        return math.nan
    candidates, trials = source.tables["candidates"], source.tables["trials"]
    for row in range(candidates.rows):
        same = all(candidates[key][row] == wanted[key] for key in place)
        if same and candidates["arm"][row] == 0:
            first, count = candidates["first_trial"][row], candidates["trials"][row]
            asked = [at for at in range(first, first + count) if trials["phase"][at] == 1]
            return float(trials["label"][asked[wanted["stimulus"]]])
    return math.nan


def _right(row):
    if math.isnan(row["label"] * row["answer"]) or row["label"] == 0:
        return None
    product = row["label"] * row["answer"]
    return 0.5 if product == 0 else float(product > 0)
