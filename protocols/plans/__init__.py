"""Trial plans: one file each, all behind `protocols.plans.base.AbstractPlan`."""
