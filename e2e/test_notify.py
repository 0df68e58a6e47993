"""People are told of requests where they are, and answer from there; and nobody else does."""

import base64
import email
import email.policy
import json
import time

import pytest

from panguard_test import cards, until
from panguard_test.approver import POLICIES, UPDATE, Approver
from panguard_test.certificates import Authority
from panguard_test.channels import Mailbox, Receiver, Slack, call
from panguard_test.refusal import refusal
from panguard_test.upstream_http import Upstream



@pytest.fixture(scope="module")
def payments(cluster):
    """A database of its own: what is approved here changes it."""
    return cluster.upstream(cluster.create_database(cards.SEED), labels=["cde"], data=cards.DATA)


@pytest.fixture
def slack():
    with Slack() as slack:
        yield slack


@pytest.fixture
def receiver():
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def teams():
    with Upstream(lambda _: (202, {}, b"")) as teams:
        yield teams


@pytest.fixture
def mailbox():
    with Mailbox() as mailbox:
        yield mailbox


@pytest.fixture
def telling(make_gateway, issuer, payments, slack, receiver, teams, mailbox):
    """Starts a gateway that tells all four."""
    person = lambda name, *groups: {"subject": name, "groups": list(groups)}
    people = {"bea": person("bea", "owners"), "ada": person("ada", "owners", "agents"), "carl": person("carl", "owners"),
              "dan": person("dan", "owners"), "eve": person("eve", "agents")}
    channels = {
        "ops-slack": {"type": "slack", "api": f"{slack.url}/api", "token": {"secret": "slack-bot"}, "channel": "C0123ABCD",
                      "team": "T0123ABCD", "signing_secret": {"secret": "slack-signing"},
                      "people": {f"U01{name.upper()}": who for name, who in people.items()}},
        "ops-teams": {"type": "teams", "url": {"secret": "teams-url"}},
        "ci-hook": {"type": "webhook", "url": f"{receiver.url}/events", "key": {"secret": "hook-key"}, "people": people},
        "mail": {"type": "mail", "server": mailbox.address, "tls": "disable", "from": "panguard@example.com",
                 "to": ["ops@example.com", "dba@example.com"]},
    }

    def start(only=None, policies=POLICIES, **config):
        told = {name: channel for name, channel in channels.items() if only is None or name in only}
        both = {"payments": payments, "tickets": {**payments, "approvals": {"wait": False}}}
        notify = {"url": "https://panguard.example.com", "channels": told}
        gateway = make_gateway(policies=policies, connections=both, config={"notify": notify, **config}, start=False)
        for name, value in (("slack-bot", slack.token), ("slack-signing", slack.signing_secret),
                            ("teams-url", f"{teams.url}/workflows/abc?sig={TEAMS_SECRET}"), ("hook-key", receiver.key),
                            ("store", payments["password"])):
            gateway.run("secrets", "set", name, input=value)
        return gateway.start()

    return start


TEAMS_SECRET = "teams-signature-that-is-secret"


def asked(slack, about=""):
    """The id of the one request of which Slack has been told."""
    (message,) = until(lambda: slack.said(about=about), "Slack is told")
    return message["text"].rpartition("(")[2].rstrip(")")


def press(gateway, slack, request, **more):
    body = slack.pressed(request, **more)
    return call(gateway, "ops-slack", body, slack.signed(body))


def say(gateway, receiver, request, answer="approve", by="bea", **more):
    body = json.dumps({"request": request, "answer": answer, "by": by, **more}).encode()
    return call(gateway, "ci-hook", body, receiver.signed(body))


def entries(gateway, kind):
    return [line["entry"] for line in gateway.audit() if line["entry"]["event"]["type"] == kind]


def deliveries(gateway, issuer, request):
    owner = Approver(gateway, issuer.person("bea", groups=["owners"]))
    return {(it["channel"], it["event"]): it for it in owner.get(request)["deliveries"]}


# --- what is told ---------------------------------------------------------------------------------------


