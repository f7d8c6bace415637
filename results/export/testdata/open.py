"""Opens an export with the tool that it is for, and prints what the tool sees as JSON, for tools_test.go: by trial its hyperparameters,
curves ([[epoch, value], ...] of each metric), sample sheets (the SHA-256 of each, by epoch), and status.

    python open.py FORMAT FOLDER
"""
import hashlib
import json
import pathlib
import subprocess
import sys
import urllib.request


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def tensorboard(folder):
    from tensorboard import context
    from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins import base_plugin
    from tensorboard.plugins.hparams import api_pb2, backend_context, list_session_groups, plugin_data_pb2

    trials, statuses = {}, {1: "success", 2: "failure"}
    for run in sorted(p for p in pathlib.Path(folder).iterdir() if p.is_dir()):
        events = EventAccumulator(str(run), size_guidance={"images": 0, "scalars": 0})
        events.Reload()
        content = events.summary_metadata["_hparams_/session_start_info"].plugin_data.content
        start = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info
        point = {k: getattr(v, v.WhichOneof("kind")) for k, v in start.hparams.items()}
        status = "running"
        if "_hparams_/session_end_info" in events.summary_metadata:
            content = events.summary_metadata["_hparams_/session_end_info"].plugin_data.content
            status = statuses[plugin_data_pb2.HParamsPluginData.FromString(content).session_end_info.status]
        sheets = {}
        for image in events.Images("samples/grid") if "samples/grid" in events.Tags()["images"] else []:
            sheets[image.step] = sha256(image.encoded_image_string)
        trials[run.name.split(",")[-1]] = {
            "point": point,
            "group": start.group_name,
            "curves": {tag: [[e.step, e.value] for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]},
            "sheets": sheets,
            "status": status,
        }

    # What the page of the plugin hparams asks for.
    multiplexer = plugin_event_multiplexer.EventMultiplexer()
    multiplexer.AddRunsFromDirectory(str(folder))
    multiplexer.Reload()
    provider = data_provider.MultiplexerDataProvider(multiplexer, str(folder))
    request_context = context.RequestContext()
    backend = backend_context.Context(base_plugin.TBContext(logdir=str(folder), data_provider=provider))
    hparams = backend.hparams_metadata(request_context, "")
    listed = backend.hparams_from_data_provider(request_context, "", 1000)
    experiment = backend.experiment_from_metadata(request_context, "", True, hparams, listed)
    request = api_pb2.ListSessionGroupsRequest(
        slice_size=10000, allowed_statuses=[0, 1, 2, 3], aggregation_type=api_pb2.AGGREGATION_AVG)
    groups = list_session_groups.Handler(request_context, backend, "", request).run().session_groups
    return {
        "trials": trials,
        "experiment": {info.name: len(info.domain_discrete) for info in experiment.hparam_infos},
        "metrics": [info.name.tag for info in experiment.metric_infos],
        "groups": sorted([group.name, len(group.sessions)] for group in groups),
    }


def mlflow_runs(uri):
    import mlflow

    client = mlflow.MlflowClient(uri)
    experiments = client.search_experiments()
    trials = {}
    for run in client.search_runs([e.experiment_id for e in experiments if e.name != "Default"], max_results=10000):
        sheets = {}
        for item in client.list_artifacts(run.info.run_id, "samples"):
            local = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path=item.path, tracking_uri=uri)
            sheets[int(item.path.rsplit("-", 1)[1].split(".")[0])] = sha256(pathlib.Path(local).read_bytes())
        trials[run.data.tags["starsweep.trial"]] = {
            "point": {k: v for k, v in run.data.params.items()},
            "curves": {
                key: [[m.step, m.value] for m in sorted(client.get_metric_history(run.info.run_id, key), key=lambda m: m.step)]
                for key in run.data.metrics
            },
            "sheets": sheets,
            "status": run.info.status,
            "name": run.info.run_name,
            "tags": run.data.tags,
        }
    return {"trials": trials, "experiments": sorted(e.name for e in experiments if e.name != "Default")}


