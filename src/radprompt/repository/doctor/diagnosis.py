"""Everything that is looked at, put together."""

from dataclasses import dataclass
from pathlib import Path

from radprompt.core.params import Params, load_params, reads_closings
from radprompt.repository.doctor import folders, machine, memory, model, packages, repository
from radprompt.repository.doctor.costs import Costs, scaled
from radprompt.repository.doctor.finding import Finding
from radprompt.repository.doctor.scaling import amounts
from radprompt.repository.doctor.shape import Shape
from radprompt.repository.doctor.sources import drawn, released
from radprompt.repository.doctor.stage_times import read_stage_times, stage_descriptions
from radprompt.repository.doctor.workload import is_phantom, workload
from radprompt.study.settings import FILE as SETTINGS
from radprompt.study.settings import Settings, load_settings

BEYOND_CPU = 1e9
"""Weights from which training on a CPU takes weeks."""


@dataclass(frozen=True)
class Diagnosis:
    """What was found, and what a run will cost."""

    findings: list[Finding]
    costs: Costs

    @property
    def green(self) -> bool:
        """Whether nothing that the pipeline needs is missing or wrong."""
        return all(finding.state != "error" for finding in self.findings)


def diagnose(params_file: Path, here: machine.Machine | None = None) -> Diagnosis:
    """Look at everything that a run with these parameters needs.

    Parameters
    ----------
    params_file
        ``params.yaml``; the repository is its folder.
    here
        The machine; None: look.

    Raises
    ------
    InputError
        If the parameters or settings are wrong.
    """
    params, home = load_params(params_file), params_file.parent
    settings = load_settings(home / SETTINGS)
    work, trains = workload(params, settings), params.llm.tuning != "none"
    here = here or machine.probe(home, params.llm.device)
    gpu = here.gpu
    found, shape = model.check_model(params.llm.backbone)
    on_gpu = params.llm.precision != "fp32" and (gpu is None or gpu.bf16)
    # A CPU is assumed to compute in float32, unless told otherwise: the estimate is then too large, not too small.
    bf16 = on_gpu if gpu else params.llm.precision == "bf16"
    needs, smaller = {"segmenter": memory.segmenter_gb(params, work)}, dict(machine.SMALLER)
    if shape:
        stage = "language_model" if trains else "names"
        needs[stage] = memory.language_model_gb(params, shape, gpu=gpu is not None, bf16=bf16)
        if gpu or not trains:
            smaller[stage] = smaller["weights"]
    disk = memory.disk_gb(params, shape, settings)
    findings = [
        *_data(params, settings, home),
        found,
        *filter(None, [model.check_quantisation(params.llm.backbone, gpu=gpu is not None)]),
        *_settings(params, shape),
        machine.check_gpu(
            here,
            params.llm.device,
            memory.training_gb(params, shape, bf16=on_gpu) if shape and trains else 0.0,
            required=shape is not None and shape.linear > BEYOND_CPU,
        ),
        machine.check_memory(here, needs, smaller),
        *machine.check_disk(here, disk, memory.temporary_gb(params, work)),
        packages.check_python(),
        packages.check_packages(home),
        packages.check_decoders(),
        *_repository(params, settings, home),
    ]
    stages = stage_descriptions(home, phantom=is_phantom(params))
    costs = scaled(stages, read_stage_times(home), amounts(params, work, settings, shape))
    return Diagnosis(findings, costs)


def _data(params: Params, settings: Settings, home: Path) -> list[Finding]:
    expected = {
        name: drawn(name, params.seed, params.phantom) if is_phantom(params) else released(name)
        for name in settings.data_sets
    }
    return [folders.check_folder(home, Path(params.data.root), name, known) for name, known in expected.items()]


def _settings(params: Params, shape: Shape | None) -> list[Finding]:
    """Find settings that exclude one another, which a stage would notice late."""
    findings = []
    if params.radiomics.downsample > 1 and params.radiomics.resample_mm is not None:
        fix = "set radiomics.downsample: 1, or radiomics.resample_mm: null"
        findings.append(Finding("settings", "radiomics", "error", "downsample and resample_mm are both set", fix))
    layer = params.llm.closing_layer
    if shape and reads_closings(params.llm) and layer is not None and layer > shape.layers:
        what = f"closing_layer is {layer}; the backbone has {shape.layers} layers"
        findings.append(Finding("settings", "llm", "error", what, f"set llm.closing_layer: {shape.layers} or less"))
    return findings


def _repository(params: Params, settings: Settings, home: Path) -> list[Finding]:
    root = Path(params.data.root)
    findings = [repository.check_git(home), repository.check_dvc(home)]
    findings.append(repository.check_ignored(home, root, settings.data_sets))
    if not is_phantom(params):
        findings += [repository.check_remote(home, root), repository.check_links(home, root)]
    return findings
