"""Flag SDKs from other houses, each evaluating one flag in process as its documentation says.

None asks anybody on a read: each answers from what it fetched or was told last. They come with
`make bench` (`requirements-bench.lock`); one that is not installed is left out.
"""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

Ask = Callable[[], object]
VALUE = "stub-policy"


def configcat(_folder: Path, stack: ExitStack) -> Ask:
    from configcatclient import ConfigCatClient, ConfigCatOptions
    from configcatclient.localdictionarydatasource import LocalDictionaryFlagOverrides
    from configcatclient.overridedatasource import OverrideBehaviour

    own = LocalDictionaryFlagOverrides({"mode": VALUE}, OverrideBehaviour.LocalOnly)
    key = "configcat-sdk-1/" + "/".join(["0" * 22] * 2)  # of the form that it insists on
    client = ConfigCatClient.get(key, ConfigCatOptions(flag_overrides=own))
    stack.callback(ConfigCatClient.close_all)
    return lambda: client.get_value("mode", None)


def flagsmith(folder: Path, _stack: ExitStack) -> Ask:
    from flagsmith import Flagsmith
    from flagsmith.offline_handlers import LocalFileHandler

    path = folder / "flagsmith.json"
    path.write_text(json.dumps(FLAGSMITH))
    client = Flagsmith(offline_mode=True, offline_handler=LocalFileHandler(str(path)))
    return lambda: client.get_environment_flags().get_feature_value("mode")


def growthbook(_folder: Path, _stack: ExitStack) -> Ask:
    from growthbook import GrowthBook

    client = GrowthBook(attributes={"id": "process"}, features={"mode": {"defaultValue": VALUE}})
    return lambda: client.get_feature_value("mode", None)


def launchdarkly(folder: Path, stack: ExitStack) -> Ask:
    from ldclient import Context, LDClient
    from ldclient.config import Config
    from ldclient.integrations import Files

    path = folder / "launchdarkly.json"
    path.write_text(json.dumps({"flagValues": {"mode": VALUE}}))
    source = Files.new_data_source(paths=[str(path)])
    config = Config("no-key", update_processor_class=source, send_events=False)
    client = LDClient(config=config)
    stack.callback(client.close)
    context = Context.create("process")
    return lambda: client.variation("mode", context, None)


def openfeature(_folder: Path, _stack: ExitStack) -> Ask:
    from openfeature import api
    from openfeature.provider.in_memory_provider import InMemoryFlag, InMemoryProvider

    api.set_provider(InMemoryProvider({"mode": InMemoryFlag("on", {"on": VALUE})}))
    client = api.get_client()
    return lambda: client.get_string_value("mode", "")


def unleash(folder: Path, stack: ExitStack) -> Ask:
    from UnleashClient import UnleashClient
    from UnleashClient.cache import FileCache

    cache = FileCache("bench", directory=str(folder))
    cache.bootstrap_from_dict(UNLEASH)
    client = UnleashClient(
        "http://127.0.0.1:9/api",
        "bench",
        cache=cache,
        disable_metrics=True,
        disable_registration=True,
    )
    client.initialize_client(fetch_toggles=False)
    stack.callback(client.destroy)
    return lambda: client.get_variant("mode")["name"]


FLAGSMITH: dict[str, Any] = {
    "id": 1,
    "name": "bench",
    "api_key": "none",
    "project": {
        "id": 1,
        "name": "bench",
        "hide_disabled_flags": False,
        "organisation": {
            "id": 1,
            "name": "bench",
            "feature_analytics": False,
            "stop_serving_flags": False,
            "persist_trait_data": False,
        },
        "segments": [],
    },
    "feature_states": [
        {
            "feature": {"id": 1, "name": "mode", "type": "STANDARD"},
            "enabled": True,
            "feature_state_value": VALUE,
            "django_id": 1,
            "featurestate_uuid": "00000000-0000-4000-8000-000000000000",
            "multivariate_feature_state_values": [],
        }
    ],
    "identity_overrides": [],
}

UNLEASH: dict[str, Any] = {
    "version": 2,
    "features": [
        {
            "name": "mode",
            "enabled": True,
            "strategies": [{"name": "default", "parameters": {}}],
            "variants": [
                {"name": VALUE, "weight": 1000, "weightType": "variable", "stickiness": "default"}
            ],
        }
    ],
}

PEERS: dict[str, tuple[Callable[[Path, ExitStack], Ask], str]] = {
    "ConfigCat": (configcat, "as old as its last poll (60 s)"),
    "Flagsmith": (flagsmith, "as old as its last fetch: a poll (60 s) or server-sent events"),
    "GrowthBook": (growthbook, "as old as its last fetch: a poll (60 s) or server-sent events"),
    "LaunchDarkly, file": (
        launchdarkly,
        "as old as its last poll of the file, 1 s if on",
    ),
    "OpenFeature, in memory": (openfeature, "as old as what the program told it"),
    "Unleash, variant": (unleash, "as old as its last poll (15 s)"),
}


@contextmanager
def peers(folder: Path) -> Iterator[dict[str, tuple[Ask, str]]]:
    """Yield those that are installed, each with how old its answer may be."""
    logging.disable(logging.WARNING)
    with ExitStack() as stack:
        found = {}
        for name, (make, age) in PEERS.items():
            try:
                ask = make(folder, stack)
            except ModuleNotFoundError:
                continue
            assert ask() == VALUE, name
            found[name] = (ask, age)
        yield found
    logging.disable(logging.NOTSET)