def mlflow(folder):
    import os

    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    seen = mlflow_runs(pathlib.Path(folder).absolute().as_uri())
    # MLflow's own tool takes the store over to a database.
    database = f"sqlite:///{folder}.db"
    subprocess.run([sys.executable, "-m", "mlflow", "migrate-filestore", "--source", str(folder), "--target", database], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    seen["migrated"] = mlflow_runs(database)["trials"]
    return seen


def wandb_offline(folder):
    from wandb.proto import wandb_internal_pb2
    from wandb.sdk.internal.datastore import DataStore

    trials = {}
    for log in sorted(pathlib.Path(folder).glob("wandb/offline-run-*/run-*.wandb")):
        store = DataStore()
        store.open_for_scan(str(log))
        trial = {"point": {}, "curves": {}, "sheets": {}, "status": "running", "summary": {}}
        while (data := store.scan_data()) is not None:
            record = wandb_internal_pb2.Record.FromString(data)
            kind = record.WhichOneof("record_type")
            if kind == "run":
                trial["point"] = {item.key: json.loads(item.value_json) for item in record.run.config.update}
                trial["name"], trial["group"], trial["tags"] = record.run.display_name, record.run.run_group, list(record.run.tags)
                trials[record.run.run_id] = trial
            elif kind == "history":
                for item in record.history.item:
                    value = json.loads(item.value_json)
                    if isinstance(value, dict):
                        picture = (log.parent / "files" / value["path"]).read_bytes()
                        assert value["sha256"] == sha256(picture) and value["size"] == len(picture), value
                        trial["sheets"][record.history.step.num] = value["sha256"]
                    else:
                        trial["curves"].setdefault(item.nested_key[0], []).append([record.history.step.num, value])
            elif kind == "summary":
                trial["summary"].update({item.key: json.loads(item.value_json) for item in record.summary.update})
            elif kind == "exit":
                trial["status"] = "success" if record.exit.exit_code == 0 else "failure"
        store.close()
    return {"trials": trials}


def optuna_journal(folder):
    import optuna

    journal = f"{folder}/journal.log"
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(journal))
    names = optuna.get_all_study_names(storage)
    study = optuna.load_study(study_name=names[0], storage=storage)
    store = optuna.artifacts.FileSystemArtifactStore(f"{folder}/artifacts")
    trials = {}
    for trial in study.trials:
        sheets = {}
        for meta in optuna.artifacts.get_all_artifact_meta(trial, storage=storage):
            with store.open_reader(meta.artifact_id) as f:
                sheets[int(meta.filename.rsplit("-", 1)[1].split(".")[0])] = sha256(f.read())
        trials[trial.user_attrs["trial"]] = {
            "point": trial.params,
            "curves": {study.metric_names[0]: sorted([step, value] for step, value in trial.intermediate_values.items())},
            "sheets": sheets,
            "status": trial.state.name,
            "values": trial.values,
            "attributes": trial.user_attrs,
            "distributions": {k: repr(d) for k, d in trial.distributions.items()},
        }
    seen = {"trials": trials, "studies": names, "metrics": study.metric_names, "directions": [d.name for d in study.directions],
            "best": [t.user_attrs["trial"] for t in study.best_trials]}
    seen["dashboard"] = dashboard(journal, f"{folder}/artifacts")
    # A sampler that models the trials, not one at random, takes the study from here.
    study.sampler = optuna.samplers.TPESampler(n_startup_trials=1)
    study.ask({k: d for t in study.trials for k, d in t.distributions.items()})
    return seen


def dashboard(journal, artifacts):
    """Returns what optuna-dashboard answers to its page."""
    import threading
    from wsgiref.simple_server import WSGIRequestHandler, make_server

    import optuna
    from optuna_dashboard import wsgi

    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(journal))

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_):
            pass

    app = wsgi(storage, artifact_store=optuna.artifacts.FileSystemArtifactStore(artifacts))
    server = make_server("127.0.0.1", 0, app, handler_class=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"

    def get(path):
        with urllib.request.urlopen(base + path, timeout=60) as answer:
            return answer.read()

    studies = json.loads(get("/api/studies"))["study_summaries"]
    detail = json.loads(get(f"/api/studies/{studies[0]['study_id']}?after=0"))
    first = next(t for t in detail["trials"] if t["artifacts"])
    picture = get(f"/artifacts/{studies[0]['study_id']}/{first['trial_id']}/{first['artifacts'][0]['artifact_id']}")
    seen = {"study": studies[0]["study_name"], "trials": len(detail["trials"]),
            "states": sorted(t["state"] for t in detail["trials"]), "picture": sha256(picture),
            "space": sorted(p["name"] for p in detail["union_search_space"])}
    server.shutdown()
    return seen


if __name__ == "__main__":
    tool = {"tensorboard": tensorboard, "mlflow": mlflow, "wandb-offline": wandb_offline, "optuna": optuna_journal}[sys.argv[1]]
    json.dump(tool(sys.argv[2]), sys.stdout)
