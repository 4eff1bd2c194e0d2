"""A cell's state is any nesting of tuples, lists and dicts of tensors, rows in dimension 0: these walk it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, cat

Tree = Any  # Tensor | None | tuple[Tree, ...] | list[Tree] | dict[str, Tree]


def map_tree(function: Callable[..., Any], tree: Tree, *others: Tree) -> Tree:
    """`function` applied to each tensor of `tree` (and to those at the same place in `others`); None stays None."""
    if tree is None:
        return None
    if isinstance(tree, Tensor):
        return function(tree, *others)
    if isinstance(tree, dict):
        return {key: map_tree(function, value, *(o[key] for o in others)) for key, value in tree.items()}
    return type(tree)(map_tree(function, value, *(o[i] for o in others)) for i, value in enumerate(tree))


def rows_of(tree: Tree, rows: slice) -> Tree:
    return map_tree(lambda t: t[rows], tree)


def join_rows(trees: Sequence[Tree]) -> Tree:
    """The inverse of slicing: the rows of several equal trees one after the other."""
    return trees[0] if len(trees) == 1 else map_tree(lambda *parts: cat(parts), *trees)


def detach(tree: Tree) -> Tree:
    return map_tree(Tensor.detach, tree)


def flatten(tree: Tree, prefix: str = "") -> dict[str, Tensor]:
    """The tensors of a tree by their path, such as "0/1" or "1/key"."""
    if tree is None:
        return {}
    if isinstance(tree, Tensor):
        return {prefix: tree}
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    return {p: t for key, value in items for p, t in flatten(value, f"{prefix}/{key}" if prefix else str(key)).items()}


def shape_of(tree: Tree) -> Any:
    """The tree with None for each tensor's place named by its path: what JSON keeps of it, for `unflatten`."""
    if tree is None:
        return None
    if isinstance(tree, Tensor):
        return "tensor"
    if isinstance(tree, dict):
        return {"dict": {key: shape_of(value) for key, value in tree.items()}}
    return {type(tree).__name__: [shape_of(value) for value in tree]}


def unflatten(shape: Any, tensors: dict[str, Tensor], prefix: str = "") -> Tree:
    """The tree again, from what `shape_of` and `flatten` gave."""
    if shape is None:
        return None
    if shape == "tensor":
        return tensors[prefix]
    ((kind, content),) = shape.items()
    items = content.items() if kind == "dict" else enumerate(content)
    children = {key: unflatten(c, tensors, f"{prefix}/{key}" if prefix else str(key)) for key, c in items}
    return children if kind == "dict" else (tuple if kind == "tuple" else list)(children.values())
