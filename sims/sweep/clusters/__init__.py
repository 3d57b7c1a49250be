"""Where a sweep's workers come from: one file each, behind `sims.sweep.clusters.base`."""
