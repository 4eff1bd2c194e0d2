"""Each check of a cell is failed by a cell that breaks what it is about, and by that cell's other checks not."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import broken
import broken_step
import pytest
import torch

from seqplay.architecture import Architecture
from seqplay.engine import catalog
from seqplay.engine.contract.cells import CHECKS
from seqplay.engine.contract.check import Result
from seqplay.engine.contract.running import run_checks
from seqplay.errors import UsageError

MANNERS = "manners at import"
CAUGHT = [
    (broken.DoublesOutput, "shapes and dtypes", "y is float64"),
    (broken.MakesWeightsOnTheWay, "shapes and dtypes", r"'gate.weight' is only made .* use nn.Linear\(inputs, ...\)"),
    (broken.HasAComplexParameter, "shapes and dtypes", "'turn' is complex64; .* keep a complex number as two"),
    (broken.BuildsFromValues, "sizes without memory", "meta"),
    (broken.GrowsItsState, "state rules", r"is float32 \(1, 1, 16\) after a first call with 1 token"),
    (broken.CountsInItsState, "state rules", "The state at 1 is a int"),
    (broken.PutsLayersFirst, "state rules", r"has the shape \(1, 3, 16\) for 3 rows"),
    (broken.ChangesTheGivenState, "state rules", "changed in place"),
    (broken.MakesItsStartAnywhere, "state rules", r"is not that of x: .*\(broken.py, line \d+\); make .* x.new_zeros"),
    (broken.StartsFromNumpy, "same input, same output", "'gate.bias' begins with other numbers"),
    (broken.LearnsAMean, "same input, same output", "In training mode forward changes 'mean'"),
    (broken.NormalisesTheBatch, "same input, same output", "In training mode forward changes 'norm.running_mean'"),
    (broken.DrawsNoise, "same input, same output", "In evaluation mode forward draws from torch's"),
    (broken.DropsOut, "same input, same output", "In training mode forward draws from torch's"),
    (broken.DrawsFromPython, "same input, same output", "draws from Python's"),
    (broken.RemembersInTheModule, "same input, same output", "at token 0"),
    (broken.Peeks, "no look ahead", "token 1 and later ones changed, and the output changed by .* at token 0, row"),
    (broken.MixesRows, "rows are independent", "Row 0 alone"),
    (broken.NormalisesTheBatchToLearn, "rows are independent", "Row 0 alone"),
    (broken.Overflows, "long sequences", r"y is not finite from token \d+ on"),
    (broken.CountsItsPlaces, "long sequences", r"It raises IndexError: .*\(broken.py, line \d+\)"),
    (broken.CarriesAGrowingNumber, "long sequences", r"the state carried on, y is not finite from token 4,096 on"),
    (
        broken.SeesMoreOfItsOwnCall,
        "chunks equal the whole",
        r"Read in parts of 2,048 tokens, .* at token [12],\d+ differs",
    ),
    (broken.Forgets, "chunks equal the whole", "output at token 12, row"),
    (broken.HasADeadParameter, "every parameter learns", "'mix.weight', 'mix.bias' gets no gradient"),
    (broken.HasAFrozenParameter, "every parameter learns", "'scale' gets no gradient"),
    (broken.CutsTheGradient, "every parameter learns", "x gets no gradient"),
    (broken.KeepsAPlainTensor, "save and load", "Not saved: 'signs'"),
    (broken.KeepsABufferUnsaved, "save and load", "Not saved: 'signs'"),
    (broken.SharesAParameter, "save and load", "'gate.weight' and 'value.weight' share memory"),
    (broken.MixesDtypes, "bfloat16", r"RuntimeError.*\(broken.py, line \d+\)"),
    (broken.HasNoMemory, "learns hello", "still has a loss of"),
    (broken.TracesAnother, "trace equals forward", "y of trace differs from forward's by .* from a carried state"),
    (broken.TracesAnotherPhase, "trace equals forward", "The state that trace returns differs from forward's"),
    (broken.TracesOutOfRange, "trace equals forward", "'gate' of the trace has values from -"),
    (broken.TracesTheFuture, "trace equals forward", "'share' of the trace changed"),
]


def failed(architecture: Architecture, *without: str) -> dict[str, str]:
    """The checks that fail, all others than `without` having been run, with their reasons."""
    only = [check.name for check in CHECKS if check.name not in without]
    return {r.check: r.reason for r in run_checks(architecture, only) if r.outcome == "failed"}


@pytest.mark.parametrize(("module", "check", "reason"), CAUGHT, ids=[module.__name__ for module, _, _ in CAUGHT])
def test_a_broken_cell_is_caught_by_one_check_alone(module: Any, check: str, reason: str) -> None:
    found = failed(broken.cell(module), MANNERS)
    assert list(found) == [check]
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(found[check])


def test_a_step_that_disagrees_is_caught_alone() -> None:
    found = failed(broken.cell(broken.Whole, step=f"{broken_step.__name__}:wrong_step"), MANNERS)
    assert list(found) == ["step equals forward"]
    assert "at token 1, by the state that was carried" in found["step equals forward"]


def test_a_step_whose_package_imports_torch_is_caught_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "heavy").mkdir()
    (tmp_path / "heavy" / "__init__.py").write_text("import torch\n")
    (tmp_path / "heavy" / "light.py").write_text("from broken_step import step\n")
    (tmp_path / "torch.py").touch()  # in a fresh process: the real one takes a second
    monkeypatch.syspath_prepend(tmp_path)
    found = failed(broken.cell(broken.Whole, step="heavy.light:step"), MANNERS)
    assert list(found) == ["step equals forward"]
    assert "brings torch in" in found["step equals forward"]


def test_a_step_that_no_other_process_can_import_is_told_as_such() -> None:
    found = failed(broken.cell(broken.Whole, step="nowhere:step"), MANNERS)
    assert found == {
        "step equals forward": "nowhere:step: its module cannot be imported by itself: ModuleNotFoundError: No module "
        "named 'nowhere'"
    }


def test_every_check_has_a_cell_that_it_catches() -> None:
    assert {check.name for check in CHECKS} == {check for _, check, _ in CAUGHT} | {"step equals forward", MANNERS}


def test_a_setting_other_than_the_default_is_tried() -> None:
    found = failed(broken.cell(broken.BrokenByAChoice, config=broken.Choices), MANNERS)
    assert list(found) == ["chunks equal the whole"]
    assert found["chunks equal the whole"].startswith("With kind=other: ")


@pytest.mark.parametrize("wrap", [False, True])
def test_a_good_cell_passes_all_checks(wrap: bool) -> None:
    architecture = broken.cell(broken.Whole, step=f"{broken_step.__name__}:step", wrap=wrap)
    assert [r for r in run_checks(architecture) if r.outcome != "passed"] == []


def test_what_a_cell_does_not_have_is_not_checked() -> None:
    results = run_checks(broken.cell(broken.Good, precision="float32"))
    assert {r.check: r.reason for r in results if r.outcome != "passed"} == {
        "bfloat16": "it keeps out of bfloat16 (precision='float32')",
        "trace equals forward": "it has no trace",
        "step equals forward": "it names no step",
    }


@pytest.mark.parametrize("name", ["lstm", "gru", "rnn"])
def test_the_built_in_cells_pass_all_checks(name: str) -> None:
    results = list(run_checks(catalog.load(name)[0], [check.name for check in CHECKS if check.name != MANNERS]))
    assert {r.check: r.reason for r in results if r.outcome != "passed" and r.reason != "it has no trace"} == {}


def test_a_check_is_not_run_without_what_it_needs() -> None:
    results = {r.check: r for r in run_checks(broken.cell(broken.DoublesOutput))}
    assert results["chunks equal the whole"] == Result(
        "chunks equal the whole", results["chunks equal the whole"].why, "not run", "needs 'shapes and dtypes'"
    )
    assert results[MANNERS].outcome == "passed"


@pytest.mark.parametrize("raised", [ValueError("no\nway"), SystemExit(3), GeneratorExit(), BaseException("odd")])
def test_whatever_a_cell_raises_is_a_failed_check_with_its_place(raised: BaseException) -> None:
    class Raises(broken.Good):
        def forward(self, x: Any, state: Any = None) -> Any:
            raise raised

    (result,) = run_checks(broken.cell(Raises), ["shapes and dtypes"])
    assert result.outcome == "failed"
    assert result.reason.startswith(f"It raises {type(raised).__name__}")
    assert "(test_cell_checks.py, line " in result.reason
    assert "\n" not in result.reason


@pytest.mark.parametrize("given", [None, 1, (1, 2, 3), (None, None)], ids=["None", "a number", "three", "no tensor"])
def test_no_pair_is_told_as_such(given: Any) -> None:
    class Odd(broken.Good):
        def forward(self, x: Any, state: Any = None) -> Any:
            return given

    found = failed(broken.cell(Odd), MANNERS)
    assert list(found) == ["shapes and dtypes"]
    assert "return y, state" in found["shapes and dtypes"]


def test_running_the_checks_leaves_torch_as_it_was() -> None:
    before = torch.get_rng_state(), torch.get_num_threads()
    list(run_checks(broken.cell(broken.Good), ["same input, same output", "save and load", "bfloat16"]))
    assert torch.equal(before[0], torch.get_rng_state())
    assert torch.get_num_threads() == before[1]


def test_a_check_that_does_not_exist_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"Did you mean 'state rules'\?"):
        list(run_checks(broken.cell(broken.Good), ["state rule"]))


# -- manners at import


@pytest.fixture
def restored() -> Iterator[None]:
    dtype = torch.get_default_dtype()
    yield
    torch.set_default_dtype(dtype)


BASE = f"""
import sys
sys.path.insert(0, {str(Path(broken.__file__).parent)!r})
import broken
sys.path.pop(0)
class Mine(broken.Good): pass
mine = broken.cell(Mine)
"""
RUDE = [
    ("print('hello')", "prints 'hello"),
    ("import torch; torch.set_default_dtype(torch.float64)", "default dtype from torch.float32 to torch.float64"),
    (
        "import os, random, sys, torch, numpy, warnings\nos.write(2, b'oh')\ntorch.manual_seed(1)\nrandom.random()\n"
        "numpy.random.rand()\ntorch.set_num_threads(3)\nos.environ['RUDE'] = '1'\nwarnings.simplefilter('ignore')\n"
        "sys.path.append('/rude')\nimport atexit; atexit.register(print, 'bye')",
        "prints 'oh'; changes torch's number of threads from .* to 3; changes torch's random state; changes numpy's "
        r"random state; changes Python's random state; changes the filters of warnings; changes the environment \(RUDE"
        r"\); changes sys.path \(/rude\); leaves something to be done at the end of the process, which says 'bye",
    ),
]


@pytest.mark.parametrize(("code", "reason"), RUDE, ids=["prints", "sets the default dtype", "does all sorts of things"])
@pytest.mark.usefixtures("restored")
def test_what_an_import_changes_is_caught_alone(
    code: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "rude_cell.py"
    # Only the fresh process is to meet what is rude to a whole test run.
    guard = "if 'pytest' not in sys.modules:\n" if "atexit" in code else "if True:\n"
    file.write_text(BASE + guard + "".join(f"    {line}\n" for line in code.splitlines()))
    spec = importlib.util.spec_from_file_location("rude_cell", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "rude_cell", module)
    spec.loader.exec_module(module)
    found = failed(module.mine)
    assert list(found) == [MANNERS]
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(found[MANNERS])
