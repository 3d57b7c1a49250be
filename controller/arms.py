"""The two searches of an experiment; the numbers are part of the stored format."""

from controller.store.schema import ARMS

LEARNER_ARM, CONTROL_ARM = (ARMS.index(name) for name in ("learner", "control"))
