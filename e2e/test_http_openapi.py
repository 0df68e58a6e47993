"""A web framework as the SaaS, and the OpenAPI document that it makes of itself: operations, parameters, masks."""

import json
import pathlib
import threading
from typing import Annotated

import pytest
import requests
import uvicorn
import yaml
from fastapi import FastAPI, Header, Query, Request, Response
from pydantic import BaseModel, Field

from panguard_test import cards, until
from panguard_test.process import free_port

HOLDER = "Ada Byrne"

POLICIES = """
@id("agents-work")
permit (principal in Group::"agents", action in [Action::"connect", Action::"read"], resource in Connection::"saas");

@id("agents-make-cards")
permit (principal in Group::"agents", action == Action::"write", resource is Endpoint in Connection::"saas")
when { ["makeCard", "logIn", "pay"].contains(resource.operation) };

@id("small-amounts")
forbid (principal, action == Action::"write", resource is Endpoint)
when { resource.operation == "pay" && !(context.numbers.hasTag("body.$.amount") && context.numbers.getTag("body.$.amount") <= 500) };

@id("not-card-9")
forbid (principal is Agent, action, resource is Endpoint)
when { context.parameters.hasTag("card_id") && context.parameters.getTag("card_id") == ["9"] };

@id("no-secret-route")
forbid (principal, action, resource == Endpoint::"saas/GET /vault/{item}");

@id("support-reveals")
permit (principal in Group::"support", action == Action::"reveal", resource)
when { resource == DataClass::"saas/cardholder_name" || resource == DataClass::"saas/loyalty" };

@id("debug-parameter")
permit (principal in Group::"debuggers", action == Action::"use_feature", resource == Feature::"unknown query parameter");

@id("unknown-operations")
permit (principal in Group::"debuggers", action == Action::"use_feature", resource == Feature::"unknown operation");
"""


class Card(BaseModel):
    id: int
    # No card number by its looks, as a number of a brand that no scan knows.
    number: str = Field(json_schema_extra={"x-data-class": "pan"})
    owner: str = Field(json_schema_extra={"x-data-class": "cardholder_name"})
    code: str | None = Field(default=None, json_schema_extra={"x-data-class": "sad"})
    points: int = Field(default=0, json_schema_extra={"x-data-class": "loyalty"})
    label: str = "fine"


class Tree(BaseModel):
    card: Card
    below: list["Tree"] = []


class NewCard(BaseModel):
    owner: str = Field(json_schema_extra={"x-data-class": "cardholder_name"})
    label: str = ""


class Login(BaseModel):
    name: str
    phrase: str = Field(json_schema_extra={"writeOnly": True})


class Session(BaseModel):
    name: str
    phrase: str | None = Field(default=None, json_schema_extra={"writeOnly": True})


class Payment(BaseModel):
    amount: int


def card(id):
    return Card(id=id, number="ZX-7788-1199-4242", owner=HOLDER, code="none yet", points=4711)


def make_app():
    app = FastAPI(title="Cards")
    app.state.seen = []

    @app.middleware("http")
    async def note(request: Request, call_next):
        app.state.seen.append(f"{request.method} {request.url.path}")
        return await call_next(request)

    @app.get("/cards/{card_id}", operation_id="getCard", response_model=Card)
    def get_card(card_id: int, response: Response, expand: str = ""):
        response.headers["X-Expand"] = expand
        return card(card_id)

    @app.get("/cards", operation_id="listCards", response_model=dict[str, list[Card]])
    def list_cards(owner: Annotated[str, Query(json_schema_extra={"x-data-class": "cardholder_name"})] = "",
                   x_tenant: Annotated[str, Header()] = ""):
        return {"cards": [card(1), card(2)]}

    @app.post("/cards", operation_id="makeCard", response_model=Card)
    def make_card(new: NewCard):
        return card(3).model_copy(update={"owner": new.owner})

    @app.get("/tree", operation_id="getTree", response_model=Tree)
    def tree():
        return Tree(card=card(1), below=[Tree(card=card(2), below=[Tree(card=card(3))])])

    @app.post("/login", operation_id="logIn", response_model=Session)
    def log_in(login: Login):
        return Session(name=login.name, phrase=login.phrase)

    @app.post("/pay", operation_id="pay")
    def pay(payment: Payment):
        return {"paid": payment.amount}

    @app.get("/vault/{item}", operation_id="getItem")
    def get_item(item: str):
        return {"item": item}

    @app.get("/internal", include_in_schema=False)
    def internal():
        return {"nested": {"owner": HOLDER, "ok": True}}

    return app


