"""The same content has the same bytes."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from AnnotationQACore.canonical import canonical_bytes, canonical_hash

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.dictionaries(st.text(max_size=8), JSON, max_size=5))
def test_key_order_does_not_matter(content: dict[str, object]) -> None:
    assert canonical_bytes(dict(reversed(content.items()))) == canonical_bytes(content)


def test_form_and_hash_are_fixed() -> None:
    assert canonical_bytes({"b": [1, 0.5], "a": "é"}) == '{"a":"é","b":[1,0.5]}'.encode()
    assert canonical_hash({}) == hashlib.sha256(b"{}").hexdigest()


def test_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_bytes(float("nan"))
