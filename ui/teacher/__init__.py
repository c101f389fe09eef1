"""The Teacher page: hub models, a model whose answers are judged."""
