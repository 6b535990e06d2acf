"""Unmodified msal completes the on-behalf-of grant against the local tenant, with a secret and with a certificate.

Environment: as in obo.mjs; REQUESTS_CA_BUNDLE must name the stage's CA file. Prints one JSON object; no token is printed.
"""

import json
import os

import msal
import requests

ENV = os.environ
USERS = json.loads(ENV["STAGE_USERS"])


def exchangeable_token(user):
    answer = requests.post(
        ENV["STAGE_TOKEN_ENDPOINT"],
        data={
            "grant_type": "password",
            "client_id": ENV["STAGE_USER_CLIENT_ID"],
            "username": user["name"],
            "password": user["password"],
            "scope": ENV["STAGE_EXCHANGE_SCOPE"],
        },
        timeout=10,
    ).json()
    return answer["access_token"]


def client(credential):
    return msal.ConfidentialClientApplication(
        ENV["STAGE_CLIENT_ID"],
        client_credential=credential,
        authority=ENV["STAGE_AUTHORITY"],
        instance_discovery=False,
    )


def secret():
    return client(ENV["STAGE_CLIENT_SECRET"])


def certificate():
    with open(ENV["STAGE_KEY_FILE"]) as key, open(ENV["STAGE_CERTIFICATE_FILE"]) as public:
        return client({"private_key": key.read(), "public_certificate": public.read()})


def exchange(application, user):
    result = application.acquire_token_on_behalf_of(exchangeable_token(user), [ENV["STAGE_SCOPE"]])
    if "access_token" not in result:
        return {
            "error": result.get("error"),
            "number": (result.get("error_codes") or [None])[0],
            "suberror": result.get("suberror"),
            "claims": result.get("claims"),
            "correlation_id": result.get("correlation_id"),
            "message": result.get("error_description"),
        }
    me = requests.get(
        ENV["STAGE_GRAPH_ME"], headers={"Authorization": "Bearer " + result["access_token"]}, timeout=10
    ).json()
    accounts = application.get_accounts()
    return {
        "token_type": result.get("token_type"),
        "scopes": (result.get("scope") or "").split(),
        "account": accounts[0]["username"] if accounts else None,
        "signed_in_as": me.get("displayName"),
    }


print(
    json.dumps(
        {
            "secret": exchange(secret(), USERS["signs_in"]),
            "certificate": exchange(certificate(), USERS["signs_in"]),
            "no_consent": exchange(secret(), USERS["lacks_consent"]),
            "mfa": exchange(secret(), USERS["needs_mfa"]),
        }
    )
)
