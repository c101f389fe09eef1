import warnings

import pytest

from cod_core.models.encoder import DEFAULT_ENCODER
from cod_core.models.finetune import with_adapter


@pytest.mark.slow
def test_loading_a_teacher_says_nothing_that_nobody_can_act_on():
    """Most commands had a FutureWarning of peft's on standard error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with_adapter(DEFAULT_ENCODER, ("a", "b"), 8)
    assert [str(w.message) for w in caught if issubclass(w.category, FutureWarning)] == []
