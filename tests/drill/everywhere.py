"""Sign-outs everywhere while requests of the same person are under way: afterwards no door gives anything of what was begun
before, and other persons keep what they have."""

import base64
import hashlib
import html
import itertools
import json
import random
import re
import threading
import time
import urllib.parse

from calls import Account, Calls, Tokens
from setting import ADMIN_TOKEN
from wire import Wire, path_of

ADMINISTRATOR, SECRET, PASSWORD = "ops-token-of-the-drill", "shop-secret-of-the-drill", "a password of the drill"
REDIRECT = "http://127.0.0.1:1/callback"
# The directory of the stage has the same tenant id and provider, so the stage's tenant knows the address of the return.
TENANT_ID, PROVIDER = "9a1f4e6c-2b3d-4c5e-8f70-0000000d1a01", "contoso"
CLIENT_ID, CLIENT_SECRET = "08142adc-6e57-4f9b-80a1-425d6e7f800a", "planner-app-secret-of-the-local-stage"
OAUTH, MANAGEMENT = f"/oauth/v4/{TENANT_ID}", f"/management/v4/{TENANT_ID}"
EXCHANGES, REFRESHES, SILENT = 4, 4, 4
# How long the stage's tenant takes for an exchange, so that the sign-out comes in between.
SLOW_MILLIS = 1500
PATIENCE = 30

DIRECTORY = """
[password_hashes]
memory_kib = 8192
passes = 1
[directories.market]
tenant_id = "{directory}"
administrators = [{{ name = "ops", role = "manager", token_sha256 = ["{administrator}"] }}]
sso = {{ is_active = true }}
[directories.market.providers.{provider}]
identity_provider = "entra"
client_id = "{client_id}"
client_secret = {{ file = "provider.secret" }}
tenants = ["{tenant}"]
[directories.market.applications.shop]
client_id = "shop"
secret_sha256 = ["{secret}"]
redirect_uris = ["{redirect}"]
"""


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def configuration(stage):
    """The sections of the directory, for the configuration of the drill."""
    return DIRECTORY.format(administrator=digest(ADMINISTRATOR), secret=digest(SECRET), redirect=REDIRECT,
                            directory=TENANT_ID, provider=PROVIDER, client_id=CLIENT_ID, tenant=stage.tenant)


