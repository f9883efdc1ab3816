"""/v1/traces: what agents report by the OpenTelemetry protocol over HTTP."""

from flask import Blueprint, Response, request
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from auth.keys import Scope, keyed, require_caller
from db.actor import SYSTEM
from db.engine import Engine, session
from db.services.ingest import store
from db.services.otlp import Invalid, SpanRecord, decode_json, decode_protobuf

PROTOBUF, JSON = "application/x-protobuf", "application/json"
LARGEST_BODY = 64 * 1024 * 1024


def blueprint(engine: Engine) -> Blueprint:
    """The door; `engine` is the system's login, which stores what arrives."""
    door = Blueprint("otlp", __name__, url_prefix="/v1")

    @door.post("/traces")
    @keyed(Scope.INGEST)
    def traces() -> Response:
        """Answers 200 only when everything that is valid is stored."""
        request.max_content_length = LARGEST_BODY
        decode = decode_protobuf if request.mimetype == PROTOBUF else decode_json
        try:
            found = list(decode(request.get_data()))
        except Invalid as error:
            return Response(str(error), 400, mimetype="text/plain")
        records = [each for each in found if isinstance(each, SpanRecord)]
        with session(engine, SYSTEM, write=True) as unit:
            done = store(unit, records, f"key {require_caller().key.prefix}")
        refused = [each for each in found if isinstance(each, Invalid)] + done.refused
        return _answer(refused)

    return door


def _answer(refused: list[Invalid]) -> Response:
    told = ExportTraceServiceResponse()
    if refused:
        told.partial_success.rejected_spans = len(refused)
        told.partial_success.error_message = str(refused[0])
    return Response(told.SerializeToString(), 200, mimetype=PROTOBUF)
