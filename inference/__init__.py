"""sayso.inference: runs the shipped model; never imports torch, transformers or sayso.training."""
