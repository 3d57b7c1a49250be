"""Paper figures and benchmarks: programs that use the packages below and are used by none."""

import controller  # noqa: F401  (before JAX, whose log level it sets)
