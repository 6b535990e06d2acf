"""Validates OpenAPI documents, and answers of the application against what its documents say of them.

CASES names a file with {"documents": {name: document}, "answers": [{document, method, path, status, content_type, body}]}.
Prints one line for each document and each answer, with what is wrong with it: places and rules, never a value, since
answers hold tokens.
"""

import json
import os

from openapi_schema_validator import OAS31Validator, oas31_format_checker
from openapi_spec_validator import OpenAPIV31SpecValidator


def closed(node):
    """The schema with all objects closed that do not state otherwise: an answer may have only documented members."""
    if isinstance(node, list):
        return [closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {name: closed(item) for name, item in node.items()}
    if node.get("type") == "object" and "additionalProperties" not in node:
        node["additionalProperties"] = False
    return node


def problems_of_document(document):
    errors = OpenAPIV31SpecValidator(document).iter_errors()
    return [f"{'/'.join(map(str, error.path))}: {error.message}" for error in errors]


def problems_of_answer(document, answer):
    operation = document["paths"].get(answer["path"], {}).get(answer["method"].lower())
    if operation is None:
        return ["the operation is not documented"]
    response = operation["responses"].get(str(answer["status"]))
    if response is None:
        return ["the status is not documented"]
    contents = response.get("content", {})
    if not contents:
        return ["a body is not documented"] if answer["body"] else []
    content = contents.get(answer["content_type"])
    if content is None:
        return [f"the content type is not documented: {answer['content_type']}"]
    body = answer["body"]
    if answer["content_type"] == "application/json":
        body = json.loads(body)
    schema = closed({"components": document["components"], **content["schema"]})
    validator = OAS31Validator(schema, format_checker=oas31_format_checker)
    return [f"{'/'.join(map(str, error.schema_path))} is violated" for error in validator.iter_errors(body)]


with open(os.environ["CASES"], encoding="utf-8") as file:
    cases = json.load(file)
for name, document in cases["documents"].items():
    print(json.dumps({"document": name, "problems": problems_of_document(document)}))
for answer in cases["answers"]:
    title = f"{answer['method']} {answer['path']} {answer['status']} {answer['content_type']}"
    problems = problems_of_answer(cases["documents"][answer["document"]], answer)
    print(json.dumps({"answer": title, "problems": problems}))
