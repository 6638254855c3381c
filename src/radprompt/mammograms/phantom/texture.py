"""Random fields that breast tissue is made of."""

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Image = NDArray[np.float32]


def power_law(shape: tuple[int, int], exponent: float, rng: np.random.Generator) -> Image:
    """Draw Gaussian noise whose power spectrum falls as 1 / f**exponent.

    Mammograms have exponents near 3 (Burgess, Jacobson and Judy, Medical Physics 28:419, 2001).

    Parameters
    ----------
    shape
        Rows and columns.
    exponent
        Slope of the radial power spectrum, 0 for white noise.
    rng
        Source of randomness.

    Returns
    -------
    float32 array of the given shape, mean 0, standard deviation 1.
    """
    white = rng.standard_normal(shape, dtype=np.float32)
    frequency = np.hypot(fft.fftfreq(shape[0])[:, None], fft.rfftfreq(shape[1])[None, :])
    frequency[0, 0] = np.inf
    field = fft.irfft2(fft.rfft2(white) * (frequency ** (-exponent / 2)).astype(np.float32), s=shape)
    field -= field.mean()
    return field / field.std()


def filaments(shape: tuple[int, int], width: float, rng: np.random.Generator) -> Image:
    """Draw a web of thin bright lines: ducts, ligaments and vessels seen on edge.

    The lines are the zero crossings of a smooth random field, which never end and branch like septa do.

    Parameters
    ----------
    shape
        Rows and columns.
    width
        Thickness of a line as a fraction of the field's standard deviation.
    rng
        Source of randomness.

    Returns
    -------
    float32 array of the given shape, between 0 and 1.
    """
    return np.exp(-np.square(power_law(shape, 4.4, rng) / np.float32(width)))


def smooth_step(values: NDArray, low: float, high: float) -> NDArray:
    """Rise from 0 at ``low`` to 1 at ``high`` without a kink."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)
