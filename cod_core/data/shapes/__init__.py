"""What rows and records of other tools mean: one file a tool, from records to rows with a label or the reason why there is none."""
