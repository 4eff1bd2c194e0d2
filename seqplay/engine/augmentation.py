"""Pictures turned, sheared, sized and shifted a little: the same things seen anew in every epoch.

How each picture is moved is drawn for a whole batch; moving them draws nothing, so that it can be left to several
threads, each with some of the rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

TURN, SHEAR, SIZE, SHIFT = 0.22, 0.2, 0.12, 0.09  # at most: radians, tangent, share of the size, share of the side


def draw_moves(count: int, seed: Sequence[int]) -> Tensor:
    """How to move so many pictures, the same for the same seed: (count, 2, 3), from places in the moved picture to
    places in the picture, both from -1 to 1.
    """
    random = np.random.Generator(np.random.SFC64(list(seed))).uniform(-1, 1, (6, count))
    turn, shear, across, along, right, down = torch.from_numpy(random.astype(np.float32))
    turn, shear, across, along = TURN * turn, SHEAR * shear, 1 + SIZE * across, 1 + SIZE * along
    cos, sin = torch.cos(turn), torch.sin(turn)
    to_x = [cos * across, (shear * cos - sin) * along, 2 * SHIFT * right]
    to_y = [sin * across, (shear * sin + cos) * along, 2 * SHIFT * down]
    return torch.stack([*to_x, *to_y], 1).view(count, 2, 3)


def move(pictures: Tensor, moves: Tensor) -> Tensor:
    """The pictures (B, C, H, W), each moved by its own (2, 3); beyond an edge the edge goes on."""
    grid = F.affine_grid(moves, list(pictures.shape), align_corners=False)
    return F.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
