"""Limits of a simulated subject, which can't come to harm."""

from controller.session.subjects import SubjectDocument

NEVER_TOO_MUCH = 1e9


def unlimited(name: str) -> SubjectDocument:
    """Return limits that nothing reaches."""
    return SubjectDocument(
        name=name,
        baseline_weight_g=25.0,
        min_weight_fraction=0.8,
        water_max_ul=NEVER_TOO_MUCH,
        water_min_ul=0.0,
        puffs_max=int(NEVER_TOO_MUCH),
        minutes_max=NEVER_TOO_MUCH,
    )
