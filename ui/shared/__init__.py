"""What several pages draw: jobs, charts, verdicts, marked-up texts, the press that checks again."""
