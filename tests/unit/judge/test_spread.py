"""Places that would hide each other: room between all, nothing moved that had room, labels that hide nothing."""

import numpy as np
import pytest
from landbridge.judge.spread import CIRCLE, HEIGHT, LETTER, ROOM, label_places, moved_apart

PAGE = (0.0, 0.0, 400.0, 160.0)


def nearest(places):
    distance = np.hypot(*(places[:, None] - places).transpose(2, 0, 1))
    return (distance + np.where(np.eye(len(places)), np.inf, 0)).min()


@pytest.mark.parametrize("count", [2, 3, CIRCLE, CIRCLE + 1, 40])
@pytest.mark.parametrize("width", [0.0, 0.01, 30.0])
def test_all_have_room(count, width):
    places = np.array([200.0, 80.0]) + width * np.random.default_rng(0).uniform(-1, 1, (count, 2))
    drawn, _ = moved_apart(places)
    assert nearest(drawn) >= ROOM - 1e-6
    if width < 1:  # all around the one place
        np.testing.assert_allclose(drawn.mean(axis=0), [200, 80], atol=2)


def test_what_has_room_stays():
    places = np.array([[10.0, 10.0], [10.0 + ROOM, 10.0], [300.0, 100.0]])
    drawn, middles = moved_apart(places)
    np.testing.assert_array_equal(drawn, places)
    np.testing.assert_array_equal(middles, places)


def test_a_circle_keeps_directions():
    places = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]]) + 100
    drawn, middles = moved_apart(places)
    np.testing.assert_allclose(middles, 100)
    outward = (drawn - 100) / np.hypot(*(drawn - 100).T)[:, None]
    np.testing.assert_allclose(outward, places - 100, atol=1e-3)


def test_labels_hide_nothing_and_stay_on_the_page():
    random = np.random.default_rng(1)
    dots, middles = moved_apart(random.uniform([0, 0], [400, 160], (60, 2)) // 40 * 40 + random.uniform(0, 3, (60, 2)))
    texts = ["WET", "FEN", "RICE"] * 20
    found = label_places(dots, dots - middles, texts, PAGE)
    boxes = [
        (x, y, x + LETTER * len(text), y + HEIGHT)
        for place, text in zip(found, texts, strict=True)
        if place
        for x, y in [place]
    ]
    assert len(boxes) > 30
    for number, (left, bottom, right, top) in enumerate(boxes):
        assert left >= 0 and bottom >= 0 and right <= 400 and top <= 160
        assert not ((dots[:, 0] > left) & (dots[:, 0] < right) & (dots[:, 1] > bottom) & (dots[:, 1] < top)).any()
        for other in boxes[:number]:
            assert left >= other[2] or right <= other[0] or bottom >= other[3] or top <= other[1]


def test_a_lone_label_stands_up_and_to_the_right_and_one_without_room_is_left_out():
    ((x, y),) = label_places(np.array([[50.0, 50.0]]), np.zeros((1, 2)), ["WET"], PAGE)
    assert x > 50 and y > 47
    assert label_places(np.array([[50.0, 50.0]]), np.zeros((1, 2)), ["WET"], (48.0, 48.0, 52.0, 52.0)) == [None]
