"""The linear solution that a teacher's training starts from, and stays at where training the encoder shows nothing for it.

Knows the shape of a pooled classifier (pooled.py); knows no file. Kumar et al. 2022, arXiv:2202.10054, start there too.
"""

import numpy as np

from cod_core.models.learning import Rows, logits_of
from cod_core.models.out_of_fold import out_of_fold
from cod_core.models.pooled import pooled_classifier
from cod_core.models.protocols import Model, Tokenizer

STRENGTH, SCALE = 10.0, 10.0  # of the logistic regression (C); length of the states that the line reads


def start_from_the_line(model: Model, tokenizer: Tokenizer, rows: Rows, n_classes: int) -> np.ndarray:
    """Put logistic regression on the embeddings in the place of the head: classes weighted. The (n, d) embeddings of the rows.

    model: a pooled classifier whose adapters do nothing yet.
    """
    import torch
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    model.eval()
    phi = logits_of(_states_of(model), tokenizer, rows.ids)
    with threadpool_limits(1, "blas"):
        fit = LogisticRegression(C=STRENGTH, max_iter=1000, class_weight="balanced").fit(phi, rows.classes)
    weight, bias = fit.coef_, fit.intercept_
    if n_classes == 2:  # one line for two classes: half of it to each
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    with torch.no_grad():
        model.weight.copy_(torch.tensor(weight / SCALE, dtype=torch.float32))
        model.bias.copy_(torch.tensor(bias, dtype=torch.float32))
    return phi


def unseen(phi: np.ndarray, classes: np.ndarray, n_classes: int) -> np.ndarray:
    """(n, C) log-probabilities that the line gives each row when it learnt from the others: how sure it may be."""
    return out_of_fold(phi, classes, n_classes, balanced=True)


def _states_of(model: Model) -> Model:
    """The pooled classifier's encoder with its pooled states in the place of logits."""
    width = model.config.hidden_size
    return pooled_classifier(model.model, np.eye(width), np.zeros(width)).eval()
