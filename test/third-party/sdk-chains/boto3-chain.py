"""Prints the access key id that the default chain of boto3 comes to."""

import sys

import boto3

credentials = boto3.Session().get_credentials()
if credentials is None:
    sys.exit("no credentials")
print(credentials.get_frozen_credentials().access_key)
