"""Keys are masked wherever they stand, and nothing else is."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from extractor.llm.redaction import Redaction, redacted

KEY = "sk-aB3/xyz-0123456789"
MASKED = {
    "whole": (f"the key {KEY} is wrong", "the key [key] is wrong"),
    "beginning": (f"{KEY[:12]}...", "[key]..."),
    "end": (f"***{KEY[-9:]}.", "***[key]."),
    "both": (f"{KEY[:8]}...{KEY[-8:]}", "[key]...[key]"),
    "twice": (f"{KEY}{KEY}", "[key][key]"),
    "as JSON writes it": (KEY.replace("/", "\\/"), "[key]"),
    "seven characters": (f"{KEY[:7]} and {KEY[-7:]}", f"{KEY[:7]} and {KEY[-7:]}"),
}


@pytest.mark.parametrize("case", MASKED)
def test_a_key_is_masked_whole_and_in_part(case: str) -> None:
    text, masked = MASKED[case]
    redaction = Redaction([KEY])
    assert redaction.text(text) == masked
    assert redaction.content(text.encode()) == masked.encode()


@given(st.text(), st.text(st.characters(codec="ascii", exclude_categories=["C", "Z"]), min_size=8), st.text())
def test_no_part_of_a_key_is_left(before: str, key: str, after: str) -> None:
    masked = Redaction([key]).text(before + key + after)
    assert key not in masked
    assert "[key]" in masked


@given(st.text(), st.text(max_size=7))
def test_a_word_masks_nothing(text: str, key: str) -> None:
    assert Redaction([key]).text(text) == text


def test_which_values_of_the_environment_are_keys(tmp_path: Path) -> None:
    account = {"type": "service_account", "private_key": "-----BEGIN KEY-----\nMIIEvQIBADANBg\n-----END KEY-----"}
    environ = {
        "HF_TOKEN": "hf_0123456789",
        "COMETAPI_KEY": "comet-0123456789",
        "AWS_BEARER_TOKEN_BEDROCK": "bedrock-0123456789",
        "VERTEXAI_CREDENTIALS": json.dumps(account),
        "GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path),
        "TOKENIZERS_PARALLELISM": "certainly",
        "SIGNING_KEY": "required",
        "PROXY_TOKEN": "http://127.0.0.1/token",
        "HOME": "elsewhere-42",
    }
    redaction = Redaction.of(SecretStr("own-0123456789"), environ)
    hidden = ["own-0123456789", "hf_0123456789", "comet-0123456789", "bedrock-0123456789", "MIIEvQIBADANBg"]
    shown = [str(tmp_path), "certainly", "required", "http://127.0.0.1/token", "elsewhere-42", '{"type": "service_account"']
    assert [redaction.text(each) for each in hidden] == ["[key]"] * len(hidden)
    assert [redaction.text(each) for each in shown] == shown


def test_a_line_is_masked_before_it_is_cut() -> None:
    line = redacted(f"no\n\n {'x' * 289}{KEY}", SecretStr(KEY))
    assert len(line) <= 300
    assert KEY[:5] not in line
