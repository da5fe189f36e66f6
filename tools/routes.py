"""Writes `src/windtunnel/data/routes.json`: what routing must know of every service before any model is loaded.

Run it after botocore was upgraded: `PYTHONPATH=src python -m tools.routes`.
"""

import re
from pathlib import Path

import orjson

from windtunnel.aws.model import VERSION, ServiceModel, service_model, services

TARGET = Path(__file__).parent.parent / "src" / "windtunnel" / "data" / "routes.json"
_DATE = re.compile(r"/(\d{4}-\d{2}-\d{2})(/|$)")


def entry(model: ServiceModel) -> dict[str, object]:
    """One service's line of the index."""
    metadata = model.metadata
    uris = [operation["http"]["requestUri"] for operation in model.raw["operations"].values()]
    return {
        "signing": model.signing_name,
        "endpoint": metadata["endpointPrefix"],
        "target": metadata.get("targetPrefix", ""),
        "protocols": model.protocols,
        "version": metadata["apiVersion"],
        "dates": sorted({match.group(1) for uri in uris if (match := _DATE.match(uri))}),
    }


def main() -> None:
    """Write the file, one service a line."""
    lines = [f"{orjson.dumps(name).decode()}:{orjson.dumps(entry(service_model(name))).decode()}" for name in services()]
    TARGET.write_text(f'{{"botocore":"{VERSION}","services":{{\n' + ",\n".join(lines) + "\n}}\n")


if __name__ == "__main__":
    main()
