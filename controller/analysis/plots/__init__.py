"""Figures of an analysis: functions that draw on Axes, and the figures that lay these out."""
