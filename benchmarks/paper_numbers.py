"""What the paper reports (Hamman et al. 2025, arXiv 2510.21631): accuracy at k = 8 16 32 64 128 512, base and +CoD."""

SHOTS = (8, 16, 32, 64, 128, 512)
KD = {  # DeBERTa-v3-base teacher, DeBERTa-v3-small student, KD
    "sst2": ((0.617, 0.712, 0.757, 0.820, 0.848, 0.899), (0.719, 0.781, 0.821, 0.827, 0.853, 0.892)),
    "cola": ((0.693, 0.707, 0.721, 0.747, 0.758, 0.771), (0.739, 0.755, 0.769, 0.769, 0.772, 0.791)),
    "amazon": ((0.671, 0.712, 0.758, 0.789, 0.823, 0.846), (0.758, 0.795, 0.819, 0.812, 0.837, 0.860)),
}
DIFFERS = (
    "The paper: DeBERTa-v3-base (184 M) to DeBERTa-v3-small (141 M), GPT-4o counterfactuals, 5 seeds, best epoch chosen "
    "on the reported split; its Amazon is Amazon polarity scored on 113 rows. Here: MiniLM-L6 (22 M) as teacher and "
    "student, teacher-guided search, choices on development rows, 20 draws; Amazon is the built-in review snippets, "
    "CoLA is scored out of domain."
)
