"""Parses metrics with the parsers of Prometheus' own client for Python.

METRICS names a file with {"prometheus": text, "openmetrics": text}. Prints one line for each family of each text:
{"format", "name", "type", "help", "samples": [{"name", "labels", "value"}]}. A text that is not well-formed ends it
with an exception.
"""

import json
import os

from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_prometheus

with open(os.environ["METRICS"], encoding="utf-8") as file:
    texts = json.load(file)

for name, read in (("prometheus", read_prometheus), ("openmetrics", read_openmetrics)):
    for family in read(texts[name]):
        samples = [{"name": s.name, "labels": s.labels, "value": s.value} for s in family.samples]
        line = {"format": name, "name": family.name, "type": family.type, "help": family.documentation}
        print(json.dumps({**line, "samples": samples}), flush=True)