class Saas:
    """The framework behind uvicorn, on loopback."""

    def __init__(self):
        self.app, self.port = make_app(), free_port()
        self.server = uvicorn.Server(uvicorn.Config(self.app, port=self.port, log_level="error", lifespan="off"))
        self.thread = threading.Thread(target=self.server.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        until(lambda: self.server.started, "the SaaS is up", 15)
        return self

    def __exit__(self, *_):
        self.server.should_exit = True
        self.thread.join(10)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def document(self):
        return requests.get(f"{self.url}/openapi.json", timeout=10).json()

    def seen(self):
        """What it was asked, from now on forgotten."""
        seen, self.app.state.seen[:] = list(self.app.state.seen), []
        return seen


@pytest.fixture(scope="module")
def saas():
    with Saas() as saas:
        yield saas


class Client:
    def __init__(self, gateway, issuer):
        self.gateway, self.issuer = gateway, issuer

    def __call__(self, method, path, groups=("agents",), **more):
        token = self.issuer.agent(groups=list(groups))
        headers = {"Authorization": f"Bearer {token}", **more.pop("headers", {})}
        return requests.request(method, self.gateway.url("saas", path), headers=headers, timeout=20, **more)


@pytest.fixture
def guarded(saas, make_gateway, tmp_path):
    """A gateway before the SaaS with its document. `unknown` as in the configuration."""

    def make(document=None, unknown=None, start=True, name="openapi.json", **more):
        file = tmp_path / name
        text = document if isinstance(document, str) else json.dumps(document or saas.document(), indent=1)
        file.write_text(text)
        openapi = {"document": str(file), **({"unknown": unknown} if unknown else {})}
        gateway = make_gateway(POLICIES, {"saas": {"type": "http", "base_url": saas.url, "openapi": openapi, **more}},
                               start=start)
        gateway.document = file
        saas.seen()
        return gateway

    return make


@pytest.fixture
def ask(guarded, issuer):
    return Client(guarded(), issuer)


# --- operations ------------------------------------------------------------------------------------------


def test_a_request_is_decided_upon_and_recorded_as_its_operation(ask, saas):
    assert ask("GET", "/cards/7").status_code == 200
    refused = ask("GET", "/cards/9")
    assert refused.status_code == 403 and "not-card-9" in refused.text
    assert ask("GET", "/vault/x").status_code == 403
    assert saas.seen() == ["GET /cards/7"]
    recorded = json.dumps(ask.gateway.audit())
    assert recorded.count("endpoint GET /cards/{card_id}") >= 2 and "endpoint GET /vault/{item}" in recorded


def test_what_the_document_does_not_know_is_refused_and_never_sent(ask, saas):
    for method, path in [("GET", "/internal"), ("GET", "/cards/7/"), ("DELETE", "/cards/7"), ("GET", "/CARDS/7"),
                         ("GET", "/cards/7/number"), ("GET", "/docs"), ("OPTIONS", "/cards")]:
        refused = ask(method, path)
        assert refused.status_code == 403 and refused.json()["code"] == "PGD-0007", (method, path, refused.text)
        assert "unknown operation" in refused.text, refused.text
    refused = ask("GET", "/cards/7?expand=owner&debug=1")
    assert refused.json()["code"] == "PGD-0007" and "unknown query parameter" in refused.text
    refused = ask("POST", "/cards", data="<owner/>", headers={"Content-Type": "text/xml"})
    assert refused.json()["code"] == "PGD-0007" and "undeclared content type" in refused.text
    assert saas.seen() == []
    assert ask("GET", "/cards/7?expand=owner").headers["x-expand"] == "owner"
    assert ask("HEAD", "/cards/7").status_code in (200, 405)


def test_policy_may_allow_by_name_what_the_document_does_not_know(ask):
    assert ask("GET", "/cards/7?debug=1", groups=("agents", "debuggers")).status_code == 200
    unknown = ask("GET", "/internal", groups=("agents", "debuggers"))
    # What is labelled in any answer is masked in one that nobody knows.
    assert unknown.json() == {"nested": {"owner": "****", "ok": True}}


def test_with_unknown_allow_requests_are_decided_upon_as_without_a_document(guarded, issuer):
    ask = Client(guarded(unknown="allow"), issuer)
    assert ask("GET", "/internal").json() == {"nested": {"owner": "****", "ok": True}}
    assert ask("GET", "/cards/7?debug=1").json()["owner"] == "****"


def test_numbers_of_a_body_are_bounded_by_operation(ask, saas):
    assert ask("POST", "/pay", json={"amount": 500}).json() == {"paid": 500}
    assert ask("POST", "/pay", json={"amount": 501}).status_code == 403
    assert saas.seen() == ["POST /pay"]


# --- masks -----------------------------------------------------------------------------------------------

MASKED = {"id": 1, "owner": "****", "code": None, "points": "****", "label": "fine"}


def clear(told):
    """Whatever stands for the number, it is not the number."""
    assert "7788" not in json.dumps(told) and HOLDER not in json.dumps(told), told
    return told


def test_what_the_document_labels_is_masked_in_every_shape(ask):
    one = clear(ask("GET", "/cards/1").json())
    assert {key: value for key, value in one.items() if key != "number"} == MASKED
    several = clear(ask("GET", "/cards").json())["cards"]
    assert [(it["id"], it["owner"], it["points"]) for it in several] == [(1, "****", "****"), (2, "****", "****")]
    tree = clear(ask("GET", "/tree").json())
    assert tree["below"][0]["below"][0]["card"]["owner"] == "****"
    assert tree["below"][0]["below"][0]["card"]["label"] == "fine"


def test_whoever_may_reveal_a_class_sees_it_and_nobody_card_codes(ask):
    one = ask("GET", "/cards/1", groups=("agents", "support")).json()
    assert (one["owner"], one["points"], one["code"]) == (HOLDER, 4711, None)
    assert "7788" not in json.dumps(one)


def test_what_is_written_only_never_comes_back(ask):
    assert ask("POST", "/login", json={"name": "ada", "phrase": "open sesame"}).json() == {"name": "ada", "phrase": "****"}


def test_labelled_values_of_requests_are_sent_and_recorded_nowhere(ask, saas):
    made = ask("POST", "/cards", json={"owner": "Zebedee Quux", "label": "new"})
    assert made.status_code == 200 and made.json()["owner"] == "****"
    assert ask("GET", "/cards", params={"owner": "Zebedee Quux"}).status_code == 200
    assert ask("POST", "/login", json={"name": "ada", "phrase": "open sesame"}).status_code == 200
    assert saas.seen() == ["POST /cards", "GET /cards", "POST /login"]
    ask.gateway.stop()
    files = [path for path in ask.gateway.data.rglob("*") if path.is_file()] + [ask.gateway.log]
    for path in files:
        content = path.read_bytes()
        assert b"Zebedee" not in content and b"open sesame" not in content, path


def test_a_mask_is_not_written_back(ask, saas):
    refused = ask("POST", "/cards", json={"owner": "****", "label": "new"})
    assert refused.status_code == 422 and refused.json()["code"] == "PGD-0018", refused.text
    assert saas.seen() == []


# --- the document ----------------------------------------------------------------------------------------


def test_a_document_in_yaml_says_the_same(guarded, saas, issuer):
    ask = Client(guarded(yaml.safe_dump(saas.document()), name="openapi.yaml"), issuer)
    assert ask("GET", "/cards/1").json()["owner"] == "****"
    assert ask("GET", "/internal").json()["code"] == "PGD-0007"


def test_a_changed_document_is_in_force_and_a_bad_one_is_not(guarded, saas, issuer):
    gateway = guarded()
    ask = Client(gateway, issuer)
    assert ask("GET", "/internal").status_code == 403
    document = saas.document()
    document["paths"]["/internal"] = {"get": {"operationId": "internal", "responses": {"200": {}}}}
    replace(gateway.document, json.dumps(document))
    until(lambda: ask("GET", "/internal").status_code == 200, "the new document is in force", 15)
    assert ask("GET", "/internal").json()["nested"]["owner"] == HOLDER
    before = len(gateway.said())
    replace(gateway.document, json.dumps({"swagger": "2.0"}))
    until(lambda: "Swagger 2.0" in gateway.said()[before:], "the bad document is logged", 15)
    assert ask("GET", "/internal").status_code == 200


def replace(path, text):
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)


