"""sayso.data: the record, sentence segmentation, corpus readers. Bottom layer: no torch, no other layer of sayso."""
