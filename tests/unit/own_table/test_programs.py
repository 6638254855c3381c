"""Tables of radiomics programs: what describes the software is left out, features get spoken names."""

import pytest
from noise import ROWS, noise, run_check

from radprompt.own_table.programs import not_measured, spoken_names


@pytest.mark.parametrize(
    ("name", "spoken"),
    [
        ("original_firstorder_10Percentile", "10th Percentile"),
        ("original_shape2D_Sphericity", "Sphericity"),
        ("original_shape_Maximum2DDiameterRow", "Maximum 2D Diameter Row"),
        ("log-sigma-2-0-mm-3D_firstorder_Range", "Range after a Laplacian of Gaussian of 2 mm"),
        ("log.sigma.1.5.mm.3D_glcm_Idm", "Inverse Difference Moment after a Laplacian of Gaussian of 1.5 mm"),
        ("wavelet-LH_glcm_Contrast", "Contrast of the wavelet LH"),
        ("wavelet2-HHL_glszm_ZoneEntropy", "Zone Entropy of the wavelet HHL, level 2"),
        ("squareroot_gldm_GrayLevelVariance", "Gray Level Variance of dependences after a square root"),
        ("gradient_ngtdm_Contrast", "Contrast of neighbouring grey tones of the gradient"),
        ("lbp-3D-k_firstorder_Mean", "Mean of local binary patterns (k)"),
        ("ADC_original_glcm_Id", "Inverse Difference (ADC)"),
        ("original_glrlm_RunEntropy_t1c", "Run Entropy (t1c)"),
        ("stat_mean", "intensity mean"),
    ],
)
def test_names_are_spoken(name, spoken):
    assert spoken_names([name, "mean radius"]) == {name: spoken}


def test_two_columns_never_get_one_name():
    names = ["original_shape_Sphericity", "original_shape2D_Sphericity", "original_firstorder_Mean", "Mean"]
    assert spoken_names(names) == {}


def test_software_files_and_scanners_are_not_measured():
    described = [
        *("Image", "Mask", "diagnostics_Versions_PyRadiomics", "CT_diagnostics_Mask-original_VoxelNum"),
        *(
            "general_info_VoxelNum",
            "sample_name",
            "image_voxel_size_x",
            "image_mask_label",
            "PixelSpacing",
            "Manufacturer",
        ),
    ]
    features = ["original_shape_VoxelVolume", "VoxelNum", "Image contrast", "mask area", "size", "tumour size"]
    assert not_measured([*described, *features]) == described


def test_a_batch_table_is_used_in_one_step(tmp_path):
    table = noise().rename(columns={"Mean": "original_firstorder_Mean", "Elongation": "wavelet-LH_glcm_Contrast"})
    table.insert(0, "Image", [f"img/{row}.nrrd" for row in range(ROWS)])
    table.insert(1, "diagnostics_Configuration_Settings", "{'binWidth': 25, 'label': 1}")
    table.insert(2, "diagnostics_Mask-original_BoundingBox", [f"({row}, 51, 73, 47)" for row in range(ROWS)])
    table.to_csv(tmp_path / "t.csv", index=False)
    found = run_check(tmp_path / "t.csv")
    names = [column.name for column in found.columns]
    assert {"Mean", "Contrast of the wavelet LH"} <= set(names)
    assert [name for name in found.features if not name.startswith("Margin")] == [n for n in names if n != "Margin"]
    assert set(found.left_out) == set(table.columns[:3])
    assert any(note.startswith("3 columns that describe software") for note in found.notes)
    asked = run_check(tmp_path / "t.csv", ignore=["diagnostics_*"])
    assert found.left_out["diagnostics_Mask-original_BoundingBox"] != "ignored, as asked"
    assert asked.left_out["diagnostics_Mask-original_BoundingBox"] == "ignored, as asked"
