"""docker-compose.yml and its image say what the code and the packaging say."""

import json
import re
import tomllib
from typing import Any

import jsonschema
import pytest
import yaml
from typer.main import get_command

from api.cli import app
from tests.conftest import ROOT
from tests.settings import SETTINGS

TEXT = (ROOT / "docker-compose.yml").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
OTHERS = {"neo4j": "neo4j", "kafka": "apache/kafka"}
OURS = {name: s for name, s in COMPOSE["services"].items() if name not in OTHERS}
#: secrets come as files; the waits and plugins are for servers that Ringtrace starts itself
LEFT_OUT = {
    "RINGTRACE_GRAPH_PASSWORD",
    "RINGTRACE_ESCALATION_WEBHOOK_SECRET",
    "RINGTRACE_GRAPH_GDS",
    "RINGTRACE_GRAPH_START_SECONDS",
    "RINGTRACE_INGEST_START_SECONDS",
    # in the volume that the stages share
    "RINGTRACE_PRIVACY_KEYS_FILE",
}


def known_variables() -> set[str]:
    return {
        str(settings.model_config["env_prefix"]) + field.upper()
        for settings in SETTINGS
        for field in settings.model_fields
    }


def mentioned_variables() -> set[str]:
    # the comment on top says RINGTRACE_* for all of them
    return set(re.findall(r"RINGTRACE_[A-Z_]+[A-Z]", TEXT))


def test_follows_the_compose_specification() -> None:
    schema = json.loads((ROOT / "tests/data/compose-spec/compose-spec.json").read_text("utf-8"))
    jsonschema.Draft7Validator(schema).validate(COMPOSE)


def test_every_stage_runs_one_image_and_the_servers_are_official() -> None:
    assert set(OURS) == {"schema", "ingest", "detect", "deliver", "serve"}
    assert len({service["image"] for service in OURS.values()}) == 1
    assert [name for name, service in OURS.items() if "build" in service] == ["schema"]
    for name, image in OTHERS.items():
        assert COMPOSE["services"][name]["image"].split(":")[0] == image


@pytest.mark.parametrize("name", OURS)
def test_a_stage_has_no_more_rights_than_it_needs(name: str) -> None:
    service = OURS[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True
    assert "mem_limit" in service
    assert not {"privileged", "cap_add", "network_mode", "pid", "user"} & set(service)


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_a_service_that_stays_is_watched(name: str) -> None:
    service = COMPOSE["services"][name]
    assert "restart" in service
    one_shot = service["healthcheck"].get("disable", False)
    assert one_shot == (name == "schema")
    assert one_shot or service["healthcheck"]["test"]
    for needed, how in service.get("depends_on", {}).items():
        done = "service_completed_successfully" if needed == "schema" else "service_healthy"
        assert how["condition"] == done


def test_only_the_page_is_published_and_only_on_loopback() -> None:
    published = {name: s["ports"] for name, s in COMPOSE["services"].items() if s.get("ports")}
    assert list(published) == ["serve"]
    for port in published["serve"]:
        assert port.startswith("127.0.0.1:")


def test_no_password_is_written_down() -> None:
    for name, service in COMPOSE["services"].items():
        for variable, value in service["environment"].items():
            if re.search("PASSWORD|SECRET|AUTH|TOKEN|KEY", variable):
                assert variable.endswith("_FILE"), f"{name}: {variable}"
                secret = value.removeprefix("/run/secrets/")
                assert secret in service["secrets"], f"{name}: {variable}"
        assert set(service.get("secrets", ())) <= set(COMPOSE["secrets"])
    for secret in COMPOSE["secrets"].values():
        assert list(secret) == ["file"]
        assert secret["file"].startswith("./secrets/")
    assert not re.search(r"neo4j/\S|--password|\s-p\s", TEXT)


def test_every_setting_exists() -> None:
    assert mentioned_variables() <= known_variables()


def test_every_setting_can_be_set() -> None:
    missing = known_variables() - mentioned_variables() - LEFT_OUT
    assert not missing, "name them in docker-compose.yml, or say in LEFT_OUT why not"
    for name, service in OURS.items():
        for variable, value in service["environment"].items():
            # an empty default would reach the program as an empty value
            assert value != "", f"{name}: {variable}"
            assert ":-}" not in str(value), f"{name}: {variable}"


@pytest.mark.parametrize("name", OURS)
def test_a_stage_runs_a_command_that_exists(name: str) -> None:
    checked = [OURS[name]["command"]]
    test = OURS[name]["healthcheck"].get("test", [])
    if test[1:2] == ["ringtrace"]:
        checked.append(test[2:])
    for words in checked:
        command: Any = get_command(app)
        rest = list(words)
        while hasattr(command, "commands"):
            assert rest, f"{words} names a group"
            assert rest[0] in command.commands
            command = command.commands[rest.pop(0)]
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in rest if word.startswith("-")} <= options


def test_image_holds_every_package_and_what_the_build_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    dockerfile = (ROOT / "deploy/Dockerfile").read_text("utf-8")
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", dockerfile, re.M)
        for source in line.split()[:-1]
    }
    metadata = {"pyproject.toml", project["project"]["readme"], "requirements.lock"}
    assert copied == {*packages, *metadata, *project["project"]["license-files"]}
    kept = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert copied == {line[1:] for line in kept if line.startswith("!")}
    assert "*" in kept


def test_image_is_built_from_the_lock_and_runs_as_nobody_special() -> None:
    dockerfile = (ROOT / "deploy/Dockerfile").read_text("utf-8")
    assert "--require-hashes" in dockerfile
    assert re.findall(r"^USER (\S+)$", dockerfile, re.M)[-1:] == ["ringtrace"]
    assert 'ENTRYPOINT ["ringtrace"]' in dockerfile
    assert not re.search(r"apt-get|gcc|\.jar", dockerfile)
