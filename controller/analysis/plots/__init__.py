"""Figures of an analysis: each quantity has a function that draws on Axes, and one that lays them out."""
