import pytest

from cod_core.distill.energy import Meter


def test_a_meter_that_is_not_wanted_measures_nothing():
    meter = Meter(False)
    assert not meter.works and meter.lap() is None
    meter.close()


@pytest.mark.slow
def test_laps_are_what_was_used_since_the_last_one():
    """Totals instead of differences would give the last student the whole sweep's electricity."""
    pytest.importorskip("codecarbon", reason="the optional extra codecarbon is not installed")
    meter = Meter()
    try:
        assert meter.works
        sum(range(20_000_000))
        first, second = meter.lap(), meter.lap()
        assert first > 0 and 0 <= second < first
    finally:
        meter.close()
    assert meter.lap() is None
