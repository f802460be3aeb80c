"""The compose file by the compose specification, and by its own rules: what each
service must have, images with exact versions, nothing mounted that is not there.

Needs compose-spec from PyPI, which `make setup` does not install.
"""

import re
import sys
from pathlib import Path

import compose_spec
import yaml

sys.path.insert(0, str(Path(__file__).parent))
from containers import interpolate  # noqa: E402

DEPLOY = Path(__file__).resolve().parent.parent


def main():
    with open(DEPLOY / "compose.yml") as text:
        tree = interpolate(yaml.safe_load(text), {})
    compose_spec.ComposeSpecification.model_validate(tree)
    compose_spec.PyCompose.from_yaml(yaml.safe_dump(tree)).validate()
    broken = yaml.safe_dump(tree).replace("stop_grace_period", "stop_grace_perod")
    try:
        compose_spec.PyCompose.from_yaml(broken).validate()
    except ValueError:
        pass
    else:
        sys.exit("compose.py: a misspelt key is not noticed")
    for name, service in tree["services"].items():
        assert service["read_only"] and service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert not service["user"].startswith(("0", "root")), name
        assert service["logging"]["options"]["max-size"], name
        assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}, name
        image, _, version = service["image"].rpartition(":")
        assert re.fullmatch(r"v?\d+\.\d+(\.\d+)?(-\w+)?", version), f"{name}: {image} has no exact version"
        if service["restart"] != "no" and name != "mail":
            assert service["healthcheck"]["test"][0] == "CMD", name
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:") and "outside" in service["networks"], f"{name}: {port}"
        for volume in service["volumes"]:
            source = volume["source"] if isinstance(volume, dict) else volume.split(":")[0]
            if source.startswith("./etc"):
                assert (DEPLOY / source).is_dir(), f"{name}: {source}"
            elif not source.startswith("./secrets/"):
                assert source in tree["volumes"], f"{name}: {source}"
    assert tree["networks"]["inside"]["internal"]
    print(f"compose.py: {len(tree['services'])} services fit the specification")


main()
