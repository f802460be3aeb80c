"""The chart, by Helm's own code and Kubernetes' schemas: it is linted, rendered with
sets of values, every object is held against its schema, and values that cannot work
are refused.

Needs helm-python-sdk and kubernetes-validate from PyPI, which `make setup` does not
install: they are 100 MB.
"""

import json
import sys
from pathlib import Path

import helm_python as helm
import kubernetes_validate
import yaml

CHART = Path(__file__).resolve().parent.parent / "helm/openserverhub-monitor"
VERSIONS = ["1.27.0", "1.31.0", "1.34.0"]
# Objects that are not Kubernetes' own.
FOREIGN = {"ServiceMonitor", "Probe"}

TLS = {
    "exporter": {"tlsSecret": "exporter-tls", "webSecret": "exporter-web"},
    "controller": {"tlsSecret": "controller-tls", "passwordsSecret": "passwords"},
}
# Values, and the kinds of objects that must come of them.
GOOD = {
    "defaults": ({}, {"Deployment": 2, "Service": 2, "PodDisruptionBudget": 2, "NetworkPolicy": 2, "ConfigMap": 1}),
    "everything": (
        {
            **TLS,
            "exporter": {**TLS["exporter"], "autoscaling": {"enabled": True}, "args": ["--login.rate=20"],
                         "nodeSelector": {"net": "mgmt"}, "tolerations": [{"operator": "Exists"}]},
            "imagePullSecrets": [{"name": "registry"}],
            "serviceMonitor": {"enabled": True, "labels": {"release": "x"}},
            "probe": {"enabled": True, "targets": ["10.0.0.1"]},
            "networkPolicy": {"controllerEgress": [{"to": [{"ipBlock": {"cidr": "10.1.0.0/16"}}]}],
                              "ingressFrom": [{"namespaceSelector": {}}]},
        },
        {"HorizontalPodAutoscaler": 1, "ServiceMonitor": 2, "Probe": 1, "NetworkPolicy": 2},
    ),
    "sqlite": (
        {"controller": {"replicas": 1, "database": {"url": ""}}, "networkPolicy": {"enabled": False}},
        {"StatefulSet": 1, "Deployment": 1, "NetworkPolicy": 0},
    ),
}
BAD = {
    "several on SQLite": {"controller": {"replicas": 2, "database": {"url": ""}}},
    "a password in the URL": {"controller": {"database": {"url": "postgres://u:p@h/d"}}},
    "an unknown key": {"exporter": {"replica": 2}},
    "a word as number": {"exporter": {"replicas": "two"}},
    "a network without mask": {"networkPolicy": {"bmcNetworks": ["10.0.0.1"]}},
}


def render(values):
    chart = helm.Chart.load(str(CHART))
    return chart.render(values, name="monitor", namespace="monitoring")


def objects(rendered):
    for text in rendered.values():
        yield from (found for found in yaml.safe_load_all(text) if found)


def main():
    report = helm.lint(str(CHART), strict=True)
    assert not report["errors"], report
    for name, (values, expected) in GOOD.items():
        found = list(objects(render(values)))
        kinds = [item["kind"] for item in found]
        for kind, count in expected.items():
            assert kinds.count(kind) == count, f"{name}: {kinds.count(kind)} of {kind}, not {count}"
        for item in found:
            if item["kind"] in FOREIGN:
                continue
            for version in VERSIONS:
                kubernetes_validate.validate(item, version, strict=True)
            text = json.dumps(item)
            if item["kind"] in ("Deployment", "StatefulSet"):
                pod = item["spec"]["template"]["spec"]
                assert pod["securityContext"]["runAsNonRoot"] and not pod["automountServiceAccountToken"]
                for container in [*pod["containers"], *pod.get("initContainers", [])]:
                    security = container["securityContext"]
                    assert security["readOnlyRootFilesystem"] and security["capabilities"] == {"drop": ["ALL"]}
                mounts = {m["name"] for c in [*pod["containers"], *pod.get("initContainers", [])] for m in c["volumeMounts"]}
                volumes = {v["name"] for v in pod["volumes"]} | {
                    c["metadata"]["name"] for c in item["spec"].get("volumeClaimTemplates", [])
                }
                assert mounts == volumes, f"{name}: {item['metadata']['name']}: {mounts ^ volumes}"
            assert "<no value>" not in text, f"{name}: {text}"
        print(f"{name}: {len(found)} objects fit Kubernetes {', '.join(VERSIONS)}")
    for name, values in BAD.items():
        try:
            render(values)
        except helm.HelmError as error:
            print(f"refused: {name}: {str(error).splitlines()[-1][:100]}")
        else:
            sys.exit(f"chart.py: {name} is not refused")
    print("chart.py: passed")


main()
