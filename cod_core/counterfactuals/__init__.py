"""Where counterfactuals come from, and how they are judged."""
