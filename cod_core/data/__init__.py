"""Tables, samples and hub sets become Examples; draws choose rows. Knows nothing of models."""
