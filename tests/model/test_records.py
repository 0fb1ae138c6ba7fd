"""Functions and forms that people wrote: every text states every field, and what is drawn from them stays true."""

from __future__ import annotations

import random
import re

from cadenza.model.nano import extraction, functions
from cadenza.model.nano.draw import Draw
from cadenza.model.nano.fields import STRINGS
from cadenza.model.nano.records import FORMS, FUNCTIONS


def test_every_text_states_every_field_of_its_record_once() -> None:
    for record in (*FUNCTIONS, *FORMS):
        assert record.texts, record
        assert all(field.key.isidentifier() for field in record.fields), record
        assert all(field.kind != "string" or field.of in STRINGS for field in record.fields), record
        for text in record.texts:
            assert sorted(re.findall(r"\{(\w+)\}", text)) == sorted(field.key for field in record.fields), text
            assert text.count("(") == text.count(")") == len(re.findall(r"\([^()]*\|[^()]*\)", text)), text
    for table in (FUNCTIONS, FORMS):
        assert len({record.name for record in table}) == len(table)


def test_a_function_that_is_asked_for_in_words_of_people_gets_what_they_say() -> None:
    draw = Draw(random.Random(3))
    seen = 0
    for _ in range(300):
        asked = functions.request(draw, functions.toolkit(draw, people=0.5))
        assert all(each.written in asked.question for each in asked.filled)
        assert list(asked.arguments) == [field.key for field in asked.asked.parameters]
        seen += bool(asked.asked.texts)
    assert 100 < seen < 200


def test_a_form_may_ask_for_less_than_a_text_states() -> None:
    draw = Draw(random.Random(3))
    fewer = 0
    for _ in range(300):
        form = extraction.form(draw, people=0.5)
        text = extraction.text(draw, form)
        assert all(each.written in text.question for each in text.filled)
        assert list(text.answer) == [field.key for field in form.fields]
        fewer += len(form.fields) < len(form.stated)
    assert fewer > 10
