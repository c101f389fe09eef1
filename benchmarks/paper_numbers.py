"""What the paper reports (Hamman et al. 2025, arXiv 2510.21631): accuracy at k = 8 16 32 64 128 512, base and +CoD."""

SHOTS = (8, 16, 32, 64, 128, 512)
KD = {  # DeBERTa-v3-base teacher, DeBERTa-v3-small student, KD
    "sst2": ((.617, .712, .757, .820, .848, .899), (.719, .781, .821, .827, .853, .892)),
    "cola": ((.693, .707, .721, .747, .758, .771), (.739, .755, .769, .769, .772, .791)),
    "amazon": ((.671, .712, .758, .789, .823, .846), (.758, .795, .819, .812, .837, .860)),
}
DIFFERS = ("The paper: DeBERTa-v3-base (184 M) to DeBERTa-v3-small (141 M), GPT-4o counterfactuals, 5 seeds, best epoch chosen "
           "on the reported split; its Amazon is Amazon polarity scored on 113 rows. Here: MiniLM-L6 (22 M) as teacher and "
           "student, teacher-guided search, choices on development rows, 20 draws; Amazon is the built-in review snippets, "
           "CoLA is scored out of domain.")
