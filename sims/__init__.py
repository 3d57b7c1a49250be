"""Paper figures and benchmarks: programs that use the packages below and are used by none."""
