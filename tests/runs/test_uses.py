"""How many runs use a cell or a model is read from their recipes."""

from seqplay import paths
from seqplay.runs.uses import uses


def test_each_run_counts_for_the_cell_of_its_recipe() -> None:
    recipes = {"a": '{"cell": "lstm"}', "b": '{"cell": "ssm"}', "c": '{"cell": "lstm"}', "d": '{"cell": 3}', "e": "{"}
    for name, recipe in recipes.items():
        run = paths.make_private(paths.runs_dir() / name)
        (run / "recipe.json").write_text(recipe)
    assert uses() == {"lstm": 2, "ssm": 1}


def test_a_run_of_a_model_counts_for_it_and_for_no_cell() -> None:
    recipes = {"a": '{"cell": "lstm", "model": "dcgan"}', "b": '{"cell": "lstm", "model": null}', "c": '{"model": [3]}'}
    for name, recipe in recipes.items():
        run = paths.make_private(paths.runs_dir() / name)
        (run / "recipe.json").write_text(recipe)
    assert uses() == {"dcgan": 1, "lstm": 1}


def test_without_runs_nothing_is_used() -> None:
    assert not uses()
