"""Reading a store back: what the learner finds easy, and how that is known.

from controller import analysis

tree = analysis.open("runs/colours")  # an xarray.DataTree
"""

from controller.analysis.opening import open_store as open  # noqa: A004  as xarray's are named

__all__ = ["open"]
