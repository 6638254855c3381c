"""What pages say of mammograms: their lesions, labels and limits, and which data sets may be shown."""

WHAT = "A classifier of breast masses in mammograms."
USERS = "The users are people who know both mammography and its statistics."
NOT_FOR = (
    "decisions about patients, screening, triage or second reading; masses without a box or contour; calcifications, "
    "asymmetries or distortions without a mass; tomosynthesis, ultrasound or MRI; images of a detector or population "
    "unlike the training data, on which nobody has tested it"
)
SUBJECT = "breast cancer"
"""What figures of synthetic images say nothing about."""

IMAGE, IMAGES = "mammogram", "mammograms"

ATTRIBUTES = {"view": "Views", "laterality": "Sides", "birads": "BI-RADS"}
"""Columns of the lesion table whose values are counted, and their heads."""

FLOW = {"rows": "records", "mass": "masses", "lesions": "masses that can be used"}
"""Counts of a flow file in words."""

SEGMENTER = "cbis_ddsm"
"""Data set that trains the segmenter, and nothing else."""

CONTOURS = {"cbis_test": ("cbis_ddsm", "test")}
"""Data set and split of the entries of ``metrics/segmentation.json`` that are not called by their data set."""

SHAREABLE = frozenset({"cbis_ddsm"})
"""Data sets whose licence lets a page carry their pixels (CBIS-DDSM: CC BY 3.0)."""

PROVEN = frozenset({"cbis_ddsm"})
"""Data sets whose labels are pathology; those of the others come from BI-RADS."""

PATHOLOGY = "{data_sets}: pathology."
READINGS = "{data_sets}: benign is BI-RADS 3, malignant 4 to 6, as the paper has it; a reading, not histology."
"""Where labels come from, in the checklists."""

LABELS = "Labels come from BI-RADS: 3 is benign, 4 to 6 malignant; no histology."
LABELS_PROVEN = (
    "Labels of {data_sets} are pathology. Its images are digitised film of several scanners, without a pixel size in "
    "most files: grey levels and lengths are not those of a digital detector, and the paper keeps such images from its "
    "classifier."
)
OTHER_STUDY = (
    "The checklists below were written for the paper's settings. Data sets, labels, contours, splits and figures in "
    "the answers are those of this run's own settings; what they say of a second site applies only where one is named."
)
LABELS_SYNTHETIC = (
    "Labels follow BI-RADS (3 benign, 4 to 6 malignant), which the phantom reads with noise from each mass's hidden "
    "malignancy: no model can be perfect, and the best possible AUC is not 1."
)
LABELS_REAL = (
    "Labels of {data_sets} are readers' BI-RADS categories (3 benign, 4 to 6 malignant), not histology: a model can "
    "only learn to agree with the readers."
)
ROWS = (
    "Views and breasts of one patient are separate rows. Splits and intervals go by patient, but no model combines the "
    "views, and age, density and clinical findings are not used."
)


def labels_of(dataset: str, name: str) -> str:
    """Say where the labels of a data set come from, which pages call ``name``."""
    return LABELS_PROVEN.format(data_sets=name) if dataset in PROVEN else LABELS


def describe_lesion(view: str, birads: str) -> str:
    """Return what a reader sees at once: the view, and the category."""
    return f"{view} view, BI-RADS {birads}"
