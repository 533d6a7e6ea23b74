"""sayso.models: windows, decoding, the artifact; `network` is the only torch file."""
