"""What can go wrong before an experiment has begun.

BudgetError
├── SimulationError   a plausible learner gives no finite answers
├── UnreliableError   one evaluation says too little for a search to make sense
└── PlanError         a document that no animal can run, or that isn't simulated here
"""


class BudgetError(Exception):
    """No budget can be given."""


class SimulationError(BudgetError):
    """A simulated learner gave no finite answer, however often it was asked."""


class UnreliableError(BudgetError):
    """An evaluation says too little."""


class PlanError(BudgetError):
    """The document can't be planned."""
