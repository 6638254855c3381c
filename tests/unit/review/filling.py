"""A segmenter for tests of the page: it fills its box, and draws an ellipse in boxes of 16 pixels."""

import base64

import numpy as np

CONTEXT = 0.5


def start(folder: str):
    def draw(pixels, shape, box, threshold):
        xmin, ymin, xmax, ymax = box
        mask = np.zeros(shape, bool)
        mask[ymin:ymax, xmin:xmax] = True
        if xmax - xmin == 16:
            y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
            a, b = (xmax - xmin) / 2, (ymax - ymin) / 2
            mask = ((x - xmin - a) / a) ** 2 + ((y - ymin - b) / b) ** 2 <= 1
        packed = base64.b64encode(np.packbits(mask).tobytes()).decode("ascii")
        source, flag = ("ellipse", "too little") if xmax - xmin == 16 else ("nnunet", "")
        return {"mask": packed, "source": source, "flag": flag}

    return {"context": lambda: CONTEXT, "draw": draw}
