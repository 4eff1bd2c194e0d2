"""Every promise that seqplay's contract makes of a cell."""

from collections.abc import Callable

from seqplay_mycell import mycell

from seqplay.testing import parametrize_with_checks


@parametrize_with_checks(mycell)
def test_the_contract_holds(check: Callable[[], None]) -> None:
    check()
