"""What a plugin's author imports from seqplay, and that importing it costs nothing."""

import subprocess
import sys

import pytest

import seqplay


def loaded_after(code: str) -> set[str]:
    """The modules in a fresh Python after `code`."""
    script = f"{code}\nimport sys\nprint(*sys.modules)"
    return set(
        subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
    )


def test_the_public_names_are_these() -> None:
    assert seqplay.__all__ == ["Architecture", "PictureShape", "Trace", "__version__", "option"]


def test_each_public_name_is_the_object_of_its_own_module() -> None:
    from seqplay.architecture import Architecture, PictureShape, Trace
    from seqplay.options import option

    assert seqplay.Architecture is Architecture
    assert seqplay.PictureShape is PictureShape
    assert seqplay.Trace is Trace
    assert seqplay.option is option
    assert seqplay.__version__.count(".") == 2


def test_import_star_gives_exactly_the_public_names() -> None:
    scope: dict[str, object] = {}
    exec("from seqplay import *", scope)  # noqa: S102
    assert set(scope) - {"__builtins__"} == set(seqplay.__all__)


def test_an_unknown_name_is_the_usual_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"^module 'seqplay' has no attribute 'Trainer'$"):
        seqplay.Trainer  # noqa: B018


def test_importing_seqplay_imports_nothing_of_itself_nor_torch_nor_numpy() -> None:
    loaded = loaded_after("import seqplay")
    assert not loaded & {"torch", "numpy", "tokenizers", "rich", "click"}
    assert {name for name in loaded if name.startswith("seqplay")} == {"seqplay"}


def test_the_public_names_need_neither_torch_nor_numpy() -> None:
    assert not loaded_after("from seqplay import Architecture, PictureShape, Trace, option") & {
        "torch",
        "numpy",
        "tokenizers",
        "rich",
    }


@pytest.mark.parametrize(
    "module", ["seqplay.recipe", "seqplay.plugins", "seqplay.wire", "seqplay.figures", "seqplay.paths"]
)
def test_the_ground_floor_needs_neither_torch_nor_numpy(module: str) -> None:
    assert not loaded_after(f"import {module}") & {"torch", "numpy", "tokenizers", "rich", "click"}
