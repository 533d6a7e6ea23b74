"""sayso: tags a news report sentence by sentence - claim, official assessment or attribution, and on whose say-so."""
