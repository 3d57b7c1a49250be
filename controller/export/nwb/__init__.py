"""NWB: one HDF5 file for each session, one for the experiment's own tables."""
