from seqplay.draw.pixels import planes


def test_a_plane_holds_one_part_of_every_cell():
    pixels = bytes(range(16))
    parts = [0, 2, 8, 10], [1, 3, 9, 11], [4, 6, 12, 14], [5, 7, 13, 15]
    assert planes(pixels, (4, 4), (2, 2), (2, 2)) == [bytes(part) for part in parts]


def test_a_pixel_of_a_smaller_picture_is_the_mean_of_what_it_covers():
    assert planes(bytes([0, 100, 50, 30, 200, 100, 10, 30]), (2, 4), (1, 2), (1, 1)) == [bytes([100, 30])]


def test_a_picture_four_times_as_large_is_averaged_without_drift():
    noise = bytes(i * 7919 % 251 for i in range(64 * 64))
    (smaller,) = planes(noise, (64, 64), (16, 16), (1, 1))
    for row in range(16):
        for column in range(16):
            block = [noise[(4 * row + y) * 64 + 4 * column + x] for y in range(4) for x in range(4)]
            assert abs(smaller[row * 16 + column] - sum(block) / 16) < 1.5


def test_a_larger_picture_repeats_its_pixels():
    assert planes(bytes([1, 2, 3, 4]), (2, 2), (4, 4), (1, 1)) == [bytes([1, 1, 2, 2] * 2 + [3, 3, 4, 4] * 2)]


def test_paper_stays_paper_and_ink_stays_ink_at_every_size():
    for value in (0, 255):
        for height in (1, 3, 7):
            for rows in range(1, 9):
                for columns in range(1, 9):
                    (plane,) = planes(bytes([value]) * height * 5, (height, 5), (rows, columns), (1, 1))
                    assert plane == bytes([value]) * rows * columns
