"""sayso.training: trains, evaluates and exports; needs the extra `train`."""
