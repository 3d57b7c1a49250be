"""Feedback: one file each, all behind `protocols.feedbacks.base.AbstractFeedback`."""
