"""What a program with the Python client sees of a cluster: the argument is its kubeconfig, the answer one JSON object."""

import json
import sys
import threading

from kubernetes import client, config, dynamic, watch
from kubernetes.stream import portforward, stream

config.load_kube_config(sys.argv[1])
core = client.CoreV1Api()
apps = client.AppsV1Api()
seen = {}


def config_map(name, data):
    return client.V1ConfigMap(
        metadata=client.V1ObjectMeta(name=name, labels={"of": "python"}), data=data
    )


# Lists in pages, and typed objects.
for i in range(7):
    core.create_namespaced_config_map("default", config_map(f"p{i}", {"n": str(i)}))
names, token = [], None
while True:
    page = core.list_namespaced_config_map(
        "default", label_selector="of=python", limit=3, _continue=token
    )
    names += [item.metadata.name for item in page.items]
    token = page.metadata._continue
    if not token:
        break
seen["list"] = names
seen["created"] = type(page.items[0].metadata.creation_timestamp).__name__

# A watch from a version on.
version = page.metadata.resource_version


def change():
    core.patch_namespaced_config_map("p0", "default", {"data": {"n": "x"}})
    core.delete_namespaced_config_map("p1", "default")


threading.Timer(0.2, change).start()
events = []
watcher = watch.Watch()
for event in watcher.stream(
    core.list_namespaced_config_map, "default", resource_version=version, timeout_seconds=20
):
    events.append(f"{event['type']} {event['object'].metadata.name}")
    if len(events) == 2:
        watcher.stop()
seen["watch"] = events

# Errors with their Status.
try:
    core.create_namespaced_config_map("default", config_map("p0", {}))
except client.ApiException as error:
    seen["conflict"] = [error.status, json.loads(error.body)["reason"]]
try:
    core.create_namespaced_config_map("default", config_map("Not A Name", {}))
except client.ApiException as error:
    seen["invalid"] = [error.status, json.loads(error.body)["details"]["causes"][0]["field"]]

# Discovery and server-side apply through the dynamic client.
resources = dynamic.DynamicClient(client.ApiClient())
kind = resources.resources.get(api_version="v1", kind="ConfigMap")
# As text: this version of the client encodes no objects for this kind of patch.
applied = kind.server_side_apply(
    body=json.dumps(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "applied-by-python"},
            "data": {"a": "1"},
        }
    ),
    name="applied-by-python",
    namespace="default",
    field_manager="python",
)
seen["apply"] = [
    applied.data.a,
    applied.metadata.managedFields[0].manager,
    applied.metadata.managedFields[0].operation,
]

# A workload, its scale, and the wait for what it makes.
labels = {"app": "from-python"}
apps.create_namespaced_deployment(
    "default",
    client.V1Deployment(
        metadata=client.V1ObjectMeta(name="from-python"),
        spec=client.V1DeploymentSpec(
            replicas=1,
            selector=client.V1LabelSelector(match_labels=labels),
            template=client.V1PodTemplateSpec(
                metadata=client.V1ObjectMeta(labels=labels),
                spec=client.V1PodSpec(
                    containers=[client.V1Container(name="c", image="nginx")]
                ),
            ),
        ),
    ),
)
apps.patch_namespaced_deployment_scale("from-python", "default", {"spec": {"replicas": 2}})
watcher = watch.Watch()
for event in watcher.stream(
    apps.list_namespaced_deployment, "default", field_selector="metadata.name=from-python", timeout_seconds=30
):
    if (event["object"].status.available_replicas or 0) == 2:
        seen["available"] = 2
        watcher.stop()
apps.delete_namespaced_deployment("from-python", "default")

# Streams.
session = stream(
    core.connect_get_namespaced_pod_exec,
    "shell",
    "default",
    command=["sh", "-c", "read line; echo got $line; echo bad >&2; exit 5"],
    stdin=True,
    stdout=True,
    stderr=True,
    tty=False,
    _preload_content=False,
)
session.write_stdin("typed\n")
session.run_forever(timeout=20)
seen["exec"] = [session.read_stdout(), session.read_stderr(), session.returncode]
seen["log"] = core.read_namespaced_pod_log("shell", "default")
forward = portforward(core.connect_get_namespaced_pod_portforward, "web", "default", ports="8080")
socket = forward.socket(8080)
socket.settimeout(20)
socket.sendall(b"GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n")
seen["portForward"] = socket.recv(1024).split(b"\r\n")[0].decode()
forward.close()

print(json.dumps(seen))
