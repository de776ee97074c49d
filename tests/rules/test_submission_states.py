"""The table of a submission's states."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import errors
from trust.submissions import rules
from trust.submissions.rules import Action, Standing, State, after, file_name, may, next_step, reason_given


class TestAfter:
    @given(st.lists(st.sampled_from(list(Action)), max_size=12))
    def test_never_leaves_the_table(self, actions):
        state = State.CHECKING
        for action in actions:
            if may(state, action):
                state = after(state, action)

        assert state in State

    @pytest.mark.parametrize("state", [State.REFUSED, State.ACCEPTED, State.WITHDRAWN])
    def test_has_no_way_out_of_an_end(self, state):
        assert not any(may(state, action) for action in Action)

    def test_refuses_what_is_not_in_the_table(self):
        with pytest.raises(errors.Conflict) as refusal:
            after(State.WAITING_FOR_CALL, Action.ACCEPT)

        assert refusal.value.code == "submission_waiting_for_call"


class TestNextStep:
    @pytest.mark.parametrize(
        ("key", "anchors", "step"),
        [
            (Standing.UNHEARD, [Standing.UNHEARD], Action.ASK_FOR_CALL),
            (Standing.HEARD, [Standing.VERIFIED], Action.ASK_FOR_CALL),
            (Standing.VERIFIED, [Standing.UNHEARD, Standing.VERIFIED], Action.ASK_FOR_CALL),
            (Standing.VERIFIED, [Standing.HEARD, Standing.VERIFIED], Action.ASK_FOR_APPROVAL),
            (Standing.VERIFIED, [], Action.ASK_FOR_APPROVAL),
            (Standing.VERIFIED, [Standing.VERIFIED, Standing.QUARANTINED], Action.QUARANTINE),
            (Standing.QUARANTINED, [Standing.VERIFIED], Action.QUARANTINE),
        ],
    )
    def test_is_what_is_missing(self, key, anchors, step):
        assert next_step(key, anchors) is step


class TestFileName:
    @pytest.mark.parametrize(
        ("given", "shown"),
        [
            ("bundle.pem", "bundle.pem"),
            ("C:\\keys\\bundle.pem", "bundle.pem"),
            ("../../etc/passwd", "passwd"),
            ('a"b\r\nc<script>.pem', "a_b__c_script_.pem"),
            ("\u202egpj.pem", "_gpj.pem"),
            ("", "upload"),
            ("...", "upload"),
            ("x" * 500, "x" * 120),
        ],
    )
    def test_is_only_a_plain_name(self, given, shown):
        assert file_name(given) == shown


class TestReasonGiven:
    @pytest.mark.parametrize("text", ["", "   ok    ", "x" * 2001])
    def test_refuses_what_tells_nobody_anything(self, text):
        with pytest.raises(errors.Invalid):
            reason_given(text)


class TestScope:
    """Which of the partner's stores a bundle is for."""

    NOTHING = rules.Scope()

    def test_is_production_and_both_purposes_when_nobody_says_more(self):
        assert rules.scope(self.NOTHING, self.NOTHING) == rules.Scope("prod", "both")

    def test_is_what_the_signed_manifest_says_and_else_what_came_with_the_file(self):
        signed = rules.Scope("test", "")

        assert rules.scope(rules.Scope("", "client"), signed) == rules.Scope("test", "client")
        assert rules.scope(rules.Scope("test", "client"), signed) == rules.Scope("test", "client")

    @pytest.mark.parametrize(
        "given", [rules.Scope("prod", ""), rules.Scope("", "server"), rules.Scope("prod", "server")]
    )
    def test_is_never_another_than_the_manifest_says(self, given):
        with pytest.raises(errors.Invalid) as refused:
            rules.scope(given, rules.Scope("test", "client"))

        said = {name for name in ("environment", "purpose") if getattr(given, name)}
        assert set(refused.value.fields) == said

    @pytest.mark.parametrize(
        "name", ["Test", "te st", "1st", "a" * 21, "prod-client", "prod_client", "é", "te/st", "test\n"]
    )
    def test_takes_no_name_that_could_be_read_as_another_stores(self, name):
        with pytest.raises(errors.Invalid) as refused:
            rules.scope(rules.Scope(name, ""), self.NOTHING)

        assert list(refused.value.fields) == ["environment"]

    def test_takes_no_other_purpose(self):
        with pytest.raises(errors.Invalid) as refused:
            rules.scope(rules.Scope("", "all"), self.NOTHING)

        assert list(refused.value.fields) == ["purpose"]