@pytest.mark.parametrize("change, line, said", [
    ('"openapi": "3.1.0"', 2, "only OpenAPI 3.0 and 3.1 are read"),
    ('"#/components/schemas/Card"', None, "only references within the document are followed"),
    ('"cardholder_name"', None, "is no data class"),
])
def test_check_says_what_is_wrong_with_a_document_and_where(guarded, saas, change, line, said):
    to = {"only OpenAPI 3.0 and 3.1 are read": '"openapi": "4.0.0"', "is no data class": '"Card Holder"'}
    text = json.dumps(saas.document(), indent=1)
    assert change in text
    text = text.replace(change, to.get(said, '"cards.json#/Card"'), 1)
    gateway = guarded(text, start=False)
    done = gateway.run("check", check=False)
    assert done.returncode == 2 and said in done.stderr, done.stderr
    line = line or next(at for at, written in enumerate(text.splitlines(), 1) if to.get(said, "cards.json") in written)
    assert f"{gateway.document}:{line}: " in done.stderr


def test_check_takes_a_good_document(guarded):
    assert guarded(start=False).run("check").returncode == 0


def test_what_a_request_would_come_to_is_explained_and_nothing_sent(guarded, saas, tmp_path):
    gateway = guarded(start=False)

    def explain(*more, check):
        done = gateway.run("policy", "explain", "--connection", "saas", "--principal", "agent:reporter", "--group", "agents",
                           "--format", "json", *more, check=False)
        assert done.returncode == check, done.stdout + done.stderr
        return json.loads(done.stdout)

    said = explain("GET /cards/7?expand=x", check=0)
    assert (said["request"]["route"], said["request"]["operation"]) == ("/cards/{card_id}", "getCard")
    assert said["request"]["fields"] == [{"part": "parameters", "name": "card_id", "values": ["7"]}]
    told = {one["place"]: one["told"] for one in said["answer"]}
    assert told == {"$.number": "masked", "$.owner": "redacted", "$.code": "null", "$.points": "redacted"}
    assert said["verdict"] == "allowed"
    said = explain("GET /internal", check=1)
    assert said["facts"]["not_understood"] == ["unknown operation"] and said["refusal"]["code"] == "PGD-0007"
    body = tmp_path / "body"
    body.write_text('{"amount": 501}')
    header = ("--header", "Content-Type: application/json")
    assert explain("POST /pay", "--body", str(body), *header, check=1)["refusal"]["code"] == "PGD-0005"
    body.write_text('{"amount": 1}')
    assert explain("POST /pay", "--body", str(body), *header, check=0)["verdict"] == "allowed"
    assert explain("POST /pay", "--body", str(body), check=1)["facts"]["not_understood"] == ["undeclared content type"]
    assert saas.seen() == []


def test_the_example_policies_answer_as_they_say(guarded):
    gateway = guarded(start=False)
    folder = pathlib.Path(__file__).resolve().parents[1] / "policies" / "saas"
    done = gateway.run("policy", "test", str(folder))
    assert "0 answered otherwise" in done.stdout