def test_a_request_appears_everywhere_and_a_button_lets_it_run(telling, slack, receiver, teams, mailbox, issuer, in_background):
    gateway = telling()
    with gateway.connect(issuer.agent(), "payments") as session:
        done = in_background(session.execute, UPDATE)
        request = asked(slack)
        until(lambda: receiver.requests and teams.requests and mailbox.mails, "all are told")
        shown = json.dumps(slack.said()[0])
        for part in (UPDATE, "agent reporter", "1 row of public.payments", f"panguard requests approve {request}", "ask-first"):
            assert part in shown, part
        assert not done.done()
        assert press(gateway, slack, request, comment="as agreed") == (200, {"counts": True, "state": "approved", "approvals": 1})
        assert done.result(10).rowcount == 1
    (answered,) = entries(gateway, "approval_answered")
    assert answered["principal"]["subject"] == "bea" and answered["event"]["comment"] == "as agreed"
    assert answered["client"] == "slack ops-slack" and answered["principal"]["token_id"].startswith("ops-slack:")
    (changed,) = until(lambda: [it for it in slack.said("chat.update") if "Approved and run" in it["text"]], "it is changed")
    assert changed["ts"] == "1700000000.000001" and changed["channel"] == "C0123ABCD"
    assert "panguard_approve" not in json.dumps(changed) and "approved by user bea: as agreed" in json.dumps(changed)
    until(lambda: receiver.events()[-1]["type"] == "approval.used", "the webhook is told")
    first = receiver.events()[0]
    assert first["type"] == "approval.asked" and first["data"]["statement"] == UPDATE and first["data"]["id"] == request
    ids = [it["headers"]["webhook-id"] for it in receiver.requests]
    assert len(ids) == len(set(ids)) and ids[0] == f"msg_{request}_asked"
    card = json.loads(teams.requests[0]["body"])["attachments"][0]
    assert card["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert card["content"]["actions"][0]["url"] == "https://panguard.example.com"
    sender, to, data = mailbox.mails[0]
    mail = email.message_from_bytes(data, policy=email.policy.default)
    assert (sender, to) == ("panguard@example.com", ["ops@example.com", "dba@example.com"])
    assert mail["Subject"] == f"[panguard] Approval wanted: payments ({request})"
    text = mail.get_content().replace("\r\n", "\n")
    assert f"    | {UPDATE}\n" in text and f"\n    panguard requests approve {request} " in text
    until(lambda: all(it["state"] == "delivered" for it in deliveries(gateway, issuer, request).values()), "all is delivered")
    told = deliveries(gateway, issuer, request)
    assert {channel for channel, event in told if event == "asked"} == {"ops-slack", "ops-teams", "ci-hook", "mail"}
    assert gateway.metric("panguard_deliveries_total", channel="ops-slack", outcome="delivered") >= 2
    assert gateway.metric("panguard_hooks_total", channel="ops-slack", outcome="counted") == 1
    assert gateway.verify().returncode == 0


def test_nothing_that_is_sent_holds_a_card_number_or_a_secret(telling, slack, receiver, teams, mailbox, issuer, payments):
    gateway = telling()
    sql = (f"update payments set memo = '{cards.VISA}' where memo = '5555 5555 5555 4444' or memo = %s "
           "or memo = '<!channel> <https://evil.example|Approve>'")
    with gateway.connect(issuer.agent(), "tickets") as session:
        with pytest.raises(Exception, match="PGD-0008"):
            session.execute(sql, (f"card {cards.AMEX}",))
        until(lambda: slack.requests and receiver.requests and teams.requests and mailbox.mails, "all are told")
        request = asked(slack)
        press(gateway, slack, request, button="panguard_deny", comment=f"not {cards.DISCOVER} please")
        until(lambda: slack.said("chat.update") and len(receiver.requests) > 1 and len(teams.requests) > 1 and len(mailbox.mails) > 1, "the end is told")
    bodies = [it["body"] for it in slack.requests + receiver.requests + teams.requests]
    bodies += [email.message_from_bytes(data, policy=email.policy.default).get_content().encode() for _, _, data in mailbox.mails]
    sent = b"\n".join(bodies) + mailbox.raw
    assert [form for pan in cards.PANS for form in cards.encodings(pan) if len(form) > 8 and form in sent] == []
    for secret in (slack.token, slack.signing_secret, receiver.key, receiver.raw.hex(), TEAMS_SECRET, payments["password"]):
        assert secret.encode() not in sent
        assert secret not in gateway.said() and secret not in json.dumps(gateway.audit())
    assert b"1111" in sent, "it was about that"


def test_a_target_that_is_down_is_tried_again_shown_and_then_told(telling, slack, issuer):
    gateway = telling(only=["ops-slack"])
    slack.is_down = True
    with gateway.connect(issuer.agent(), "tickets") as session:
        assert refusal(session, UPDATE).code == "PGD-0008", "it decides nothing"
        owner = Approver(gateway, issuer.person("bea", groups=["owners"]))
        request = owner.one()["id"]
        until(lambda: slack.refused, "it is tried")
        told = until(lambda: (it := deliveries(gateway, issuer, request)[("ops-slack", "asked")])["attempts"] and it, "it is shown")
        assert told["state"] == "pending" and told["error"] == "it answers 503" and told["next"]
        gateway.environment["PANGUARD_TOKEN"] = owner.token
        shown = gateway.run("requests", "show", request).stdout
        assert "told     ops-slack of `asked`: FAILED" in shown and "(it answers 503)" in shown
        assert gateway.metric("panguard_deliveries_total", channel="ops-slack", outcome="failed") >= 1
        assert "a channel was not told" in gateway.said()
        # What is to be told survives the gateway.
        gateway.kill()
    slack.is_down = False
    gateway.start()
    assert asked(slack) == request
    until(lambda: deliveries(gateway, issuer, request)[("ops-slack", "asked")]["state"] == "delivered", "it is noted")
    assert press(gateway, slack, request)[1]["state"] == "approved"
    with gateway.connect(issuer.agent(), "tickets") as session:
        session.execute(UPDATE)


def test_a_target_that_is_down_holds_up_no_command_and_what_is_over_is_not_told(telling, slack, receiver, issuer, in_background):
    gateway = telling(only=["ops-slack", "ci-hook"])
    slack.is_down = True
    owner = Approver(gateway, issuer.person("bea", groups=["owners"]))
    with gateway.connect(issuer.agent(), "payments") as session:
        done = in_background(session.execute, UPDATE)
        request = owner.one()["id"]
        until(lambda: slack.refused and receiver.requests, "it is tried")
        owner.approve(request)
        assert done.result(5).rowcount == 1
    slack.is_down = False
    until(lambda: (("ops-slack", "used") in (told := deliveries(gateway, issuer, request))
                   and told["ops-slack", "used"]["state"] == "dropped" and told["ops-slack", "asked"]["state"] == "dropped"),
          "there is no use in it any more", 20)
    assert slack.said() == []
    until(lambda: receiver.events()[-1]["type"] == "approval.used", "the other is told")


def test_a_channel_is_told_of_its_connections_alone_and_answers_no_others(telling, slack, receiver, issuer):
    gateway = telling()
    channels = gateway.extra["notify"]["channels"]
    channels["ops-slack"]["connections"] = ["payments"]
    gateway.write_config(notify={"channels": {name: channels[name] for name in ("ops-slack", "ci-hook")}})
    gateway.reload()
    until(lambda: "configuration in force" in gateway.said(), "it is in force")
    with gateway.connect(issuer.agent(), "tickets") as session:
        refusal(session, UPDATE)
    request = until(receiver.events, "the other is told")[0]["data"]["id"]
    assert slack.said() == []
    status, said = press(gateway, slack, request)
    assert (status, said["counts"]) == (200, False) and "no such request" in said["why"]
    assert say(gateway, receiver, request)[0] == 200


def test_a_webhook_is_told_by_tls_if_its_certificate_is_right(make_gateway, issuer, payments, tmp_path):
    authority, other = Authority(tmp_path), Authority(tmp_path, "another authority")
    with Receiver(tls=authority.issue("127.0.0.1", stem="hook")) as receiver:
        hook = {"type": "webhook", "url": f"{receiver.url}/events", "key": {"secret": "hook-key"}}
        channels = {"hook": {**hook, "ca": str(authority.file)}, "other": {**hook, "ca": str(other.file)}}
        gateway = make_gateway(policies=POLICIES, connections={"payments": {**payments, "approvals": {"wait": False}}},
                               config={"notify": {"channels": channels}}, start=False)
        gateway.run("secrets", "set", "hook-key", input=receiver.key)
        gateway.start()
        with gateway.connect(issuer.agent()) as session:
            refusal(session, UPDATE)
        request = until(receiver.events, "it is told")[0]["data"]["id"]
        failed = until(lambda: (it := deliveries(gateway, issuer, request)["other", "asked"])["attempts"] and it, "the other is tried")
        assert failed["error"] == "it cannot be reached" and len(receiver.requests) == 1


def test_mail_goes_by_tls_to_whom_it_is_meant_for_or_not_at_all(make_gateway, issuer, payments, tmp_path):
    authority, other = Authority(tmp_path), Authority(tmp_path, "another authority")
    certificate = authority.issue("127.0.0.1", stem="mail")
    with Mailbox(tls=certificate) as box, Mailbox(tls=certificate) as refused, Mailbox() as plain:
        mail = {"type": "mail", "tls": "implicit", "user": "panguard", "password": {"secret": "smtp"},
                "from": "panguard@example.com", "to": ["ops@example.com"]}
        channels = {"mail": {**mail, "server": box.address, "ca": str(authority.file)},
                    "other": {**mail, "server": refused.address, "ca": str(other.file)},
                    "plain": {**mail, "server": plain.address, "tls": "starttls", "ca": str(authority.file)}}
        gateway = make_gateway(policies=POLICIES, connections={"payments": {**payments, "approvals": {"wait": False}}},
                               config={"notify": {"channels": channels}}, start=False)
        gateway.run("secrets", "set", "smtp", input="the password of the mail server")
        gateway.start()
        with gateway.connect(issuer.agent()) as session:
            refusal(session, UPDATE)
        until(lambda: box.mails, "the mail is sent")
        request = Approver(gateway, issuer.person("bea", groups=["owners"])).one()["id"]
        tried = lambda: (told := deliveries(gateway, issuer, request)) and all(it["attempts"] for it in told.values()) and told
        told = until(tried, "all are tried")
        assert told["mail", "asked"]["state"] == "delivered"
        assert "its certificate is not accepted" in told["other", "asked"]["error"]
        assert "no STARTTLS" in told["plain", "asked"]["error"]
        assert b"AUTH PLAIN" in box.raw and base64.b64encode(b"\0panguard\0the password of the mail server") in box.raw
        assert not refused.mails and not plain.mails and b"AUTH" not in refused.raw + plain.raw
        assert "password of the mail" not in gateway.said()


# --- who answers ------------------------------------------------------------------------------------------


def test_a_forged_stale_or_replayed_message_of_slacks_counts_for_nothing(telling, slack, issuer):
    gateway = telling(only=["ops-slack"])
    with gateway.connect(issuer.agent(), "tickets") as session:
        refusal(session, UPDATE)
    request = asked(slack)
    body = slack.pressed(request)
    good = slack.signed(body)
    other = slack.pressed(request, button="panguard_deny")
    forged = [
        (body, slack.signed(body, secret="0" * 32)),
        (other, good),
        (body, slack.signed(body, at=time.time() - 301)),
        (body, slack.signed(body, at=time.time() + 310)),
        (body, {**good, "X-Slack-Request-Timestamp": str(int(good["X-Slack-Request-Timestamp"]) + 1)}),
        (body, {name: value for name, value in good.items() if name != "X-Slack-Signature"}),
        (body, {**good, "X-Slack-Signature": "v0="}),
    ]
    answers = [call(gateway, "ops-slack", *it) for it in forged]
    answers += [call(gateway, name, body, good) for name in ("no-such-hook", "x" * 3000)]
    assert {status for status, _ in answers} == {401}
    assert len({json.dumps(document) for _, document in answers}) == 1, "and nothing that helps a forger"
    owner = Approver(gateway, issuer.person("dan", groups=["owners"]))
    assert owner.get(request)["answers"] == []
    failed = entries(gateway, "authentication_failed")
    assert len(failed) == len(answers)
    reasons = " ".join(entry["event"]["reason"] for entry in failed)
    for why in ("signature is not right", "time is not now", "not there once", "no such hook"):
        assert why in reasons
    assert call(gateway, "ops-slack", body, good)[1]["counts"]
    # The same message again, however its signature is written; and after a restart.
    upper = {**good, "X-Slack-Signature": "v0=" + good["X-Slack-Signature"][3:].upper()}
    assert [call(gateway, "ops-slack", body, it)[0] for it in (good, upper)] == [401, 401]
    gateway.kill()
    gateway.start()
    assert call(gateway, "ops-slack", body, good)[0] == 401
    assert "has come before" in entries(gateway, "authentication_failed")[-1]["event"]["reason"]
    assert len(entries(gateway, "approval_answered")) == 1


def test_a_replay_at_another_gateway_is_refused_too(telling, slack, issuer, cluster):
    store = cluster.create_database("")
    url = f"postgres://app_rw@127.0.0.1:{cluster.port}/{store}?sslmode=disable"
    with cluster.connect(store) as server:
        server.execute(f'grant create on database "{store}" to app_rw')
    one, other = telling(only=["ops-slack"], store=url), telling(only=["ops-slack"], store=url)
    with one.connect(issuer.agent(), "tickets") as session:
        refusal(session, UPDATE)
    request = asked(slack)
    body = slack.pressed(request)
    good = slack.signed(body)
    # Answered at the one that was not asked, which has told nobody.
    status, said = call(other, "ops-slack", body, good)
    assert (status, said["counts"]) == (200, True), said
    assert [call(gateway, "ops-slack", body, good)[0] for gateway in (one, other)] == [401, 401]
    until(lambda: slack.said("chat.update"), "the one that has told of it changes it")
    assert len(slack.said()) == 1
    with one.connect(issuer.agent(), "tickets") as session:
        session.execute(UPDATE)


def test_somebody_whom_nobody_knows_is_told_so_and_counts_for_nothing(telling, slack, receiver, issuer):
    gateway = telling()
    with gateway.connect(issuer.agent(), "tickets") as session:
        refusal(session, UPDATE)
    request = asked(slack)
    for more in ({"user": "U0MALLORY"}, {"team": "T0456XYZ"}):
        status, said = press(gateway, slack, request, **more)
        assert (status, said["counts"]) == (200, False) and "does not know" in said["why"]
    whispers = until(lambda: len(it := slack.said("chat.postEphemeral")) == 2 and it, "they are told")
    assert {it["user"] for it in whispers} == {"U0MALLORY", "U01BEA"} and "does not know" in json.dumps(whispers[0])
    assert say(gateway, receiver, request, by="mallory")[0] == 403
    failed = entries(gateway, "authentication_failed")
    assert [entry["event"]["claimed_user"] for entry in failed] == ["U0MALLORY", "U01BEA", "mallory"]
    assert entries(gateway, "approval_answered") == []


def test_nobody_answers_for_themselves_or_for_whom_they_lent_access(telling, slack, receiver, issuer, in_background):
    gateway = telling(only=["ops-slack", "ci-hook"])
    with gateway.connect(issuer.person("ada", groups=["agents", "owners"]), "payments") as session:
        done = in_background(session.execute, UPDATE)
        request = asked(slack)
        status, said = press(gateway, slack, request, user="U01ADA")
        assert (status, said["counts"]) == (200, False) and "your own request" in said["why"]
        status, problem = say(gateway, receiver, request, by="ada")
        assert (status, problem["type"]) == (403, "urn:panguard:console:own")
        assert not done.done()
        press(gateway, slack, request)
        done.result(10)
    lent = issuer.token("carl", agent_id="helper", groups=["agents", "owners"], act={"sub": "service-helper"})
    with gateway.connect(lent, "tickets") as session:
        refusal(session, UPDATE.replace("id = 1", "id = 2"))
    request = asked(slack, "id = 2")
    assert not press(gateway, slack, request, user="U01CARL")[1]["counts"]
    # Policy does not let her, so that there is no such request for her.
    assert "no such request" in press(gateway, slack, request, user="U01EVE")[1]["why"]
    assert press(gateway, slack, request)[1]["counts"]
    assert "agreed" not in gateway.said()


def test_two_people_are_two_whatever_way_they_come_by(telling, slack, receiver, issuer):
    gateway = telling(only=["ops-slack", "ci-hook"])
    with gateway.connect(issuer.person("zoe", groups=["agents", "owners"]), "tickets") as session:
        refusal(session, "create table approved_by_two_channels (id int)")
    request = asked(slack)
    assert press(gateway, slack, request)[1] == {"counts": True, "state": "waiting", "approvals": 1}
    until(lambda: "1 of 2" in json.dumps(slack.said("chat.postEphemeral")), "she is told that it is one of two")
    status, problem = say(gateway, receiver, request, by="bea")
    assert (status, problem["type"]) == (409, "urn:panguard:console:twice")
    assert Approver(gateway, issuer.person("bea", groups=["owners"])).approve(request)[0] == 409
    assert say(gateway, receiver, request, by="dan")[1]["state"] == "approved"


def test_a_policy_that_wants_to_know_how_somebody_signed_in_takes_no_hook(telling, slack, issuer):
    fresh = POLICIES + """
        @id("fresh") forbid (principal, action == Action::"approve", resource) unless { context.signed_in_seconds >= 0 };
    """
    gateway = telling(only=["ops-slack"], policies=fresh)
    with gateway.connect(issuer.agent(), "tickets") as session:
        refusal(session, UPDATE)
    request = asked(slack)
    said = press(gateway, slack, request)[1]
    assert not said["counts"] and "policy does not let you" in said["why"]
    owner = Approver(gateway, issuer.person("bea", groups=["owners"], auth_time=int(time.time())))
    assert owner.approve(request)[0] == 200


def test_what_is_not_shown_whole_is_not_approved_from_there(telling, slack, receiver, issuer):
    gateway = telling(only=["ops-slack", "ci-hook"])
    with gateway.connect(issuer.agent(), "tickets") as session:
        refusal(session, UPDATE + " and memo <> '" + "long " * 1000 + "'")
    request = asked(slack)
    message = json.dumps(slack.said()[0])
    assert "not all of it" in message and "panguard_approve" not in message and "panguard_deny" in message
    said = press(gateway, slack, request)[1]
    assert not said["counts"] and "not all of the command is shown" in said["why"]
    assert say(gateway, receiver, request)[0] == 200, "which was shown all"


# --- the webhook in -----------------------------------------------------------------------------------------


def test_a_broken_glass_is_told_at_once_and_so_is_its_review(telling, slack, receiver, teams, mailbox, issuer, in_background):
    oncall = """permit (principal in Group::"oncall", action == Action::"break_glass", resource);"""
    gateway = telling(policies=POLICIES + oncall)
    with gateway.connect(issuer.agent(), "payments") as session:
        done = in_background(session.execute, UPDATE)
        request = asked(slack)
        ona = Approver(gateway, issuer.person("ona", groups=["oncall"]))
        assert ona.ask("POST", f"/api/requests/{request}/break-glass", {"comment": "the site is down"})[0] == 200
        assert done.result(10).rowcount == 1
    told = lambda text: (text in json.dumps(slack.said()) and text in json.dumps([it["body"].decode() for it in teams.requests])
                         and any(text in str(mail) for mail in mailbox.mails))
    until(lambda: told("THE GLASS IS BROKEN"), "it is told everywhere")
    until(lambda: "approval.glass_broken" in [it["type"] for it in receiver.events()], "systems too")
    bea = Approver(gateway, issuer.person("bea", groups=["owners"]))
    assert bea.ask("POST", f"/api/requests/{request}/review", {"comment": "it was"})[0] == 200
    until(lambda: "approval.reviewed" in [it["type"] for it in receiver.events()], "and so is the review")


def test_access_for_a_time_is_given_from_a_chat(telling, slack, receiver, issuer):
    grant = """permit (principal in Group::"owners", action == Action::"grant", resource);"""
    gateway = telling(only=["ops-slack", "ci-hook"], policies=POLICIES + grant)
    agent = issuer.agent()
    wish = {"connection": "tickets", "actions": ["write"], "objects": ["public.payments"], "seconds": 600, "reason": "INC-4711"}
    assert Approver(gateway, agent).ask("POST", "/api/requests", wish)[0] == 200
    request = asked(slack, "access: write on public.payments for 10 min")
    assert press(gateway, slack, request)[1]["state"] == "approved"
    with gateway.connect(agent, "tickets") as session:
        assert session.execute(UPDATE).rowcount == 1


def test_a_signed_webhook_approves_and_denies(telling, slack, receiver, issuer, in_background):
    gateway = telling(only=["ops-slack", "ci-hook"])
    with gateway.connect(issuer.agent(), "payments") as session:
        done = in_background(session.execute, UPDATE)
        request = until(receiver.events, "it is told")[0]["data"]["id"]
        assert say(gateway, receiver, request, comment="CHG-1812")[1]["state"] == "approved"
        assert done.result(10).rowcount == 1
        said = in_background(refusal, session, UPDATE.replace("id = 1", "id = 3"))
        request = asked(slack, "id = 3")
        assert say(gateway, receiver, request, "deny", comment="by its number, please")[1]["state"] == "denied"
        told = said.result(10)
        assert told.code == "PGD-0021" and "by its number, please" in str(told)
        assert say(gateway, receiver, request)[0] == 409


def test_a_forged_stale_or_replayed_webhook_counts_for_nothing(telling, receiver, issuer):
    gateway = telling(only=["ci-hook"])
    with gateway.connect(issuer.agent(), "tickets") as session:
        refusal(session, UPDATE)
    event = until(receiver.events, "it is told")[0]
    request = event["data"]["id"]
    body = json.dumps({"request": request, "answer": "approve", "by": "bea"}).encode()
    good = receiver.signed(body, id="msg_1")
    for it in (receiver.signed(body, raw=b"0" * 32), receiver.signed(body, at=time.time() - 301), {**good, "webhook-id": "msg_2"},
               {**good, "webhook-signature": "v1,"}, {"Content-Type": "application/json"},
               {**good, "webhook-signature": good["webhook-signature"].replace("v1,", "v2,")}):
        assert call(gateway, "ci-hook", body, it)[0] == 401
    # What panguard itself has signed is no answer.
    sent = receiver.requests[0]
    back = {name: sent["headers"][name] for name in ("webhook-id", "webhook-timestamp", "webhook-signature")}
    assert call(gateway, "ci-hook", sent["body"], back)[0] == 400
    for document in ({}, {"request": request, "answer": "maybe", "by": "bea"}, {"request": request, "answer": "approve", "by": "bea", "x": 1}):
        wrong = json.dumps(document).encode()
        assert call(gateway, "ci-hook", wrong, receiver.signed(wrong))[0] == 400
    long = body + b" " * (64 << 10)
    assert call(gateway, "ci-hook", long, receiver.signed(long))[0] == 413
    assert entries(gateway, "approval_answered") == []
    assert call(gateway, "ci-hook", body, good)[0] == 200
    more = {**good, "webhook-signature": "v1,AAAA " + good["webhook-signature"]}
    assert [call(gateway, "ci-hook", body, it)[0] for it in (good, more)] == [401, 401]


# --- the set-up -------------------------------------------------------------------------------------------


def test_check_says_what_is_wrong_with_a_channel(make_gateway):
    gateway = make_gateway(start=False)
    slack = {"type": "slack", "token": {"secret": "t"}, "channel": "C0123ABCD"}
    hook = {"type": "webhook", "url": "https://example.com/x", "key": {"secret": "k"}}
    mail = {"type": "mail", "server": "smtp.internal:587", "from": "a@example.com", "to": ["b@example.com"]}
    for channel, told in (
            ({**slack, "token": "xoxb-12-secret"}, "secrets are never in this file"),
            ({**slack, "channel": "#ops"}, "no id of Slack's"),
            ({**slack, "people": {"U01BEA": {"subject": "bea"}}}, "without a `signing_secret` anybody could answer"),
            ({**slack, "server": "x:1"}, "`server` is not for `slack`"),
            ({**slack, "chanel": "x"}, "unknown key `chanel`"),
            ({"type": "teams", "url": "https://example.com/workflow?sig=secret"}, "secrets are never in this file"),
            ({"type": "teams", "url": {"secret": "u"}, "people": {"bea": {"subject": "bea"}}}, "`people` is not for `teams`"),
            ({**hook, "url": "http://example.com/x"}, "plain text is refused off loopback"),
            ({**hook, "people": {"bea": {"subject": "bea", "issuer": "https://other"}}}, "none of the issuers"),
            ({**hook, "people": {"bea": {"subject": "bea", "person": "b@x"}}}, "no `person_claim`"),
            ({**hook, "connections": ["other"]}, "none of the `connections`"),
            ({**mail, "tls": "disable"}, "plain text is refused off loopback"),
            ({**mail, "to": ["b@example.com\r\nBcc: eve@example.com"]}, "is no address"),
            ({"type": "pager"}, "no type of channel")):
        gateway.write_config(notify={"channels": {"ops": channel}})
        said = gateway.run("check", check=False)
        assert said.returncode == 2 and told in said.stdout + said.stderr, (channel, said.stdout, said.stderr)
        assert "xoxb" not in said.stdout + said.stderr and "sig=secret" not in said.stdout + said.stderr
    for channel in (slack, hook, mail, {"type": "teams", "url": {"secret": "u"}}):
        gateway.write_config(notify={"channels": {"ops": channel}})
        assert gateway.run("check", check=False).returncode == 0, channel
