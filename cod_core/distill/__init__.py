"""Students: losses, training, sweeps over shots, seeds and arms, evaluation."""
