"""Settings of readers: names, kinds and the wording of what is wrong."""

import pytest
from landbridge.kinds import SHARE, TRUTH_VALUE, number, one_of, text, texts, whole
from landbridge.reader_settings import own_settings
from landbridge.stage import StageError

DEFAULTS = {"size": 64, "share": 0.5, "word": "a", "name": "x", "names": ["x"], "pre": False, "metres": None}
KINDS = {
    "size": whole(4, "4 or more"),
    "share": SHARE,
    "word": one_of("a", "b", "c"),
    "name": text("a name"),
    "names": texts("a list of names"),
    "pre": TRUTH_VALUE,
    "metres": number("m above 0", above=0),
    "of_another_reader": TRUTH_VALUE,
}


def test_settings_stand_over_defaults_and_none_stands_for_a_default():
    found = own_settings({"size": 4, "share": 1, "word": None, "metres": 0.1}, DEFAULTS, KINDS)
    assert found == {**DEFAULTS, "size": 4, "share": 1, "metres": 0.1}
    assert own_settings({}, DEFAULTS, KINDS) == DEFAULTS


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sizes": 4}, "reader_settings: sizes is not known; write size, share, word, name, names, pre, metres"),
        ({"size": 3}, "reader_settings: size is 3; write 4 or more"),
        ({"size": True}, "reader_settings: size is True; write 4 or more"),
        ({"size": 64.0}, "reader_settings: size is 64.0; write 4 or more"),
        ({"share": 1.1}, "reader_settings: share is 1.1; write a share from 0 to 1"),
        ({"share": float("nan")}, "reader_settings: share is nan; write a share from 0 to 1"),
        ({"word": "d"}, "reader_settings: word is 'd'; write a, b or c"),
        ({"word": ["a"]}, "reader_settings: word is ['a']; write a, b or c"),
        ({"name": ""}, "reader_settings: name is ''; write a name"),
        ({"names": []}, "reader_settings: names is []; write a list of names"),
        ({"names": ["x", 1]}, "reader_settings: names is ['x', 1]; write a list of names"),
        ({"pre": 1}, "reader_settings: pre is 1; write true or false"),
        ({"metres": 0}, "reader_settings: metres is 0; write m above 0"),
    ],
)
def test_what_is_wrong_is_told(settings, message):
    with pytest.raises(StageError) as caught:
        own_settings(settings, DEFAULTS, KINDS)
    assert str(caught.value) == message
