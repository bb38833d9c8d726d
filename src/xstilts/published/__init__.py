"""Published figures, each with its source: what `xstilts compare` lays beside the measured ones."""
