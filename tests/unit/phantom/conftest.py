import pytest

from radprompt.core.params import Compute, Phantom, PhantomMasses
from radprompt.mammograms.phantom import cbis_ddsm, inbreast, vindr_mammo


@pytest.fixture(scope="session")
def seed():
    return 3


@pytest.fixture(scope="session")
def small():
    masses = PhantomMasses(cbis_ddsm=16, vindr_mammo=40, inbreast=16)
    return Phantom(rows=256, columns=196, spacing_mm=0.9, separation=0.66, masses=masses)


@pytest.fixture(scope="session")
def serial():
    return Compute(backend="threading", workers=1)


@pytest.fixture(scope="session")
def raw(tmp_path_factory, seed, small, serial):
    """The three data sets, small."""
    root = tmp_path_factory.mktemp("raw")
    for module in (cbis_ddsm, vindr_mammo, inbreast):
        folder = root / module.__name__.rpartition(".")[2]
        folder.mkdir()
        module.write(folder, seed, small, serial)
    return root
