"""The golden conversations of both dialects: what bytes mean, and what bytes an answer is."""

import pytest

from specs.dialects import ONLY_VISA2
from specs.transaction import Kind
from tests.wire import golden
from tests.wire.tools import answer, request_of

CONVERSATIONS = golden.load("nac") + golden.load("ascii")


@pytest.mark.parametrize("conversation", CONVERSATIONS, ids=str)
def test_the_request_means_what_stands_beside_it(conversation: golden.Golden) -> None:
    assert request_of(conversation.dialect, conversation.request_bytes) == conversation.request


@pytest.mark.parametrize("conversation", CONVERSATIONS, ids=str)
def test_the_answer_is_these_bytes(conversation: golden.Golden) -> None:
    sent = answer(conversation.dialect, conversation.request_bytes, conversation.reply)
    assert sent.hex(" ") == conversation.answer_bytes.hex(" ")


def test_both_dialects_say_the_same() -> None:
    nac, ascii_ = golden.load("nac"), golden.load("ascii")
    assert [(one.name, one.request, one.reply) for one in nac] == [(one.name, one.request, one.reply) for one in ascii_]


def test_every_kind_of_message_has_its_conversation() -> None:
    assert {conversation.request.kind for conversation in CONVERSATIONS} == set(Kind) - {Kind.OPERATOR} - ONLY_VISA2