class DirectoryUser:
    """A user of the directory, with a browser that keeps its cookies."""

    def __init__(self, service, origin, address):
        self.wire, self.origin, self.address = Wire(service.base), origin, address
        self.service, self.cookies = service, {}
        created = self.manage("POST", "/cloud_directory/Users", {
            "emails": [{"value": address, "primary": True}], "password": PASSWORD, "status": "CONFIRMED"})
        assert created.status == 201, f"a user cannot be created: {created.status} {created.text()}"
        self.id = created.json()["id"]

    def manage(self, method, path, body):
        headers = {"authorization": f"Bearer {ADMINISTRATOR}", "content-type": "application/json"}
        return self.wire.request(method, MANAGEMENT + path, headers, json.dumps(body).encode())

    def authorize(self, wire=None):
        query = urllib.parse.urlencode({"client_id": "shop", "response_type": "code", "redirect_uri": REDIRECT,
                                        "scope": "openid", "state": "drill"})
        return self.browse(wire or self.wire, "GET", f"{OAUTH}/authorization?{query}")

    def browse(self, wire, method, target, form=None):
        headers = {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}
        if form is None:
            answer = wire.request(method, target, headers)
        else:
            answer = wire.post_form(target, form, headers | {"origin": self.origin})
        for cookie in answer.headers.get_all("set-cookie") or []:
            name, value = cookie.split(";")[0].split("=", 1)
            self.cookies[name] = value
        return answer

    def sign_in(self):
        """Signs in on the page. Returns the tokens of the shop."""
        self.cookies.clear()
        page = self.authorize()
        assert page.status == 200, f"there is no sign-in page: {page.status}"
        action = html.unescape(re.search(r'<form method="post" action="([^"]+)"', page.text())[1])
        form_token = re.search(r'name="form_token" value="([^"]+)"', page.text())[1]
        form = {"form_token": form_token, "username": self.address, "password": PASSWORD}
        signed_in = self.browse(self.wire, "POST", path_of(action), form)
        code = code_of(signed_in)
        assert code, f"the sign-in was refused: {signed_in.status}"
        tokens = self.token({"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT})
        assert tokens.status == 200, f"the code was refused: {tokens.status}"
        return tokens.json()

    def show_identity(self, stage, person):
        """Signs in as `person` at the other identity provider. A link that an administrator has made opens nothing of a person
        before the person has done so."""
        self.cookies.clear()
        at_stage = Wire(stage.http)
        begin = html.unescape(re.search(rf'href="([^"]+/providers/{PROVIDER}/login[^"]*)"', self.authorize().text())[1])
        login = path_of(self.browse(self.wire, "GET", path_of(begin)).headers["location"])
        ticket = re.search(r'name="ticket" value="([^"]+)"', at_stage.request("GET", login).text())[1]
        form = {"ticket": ticket, "username": person["name"], "password": person["password"], "consent": "yes"}
        returned = self.browse(self.wire, "GET", path_of(at_stage.post_form(login, form).headers["location"]))
        assert code_of(returned), f"the sign-in at the provider was refused: {returned.status} {returned.text()}"

    def token(self, form):
        basic = base64.b64encode(f"shop:{SECRET}".encode()).decode()
        return Wire(self.service.base).post_form(f"{OAUTH}/token", form, {"authorization": f"Basic {basic}"})

    def refresh(self, token):
        return self.token({"grant_type": "refresh_token", "refresh_token": token})


def code_of(answer):
    """The code that an answer of the authorization endpoint brings; `None` if it is a page."""
    if answer.status not in (302, 303):
        return None
    return urllib.parse.parse_qs(urllib.parse.urlsplit(answer.headers["location"]).query).get("code", [None])[0]


class SignOuts:
    def __init__(self, setting):
        self.setting, self.tokens = setting, Tokens(setting.stage)
        self.service = setting.serve()
        self.names = itertools.count()
        self.random = random.Random(1)
        self.control = Wire(setting.stage.http)
        origin = setting.stage.gateway
        self.user = DirectoryUser(self.service, origin, "ada@drill.example")
        self.bystander = DirectoryUser(self.service, origin, "ben@drill.example")
        self.person = next(user for user in setting.stage.manifest["users"] if user["name"] == "ada")
        linked = self.user.manage("PUT", f"/cloud_directory/Users/{self.user.id}/identities", {
            "provider": PROVIDER, "issuer": f"entra:{self.person['tid']}", "id": self.person["oid"]})
        assert linked.status == 200, f"the person cannot be linked: {linked.status} {linked.text()}"
        self.user.show_identity(setting.stage, self.person)
        self.begun = 0

    def calls(self):
        return Calls(self.setting.stage, self.tokens, self.service)

    def count_exchanges(self):
        return self.control.request("GET", "/dev/calls").json()["by_grant"].get("on_behalf_of", 0)

    def set_fault(self, **fault):
        assert self.control.post_form("/dev/faults", fault).status == 204

    def sign_out(self):
        """By one of the person's keys, which are one for the sign-out."""
        keys = [f"{self.person['oid']}@{self.person['tid']}", f"cloud_directory:{TENANT_ID}/{self.user.id}"]
        key = urllib.parse.quote(self.random.choice(keys), safe="")
        bearer = {"authorization": f"Bearer {ADMIN_TOKEN}"}
        answer = Wire(self.service.operations).request("POST", f"/admin/users/{key}/sign-out", bearer)
        assert answer.status == 200, f"the sign-out is {answer.status}"
        return answer.json()["ended"]

    def round(self):
        # The accounts that are signed in before, and those whose exchange is under way.
        kept = self.account()
        assert self.calls().exchange(kept, "kept").status == 200
        exchanging = [self.account() for _ in range(EXCHANGES)]
        families = [self.user.sign_in()["refresh_token"] for _ in range(REFRESHES)]
        tokens = self.user.sign_in()
        self.begun += EXCHANGES + REFRESHES + SILENT
        refreshed, codes = [], []
        threads = [threading.Thread(target=self.calls().exchange, args=(account, "under way")) for account in exchanging]
        before = self.count_exchanges()
        self.set_fault(fault="slow", millis=SLOW_MILLIS, grant="on_behalf_of")
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + PATIENCE
        while self.count_exchanges() < before + EXCHANGES:
            assert time.monotonic() < deadline, "the exchanges do not reach the tenant"
            time.sleep(0.002)
        others = [threading.Thread(target=self.refresh, args=(family, refreshed)) for family in families]
        others += [threading.Thread(target=self.authorize, args=(codes,)) for _ in range(SILENT)]
        self.random.shuffle(others)
        for thread in others:
            thread.start()
        time.sleep(self.random.random() * 0.01)
        ended = self.sign_out()
        for thread in threads + others:
            thread.join()
        self.set_fault(fault="none")
        assert ended.get("tokens", 0) >= 1 and ended.get("sessions", 0) >= 1, f"ended: {ended}"
        self.check([kept, *exchanging], families + refreshed + [tokens["refresh_token"]], codes, tokens["access_token"])

    def account(self):
        return Account(f"everywhere-{next(self.names)}", "ada")

    def refresh(self, token, refreshed):
        answer = self.user.refresh(token)
        if answer.status == 200:
            refreshed.append(answer.json()["refresh_token"])

    def authorize(self, codes):
        if code := code_of(self.user.authorize(Wire(self.service.base))):
            codes.append(code)

    def check(self, accounts, refresh_tokens, codes, access_token):
        """No door gives anything."""
        problems = []
        calls = self.calls()
        for account in accounts:
            if (status := calls.get_token(account).status) != 404:
                problems.append(f"{account.id}: GetToken is {status}")
        for token in refresh_tokens:
            if (status := self.user.refresh(token).status) != 400:
                problems.append(f"a refresh token is answered {status}")
        for code in codes:
            form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT}
            if (status := self.user.token(form).status) != 400:
                problems.append(f"a code is answered {status}")
        if self.user.authorize().status != 200:
            problems.append("the session signs the user in silently")
        bearer = {"authorization": f"Bearer {access_token}"}
        if (status := Wire(self.service.base).request("GET", f"{OAUTH}/userinfo", bearer).status) != 401:
            problems.append(f"an access token is answered {status}")
        if code_of(self.bystander.authorize()) is None:
            problems.append("another user was signed out, too")
        assert not problems, "\n".join(problems)

    def run(self, rounds):
        self.bystander.sign_in()
        for _ in range(rounds):
            self.round()
            self.service.assert_runs()
        self.service.stop()
        print(f"{rounds} sign-outs everywhere, {self.begun} requests under way meanwhile, of which none has given anything")
