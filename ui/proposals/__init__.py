"""The Proposals page: search, language models, ready pairs, the quality card."""
