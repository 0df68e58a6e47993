"""A person who answers requests for approval, by the console's API."""

import json
import urllib.error
import urllib.request

from . import cards
from .waiting import until


# Changes want one approval, and definitions two, of owners.
POLICIES = cards.POLICIES + """
    @id("ask-first") forbid (principal, action in Action::"change", resource) unless { context.approvals >= 1 };
    @id("two-for-ddl") forbid (principal, action == Action::"administer", resource) unless { context.approvals >= 2 };
    permit (principal in Group::"owners", action == Action::"administer", resource);
    permit (principal in Group::"agents", action in Action::"change", resource);
    @id("owners-approve") permit (principal in Group::"owners", action == Action::"approve", resource);
"""
UPDATE = "update payments set amount = amount + 1 where id = 1"


class Approver:
    """Whoever has `token`, at the console of `gateway`."""

    def __init__(self, gateway, token):
        self.gateway = gateway
        self.token = token

    def ask(self, method, path, body=None, headers=None):
        """(status, document) of an answer of the API."""
        data = None if body is None else json.dumps(body).encode()
        sent = {"Authorization": f"Bearer {self.token}", **({"Content-Type": "application/json"} if data else {}), **(headers or {})}
        request = urllib.request.Request(f"http://127.0.0.1:{self.gateway.console}{path}", data=data, method=method, headers=sent)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def requests(self, everything=False):
        """The requests that they may see, newest first."""
        status, document = self.ask("GET", "/api/requests" + ("?all=true" if everything else ""))
        assert status == 200, (status, document)
        return document["requests"]

    def one(self, statement=""):
        """The one request that waits, once it is there."""
        waiting = lambda: [it for it in self.requests() if statement in it["statement"] and it["state"] == "waiting"]
        until(waiting, f"a request about {statement!r} waits")
        (found,) = waiting()
        return found

    def get(self, request):
        status, document = self.ask("GET", f"/api/requests/{request}")
        assert status == 200, (status, document)
        return document

    def approve(self, request, comment="fine", **more):
        return self.ask("POST", f"/api/requests/{request}/approve", {"comment": comment, **more})

    def deny(self, request, comment="no"):
        return self.ask("POST", f"/api/requests/{request}/deny", {"comment": comment})
