"""Decodes requests to a collector with OpenTelemetry's own messages for Python.

EXPORTS names a folder of files, each the body of one request of OTLP/HTTP in protobuf. Prints one line for each span:
{"resource", "scope", "trace_id", "span_id", "parent_id", "state", "flags", "name", "kind", "status", "begin", "end",
"attributes"}. A body that is not well-formed, or has a field that these messages do not know, ends it with an exception.
"""

import json
import os
import pathlib

from google.protobuf.unknown_fields import UnknownFieldSet
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status


def read(attributes):
    values = {}
    for attribute in attributes:
        assert attribute.key not in values, f"{attribute.key} is there twice"
        values[attribute.key] = getattr(attribute.value, attribute.value.WhichOneof("value"))
    return values


for path in sorted(pathlib.Path(os.environ["EXPORTS"]).iterdir()):
    request = ExportTraceServiceRequest()
    request.ParseFromString(path.read_bytes())
    assert len(UnknownFieldSet(request)) == 0
    for of_resource in request.resource_spans:
        for of_scope in of_resource.scope_spans:
            for span in of_scope.spans:
                line = {
                    "resource": read(of_resource.resource.attributes),
                    "scope": of_scope.scope.name,
                    "trace_id": span.trace_id.hex(),
                    "span_id": span.span_id.hex(),
                    "parent_id": span.parent_span_id.hex(),
                    "state": span.trace_state,
                    "flags": span.flags,
                    "name": span.name,
                    "kind": Span.SpanKind.Name(span.kind),
                    "status": Status.StatusCode.Name(span.status.code),
                    "begin": span.start_time_unix_nano,
                    "end": span.end_time_unix_nano,
                    "attributes": read(span.attributes),
                }
                print(json.dumps(line), flush=True)
