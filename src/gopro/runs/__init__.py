"""A run from settings to results, and many of them: series, ablations, reruns, sweeps."""
