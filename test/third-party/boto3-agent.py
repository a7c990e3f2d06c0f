"""An ordinary boto3 program, as a child of `stint exec`: reads commands, one a line, and answers each with a line of JSON."""

import json
import os
import sys

import boto3
from botocore.utils import ContainerMetadataFetcher

fetches = 0
fetch = ContainerMetadataFetcher.retrieve_full_uri


def counted_fetch(self, *args, **kwargs):
    global fetches
    fetches += 1
    return fetch(self, *args, **kwargs)


ContainerMetadataFetcher.retrieve_full_uri = counted_fetch

s3 = boto3.client("s3")
COMMANDS = {
    "grant": lambda: os.environ["STINT_GRANT_ID"],
    "list": lambda bucket: [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]],
    "get": lambda bucket, key: s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode(),
    "put": lambda bucket, key: s3.put_object(Bucket=bucket, Key=key, Body=b"{}")["ETag"] != "",
    "exit": lambda code: sys.exit(int(code)),
}

for line in sys.stdin:
    command, *arguments = line.split()
    try:
        answer = {"ok": COMMANDS[command](*arguments)}
    except Exception as error:
        answer = {"error": type(error).__name__, "message": str(error)}
    print(json.dumps({**answer, "fetches": fetches}), flush=True)
