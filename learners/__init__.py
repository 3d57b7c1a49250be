"""Learners: one file each, all behind `learners.base.AbstractLearner`."""
