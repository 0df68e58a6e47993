"""A store that speaks S3, of the tests' own: moto's server, which checks signatures and keeps object locks."""

import json
import os
import subprocess
import sys
import urllib.request

import botocore.session

from .process import dies_with_us, free_port
from .waiting import until

# What moto takes before it begins to ask who one is: the bucket and three calls for each user.
UNASKED = 7

# moto takes the query to be signed as it is without its escapes, and so refuses whoever lists a folder.
SERVER = """
import sys
from flask import request
from moto import server
from moto.iam.access_control import S3IAMRequest
plain = S3IAMRequest._create_aws_request
def with_query(self):
    made = plain(self)
    made.url = f"{made.url.partition('?')[0]}?{request.query_string.decode()}"
    return made
S3IAMRequest._create_aws_request = with_query
server.main(["-H", "127.0.0.1", "-p", sys.argv[1]])
"""

RIGHTS = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": ["s3:PutObject", "s3:PutObjectRetention", "s3:GetObject", "s3:ListBucket"], "Resource": "*"}]}


class Bucket:
    """`name` with object lock, and in `key` whoever may put and read there and nothing else."""

    name = "audit-logs"
    region = "eu-central-1"

    def __enter__(self):
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.start()
        root = {"aws_access_key_id": "root", "aws_secret_access_key": "root"}
        self.s3 = self.client("s3", root)
        iam = self.client("iam", root)
        self.s3.create_bucket(Bucket=self.name, ObjectLockEnabledForBucket=True,
                              CreateBucketConfiguration={"LocationConstraint": self.region})
        self.key = self.user(iam, "gateway", RIGHTS)
        self.s3 = self.client("s3", self.user(
            iam, "admin", {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}))
        return self

    def start(self):
        environment = {**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": str(UNASKED)}
        self.process = subprocess.Popen([sys.executable, "-c", SERVER, str(self.port)],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment,
                                        preexec_fn=dies_with_us())
        until(self.is_up, "the store is up", 30)

    def is_up(self):
        try:
            urllib.request.urlopen(f"{self.endpoint}/moto-api/", timeout=2)
            return True
        except OSError:
            return False

    def user(self, iam, name, rights):
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=json.dumps(rights))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}

    def client(self, service, key):
        session = botocore.session.get_session()
        return session.create_client(service, region_name=self.region, endpoint_url=self.endpoint, **key)

    def names(self, prefix=""):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        return [one["Key"] for page in pages for one in page.get("Contents", [])]

    def config(self, **more):
        """As the configuration names it; the secret key is the secret `archive`."""
        return {"endpoint": self.endpoint, "bucket": self.name, "prefix": "gateway-1", "region": self.region,
                "credential": {"access_key_id": self.key["aws_access_key_id"],
                               "secret_access_key": {"secret": "archive"}}, **more}

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait(10)
