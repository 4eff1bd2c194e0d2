"""Every promise that seqplay's contract makes of a model."""

from collections.abc import Callable

from seqplay_mymodel import mymodel

from seqplay.testing import parametrize_with_checks


@parametrize_with_checks(mymodel)
def test_the_contract_holds(check: Callable[[], None]) -> None:
    check()
