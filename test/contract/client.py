"""A generic gRPC client: stubs generated from proto/, and nothing of Spawner's own.

client.py STUBS ADDRESS IMAGE plays one session from its spawn to its end, prints one line of JSON for
each step, and fails with an AssertionError where the contract is not kept.
"""

import json
import sys

import grpc

STUBS, ADDRESS, IMAGE = sys.argv[1:4]
sys.path.insert(0, STUBS)

import rpc_status_pb2  # noqa: E402
from spawner.v1 import (  # noqa: E402
    backend_pb2,
    backend_service_pb2,
    backend_service_pb2_grpc,
    fleet_service_pb2,
    fleet_service_pb2_grpc,
)

LIST_SERVICES = b"\x3a\x01*"
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"


def tell(step, **facts):
    print(json.dumps({"step": step, **facts}), flush=True)


def raw(data):
    return data


def health(channel):
    check = channel.unary_unary("/grpc.health.v1.Health/Check", raw, raw)
    assert check(b"", timeout=10, wait_for_ready=True) == b"\x08\x01"
    tell("health", status="SERVING")


def reflection(channel):
    ask = channel.stream_stream("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", raw, raw)
    answer = next(iter(ask(iter([LIST_SERVICES]), timeout=10)))
    services = [name for name in ("spawner.v1.BackendService", "spawner.v1.FleetService") if name.encode() in answer]
    assert len(services) == 2, answer
    tell("reflection", services=services)


def bad_spec(backends):
    spec = backend_pb2.BackendSpec(image="", port=70000, env={"A=B": "x"})
    try:
        backends.SpawnBackend(backend_service_pb2.SpawnBackendRequest(spec=spec), timeout=10)
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.INVALID_ARGUMENT, error
        trailers = dict(error.trailing_metadata())
        status = rpc_status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
        detail = next(detail for detail in status.details if detail.type_url == BAD_REQUEST)
        violations = rpc_status_pb2.BadRequest.FromString(detail.value).field_violations
        tell("bad spec", code=error.code().name, fields=sorted(violation.field for violation in violations))
    else:
        raise AssertionError("a bad spec was taken")


def watch(backends, id, until, after_revision=0):
    request = backend_service_pb2.WatchBackendRequest(id=id, after_revision=after_revision)
    states = []
    stream = backends.WatchBackend(request, timeout=120)
    for answer in stream:
        states.append(backend_pb2.BackendState.Name(answer.backend.state).removeprefix("BACKEND_STATE_"))
        if answer.backend.state >= until:
            stream.cancel() if until < backend_pb2.BACKEND_STATE_TERMINATED else None
            return states, answer.backend
    raise AssertionError(f"the watch ended after {states}")


def main():
    with grpc.insecure_channel(ADDRESS) as channel:
        health(channel)
        reflection(channel)
        backends = backend_service_pb2_grpc.BackendServiceStub(channel)
        fleet = fleet_service_pb2_grpc.FleetServiceStub(channel)
        drones = fleet.ListDrones(fleet_service_pb2.ListDronesRequest(), timeout=10).drones
        tell("drones", count=len(drones))
        bad_spec(backends)

        spec = backend_pb2.BackendSpec(image=IMAGE, labels={"client": "python"}, idle_timeout_ms=600000)
        answer = backends.SpawnBackend(backend_service_pb2.SpawnBackendRequest(spec=spec), timeout=30)
        backend = answer.backend
        tell("spawned", id=backend.id, url=backend.url, spawned=answer.spawned)

        states, ready = watch(backends, backend.id, backend_pb2.BACKEND_STATE_READY)
        assert ready.state == backend_pb2.BACKEND_STATE_READY, ready
        tell("ready", states=states)

        request = backend_service_pb2.TailLogsRequest(id=backend.id)
        tell("logs", lines=[line.text for line in backends.TailLogs(request, timeout=30)])

        found = backends.GetBackend(backend_service_pb2.GetBackendRequest(id=backend.id), timeout=10)
        assert found.backend.labels["client"] == "python", found
        listed = backends.ListBackends(
            backend_service_pb2.ListBackendsRequest(page_size=10, labels={"client": "python"}), timeout=10
        )
        assert backend.id in [one.id for one in listed.backends], listed

        backends.TerminateBackend(backend_service_pb2.TerminateBackendRequest(id=backend.id), timeout=30)
        states, ended = watch(backends, backend.id, backend_pb2.BACKEND_STATE_TERMINATED, ready.revision)
        reason = backend_pb2.EndReason.Name(ended.end_reason).removeprefix("END_REASON_")
        tell("ended", states=states, reason=reason)


main()
