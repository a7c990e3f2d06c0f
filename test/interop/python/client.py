"""An agent in Python that shares no code with Stint: the `spiffe` package gives it its identity, grpcio talks to the broker
by code generated from the contract, boto3 uses the credentials. It prints one line of JSON: how the story went, or how the
broker refused it."""

import json
import os
import sys

import boto3
import grpc
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from spiffe import JwtSource, TrustDomain, X509Source

from stint.v1 import broker_pb2, broker_pb2_grpc

BUCKET = "invoices-staging"
KEY = "2026/11/one.json"
CALL_SECONDS = 20
ENV = os.environ


class Bearer(grpc.AuthMetadataPlugin):
    """Fetches a JWT-SVID for each call."""

    def __init__(self, source, audience):
        self.source = source
        self.audience = audience

    def __call__(self, context, callback):
        svid = self.source.fetch_svid(audience={self.audience}, timeout=CALL_SECONDS)
        callback((("authorization", f"Bearer {svid.token}"),), None)


def dial(auth, stack):
    """Connects by `mtls` (X.509-SVID), `jwt` (JWT-SVID, no certificate) or `both`.

    grpcio knows the server by a name in its certificate and cannot look at a SPIFFE ID: here the roots are those of the one
    trust domain, and the certificate has to name the address.
    """
    x509 = X509Source(timeout_in_seconds=CALL_SECONDS)
    stack.append(x509)
    trust_domain = TrustDomain(ENV["STINT_SERVER_ID"].split("/")[2])
    roots = x509.get_bundle_for_trust_domain(trust_domain).x509_authorities
    svid = x509.get_x509_context().default_svid
    transport = grpc.ssl_channel_credentials(
        root_certificates=b"".join(root.public_bytes(Encoding.PEM) for root in roots),
        **({} if auth == "jwt" else key_and_chain(svid)),
    )
    if auth != "mtls":
        jwt = JwtSource(timeout_in_seconds=CALL_SECONDS)
        stack.append(jwt)
        bearer = grpc.metadata_call_credentials(Bearer(jwt, ENV["INTEROP_AUDIENCE"]))
        transport = grpc.composite_channel_credentials(transport, bearer)
    channel = grpc.secure_channel(ENV["STINT_ADDRESS"], transport)
    stack.append(channel)
    return broker_pb2_grpc.BrokerServiceStub(channel)


def key_and_chain(svid):
    key = svid.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    chain = b"".join(certificate.public_bytes(Encoding.PEM) for certificate in svid.cert_chain)
    return {"private_key": key, "certificate_chain": chain}


def tell_story(broker):
    """Requests, reads, renews, reads, completes, watches to the end, and is refused by S3."""
    task = broker_pb2.Task(
        purpose="to tidy the archive of November",
        role_arn=ENV["INTEROP_ROLE"],
        ttl_seconds=600,
        access=[
            broker_pb2.Access(actions=["s3:GetObject", "s3:PutObject"], resources=[f"arn:aws:s3:::{BUCKET}/*"]),
        ],
    )
    asked = broker_pb2.RequestGrantRequest(task=task, idempotency_key=ENV["INTEROP_KEY"])
    requested = broker.RequestGrant(asked, timeout=CALL_SECONDS)
    grant_id = requested.grant.id
    first = read(requested.lease)
    renewed = broker.RenewLease(broker_pb2.RenewLeaseRequest(grant_id=grant_id), timeout=CALL_SECONDS)
    second = read(renewed.lease)
    done = broker_pb2.CompleteGrantRequest(grant_id=grant_id, note="all done")
    broker.CompleteGrant(done, timeout=CALL_SECONDS)
    watched = broker.WatchGrant(broker_pb2.WatchGrantRequest(grant_id=grant_id), timeout=CALL_SECONDS)
    seen = [message.grant for message in watched]
    return {
        "grantId": grant_id,
        "subject": requested.grant.subject,
        "leases": [requested.lease.number, renewed.lease.number],
        "reads": [first, second],
        "states": [broker_pb2.GrantState.Name(grant.state).removeprefix("GRANT_STATE_") for grant in seen],
        "reason": seen[-1].reason,
        "afterEnd": refused_read(renewed.lease),
    }


def read(lease):
    s3 = boto3.client(
        "s3",
        aws_access_key_id=lease.aws.access_key_id,
        aws_secret_access_key=lease.aws.secret_access_key,
        aws_session_token=lease.aws.session_token,
    )
    return s3.get_object(Bucket=BUCKET, Key=KEY)["Body"].read().decode()


def refused_read(lease):
    try:
        read(lease)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "none"


def refusal(error):
    """The broker's ErrorInfo, read by grpcio-status; None when there is none."""
    status = rpc_status.from_call(error)
    info = error_details_pb2.ErrorInfo()
    for detail in status.details if status else ():
        if detail.Unpack(info):
            return {"status": error.code().name, "reason": info.reason, "domain": info.domain}
    return None


def main():
    stack = []
    try:
        answer = tell_story(dial(ENV["INTEROP_AUTH"], stack))
    except grpc.RpcError as error:
        refused = refusal(error)
        if refused is None:
            raise
        answer = {"refused": refused}
    finally:
        for item in reversed(stack):
            item.close()
    print(json.dumps(answer))


if __name__ == "__main__":
    sys.exit(main())
