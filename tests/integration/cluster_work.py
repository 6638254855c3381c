"""What test_clusters has done by workers, which are processes of their own and import this by its name."""

import os
import signal
from pathlib import Path

from radprompt.mammograms.radiomics import cohort

SIXTH = 5


def measured_or_killed(numbered, settings, pipe):
    """Measure an image; whichever worker is first at the sixth says who it is, and waits for its end there."""
    number, image = numbered
    if number == SIXTH:
        try:
            Path(f"{pipe}.told").touch(exist_ok=False)
        except FileExistsError:
            pass
        else:
            with open(pipe, "w") as told:
                told.write(str(os.getpid()))
            signal.pause()
    return cohort.measure_image(image, settings)


def fails(number):
    if number == 2:
        raise KeyError("spacing")
    return number
