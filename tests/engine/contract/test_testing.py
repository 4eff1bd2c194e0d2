"""seqplay.testing makes a pytest test of every check that applies."""

from pathlib import Path

import broken
import pytest

from seqplay import testing

pytest_plugins = ["pytester"]

GOOD, BROKEN = broken.cell(broken.Good), broken.cell(broken.DoublesOutput)


def test_each_check_is_a_test_with_a_name_and_what_does_not_apply_is_none() -> None:
    mark = testing.parametrize_with_checks(GOOD, BROKEN).args  # type: ignore[attr-defined]
    assert mark[0] == "check"
    names = [parameter.id for parameter in mark[1]]
    assert names[0] == "Good: shapes and dtypes"
    assert "DoublesOutput: chunks equal the whole" in names
    assert not any("trace" in name or "step" in name for name in names)


def test_a_test_run_tells_what_passed_failed_and_was_not_run(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(f"""
        import sys
        sys.path.insert(0, {str(Path(broken.__file__).parent)!r})
        import broken
        from seqplay.testing import parametrize_with_checks

        @parametrize_with_checks(broken.cell(broken.Good), broken.cell(broken.DoublesOutput))
        def test_the_contract_holds(check):
            check()
    """)
    done = pytester.runpytest_inprocess("-k", "shapes or chunks", "-p", "no:cacheprovider", "-p", "no:xdist", "-rs")
    done.assert_outcomes(passed=2, failed=1, skipped=1)
    done.stdout.fnmatch_lines(["*needs 'shapes and dtypes'*"])
    done.stdout.fnmatch_lines(["*y is float64 for a float32 x*"])


def test_without_pytest_all_failures_are_told_at_once() -> None:
    testing.check(GOOD)
    with pytest.raises(AssertionError, match=r"DoublesOutput breaks the contract.\nshapes and dtypes: y is float64"):
        testing.check(BROKEN)
