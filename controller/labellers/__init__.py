"""Labellers: families of functions f_θ from stimuli to valences, one file each."""
