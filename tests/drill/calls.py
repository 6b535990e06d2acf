"""What channels, bots, browsers and the operator send to bot-sso."""

import base64
import json
import re
import threading
import urllib.parse

from setting import ADMIN_TOKEN
from wire import Wire, path_of


class Tokens:
    """Tokens of the stage, each obtained once and shared by all threads."""

    def __init__(self, stage):
        self.stage = stage
        self.lock = threading.Lock()
        self.kept = {}

    def forget(self):
        """Makes the next use obtain new tokens, because the clock was moved."""
        with self.lock:
            self.kept.clear()

    def _get(self, key, target, form):
        with self.lock:
            if key not in self.kept:
                answer = Wire(self.stage.http).post_form(target, form)
                assert answer.status == 200, f"the stage gives no token: {answer.status}"
                self.kept[key] = answer.json()["access_token"]
            return self.kept[key]

    def user(self, name):
        manifest = self.stage.manifest
        connection = next(entry for entry in manifest["connections"] if entry["bot"] == "demo")
        password = next(user for user in manifest["users"] if user["name"] == name)["password"]
        return self._get(name, f"/{self.stage.tenant}/oauth2/v2.0/token", {
            "grant_type": "password", "client_id": manifest["clients"][0]["client_id"], "username": name,
            "password": password, "scope": connection["scope"]})

    def channel(self):
        channel = self.stage.manifest["channel"]
        return self._get("channel", path_of(channel["token_endpoint"]), {
            "grant_type": "client_credentials", "client_id": channel["client_id"],
            "client_secret": channel["client_secret"], "scope": f"{self.stage.bot['app_id']}/.default"})

    def bot(self):
        return self._get("bot", f"/{self.stage.tenant}/oauth2/v2.0/token", {
            "grant_type": "client_credentials", "client_id": self.stage.bot["app_id"],
            "client_secret": self.stage.bot["app_secret"], "scope": "https://api.botframework.com/.default"})


class Account:
    """A user id on a channel, and the person of the stage whom it belongs to. Web Chat does not say who the person is,
    so a sign-in in a browser needs a code there."""

    def __init__(self, name, person, channel="msteams"):
        self.channel, self.person = channel, person
        self.id = f"29:{name}" if channel == "msteams" else f"dl_{name}"


class Calls:
    """The calls of one thread to one service."""

    def __init__(self, stage, tokens, service, source="127.0.0.1", keep=True):
        self.stage, self.tokens = stage, tokens
        self.public = Wire(service.base, source, keep)
        self.operations = Wire(service.operations, source, keep)
        self.at_stage = Wire(stage.http)

    def person(self, account):
        return next(user for user in self.stage.manifest["users"] if user["name"] == account.person)

    def activity(self, account, kind, **members):
        person = self.person(account)
        activity = {
            "type": kind, "id": "f:6b2c1b6e-1111-4c1c-9a57-5d9d3a0c0001", "channelId": account.channel,
            "serviceUrl": self.stage.manifest["channel"]["service_url"], "from": {"id": account.id, "name": "someone"},
            "recipient": {"id": f"28:{self.stage.bot['app_id']}", "name": "demo"},
            "conversation": {"id": f"a:{account.id}"}, **members}
        if account.channel == "msteams":
            activity["from"]["aadObjectId"] = person["oid"]
            activity["conversation"] |= {"conversationType": "personal", "tenantId": person["tid"]}
            activity["channelData"] = {"tenant": {"id": person["tid"]}}
        return activity

    def post(self, activity):
        return self.public.post_json("/bots/demo/api/messages", activity, self.tokens.channel())

    def message(self, account):
        return self.post(self.activity(account, "message", text="hello"))

    def exchange(self, account, exchange):
        value = {"id": exchange, "connectionName": "graph", "token": self.tokens.user(account.person)}
        return self.post(self.activity(account, "invoke", name="signin/tokenExchange", value=value))

    def enter_code(self, account, code):
        return self.post(self.activity(account, "invoke", name="signin/verifyState", value={"state": code}))

    def _token_service(self, method, target, **query):
        headers = {"authorization": f"Bearer {self.tokens.bot()}"}
        return self.public.request(method, f"{target}?{urllib.parse.urlencode(query)}", headers)

    def get_token(self, account):
        return self._token_service("GET", "/api/usertoken/GetToken", userId=account.id, channelId=account.channel,
                                   connectionName="graph")

    def sign_out(self, account):
        return self._token_service("DELETE", "/api/usertoken/SignOut", userId=account.id, channelId=account.channel,
                                   connectionName="graph")

    def sign_out_everywhere(self, account):
        person = self.person(account)
        target = f"/admin/users/{person['oid']}@{person['tid']}/sign-out"
        return self.operations.request("POST", target, {"authorization": f"Bearer {ADMIN_TOKEN}"})

    def healthz(self):
        return self.operations.request("GET", "/healthz")

    def sign_in_resource(self, account):
        activity = self.activity(account, "message")
        state = {"connectionName": "graph", "msAppId": "", "conversation": {
            "activityId": activity["id"], "bot": activity["recipient"], "user": activity["from"],
            **{name: activity[name] for name in ("channelId", "serviceUrl", "conversation")}}}
        state = base64.b64encode(json.dumps(state).encode()).decode()
        return self._token_service("GET", "/api/botsignin/GetSignInResource", state=state)

    def sign_in(self, account):
        """Signs the account in by a card and a browser. Returns the code that the last page shows; `None` if a step is
        refused."""
        resource = self.sign_in_resource(account)
        return self.browse(resource.json()["signInLink"], account) if resource.status == 200 else None

    def browse(self, link, account):
        """A browser from the card's button to the page with the code."""
        cookies = {}

        def go(wire, method, url, form=None):
            headers = {"cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())} if cookies else {}
            if form is None:
                answer = wire.request(method, path_of(url), headers)
            else:
                answer = wire.post_form(path_of(url), form, headers | {"origin": self.stage.gateway})
            for cookie in answer.headers.get_all("set-cookie") or []:
                name, value = cookie.split(";")[0].split("=", 1)
                cookies[name] = value
            return answer

        begun = go(self.public, "GET", link)
        if begun.status != 302:
            return None
        login = begun.headers["location"]
        page = self.at_stage.request("GET", path_of(login)).text()
        ticket = re.search(r'name="ticket" value="([^"]+)"', page)[1]
        form = {"ticket": ticket, "username": account.person, "password": self.person(account)["password"], "consent": "yes"}
        returned = go(self.public, "GET", self.at_stage.post_form(path_of(login), form).headers["location"])
        if returned.status != 302:
            return None
        last = returned.headers["location"]
        if go(self.public, "GET", last).status != 200:
            return None
        decided = go(self.public, "POST", last, {"decision": "continue"})
        if decided.status != 303:
            return None
        code = re.search(r'id="code">(\d{6})<', go(self.public, "GET", decided.headers["location"]).text())
        return code and code[1]


