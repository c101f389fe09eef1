"""The electricity a student took, as codecarbon's offline tracker estimates it. An optional extra; knows no student.

The estimate counts processor, memory and GPU from what the machine tells, or from the processor's nominal power where
it tells nothing; on a shared machine it includes the share of others. Nothing is sent anywhere.
"""

import logging

COUNTRY = "USA"  # only grams of CO2 depend on it, and they are not used


class Meter:
    """kWh between calls of lap(). Without codecarbon, or where it finds no way to measure, every lap is None."""

    def __init__(self, wanted: bool = True):
        self._tracker, self._number = None, 0
        if not wanted:
            return
        try:
            from codecarbon import OfflineEmissionsTracker
        except ImportError:
            return
        logging.getLogger("codecarbon").setLevel(logging.CRITICAL)
        try:
            self._tracker = OfflineEmissionsTracker(
                country_iso_code=COUNTRY,
                save_to_file=False,
                log_level="critical",
                allow_multiple_runs=True,
                measure_power_secs=5,
                tracking_mode="process",
            )
            self._tracker.start_task("0")
        except Exception:  # codecarbon probes the hardware in ways that fail on some machines: no estimate then
            logging.getLogger(__name__).info("no energy estimate on this machine")
            self._tracker = None

    @property
    def works(self) -> bool:
        return self._tracker is not None

    def lap(self) -> float | None:
        """kWh since the last lap, or since the start."""
        if self._tracker is None:
            return None
        used = self._tracker.stop_task(str(self._number))
        self._number += 1
        self._tracker.start_task(str(self._number))
        return float(used.energy_consumed)

    def close(self) -> None:
        if self._tracker is not None:
            self._tracker.stop_task(str(self._number))
            self._tracker = None
