"""Hook of a repository: asks whether a push is allowed (as `update`), tells that it has come (as `post-receive`).

Whoever pushes is known by AWS_ACCESS_KEY_ID; without one it is the local operator.
"""
import json
import os
import sys
import urllib.error
import urllib.request

repository, endpoint, region, operator, hook = sys.argv[1:6]


def call(operation, key, **members):
    request = urllib.request.Request(endpoint, json.dumps({'repositoryName': repository, **members}).encode(), {
        'Authorization': f'AWS4-HMAC-SHA256 Credential={key}/20000101/{region}/codecommit/aws4_request, SignedHeaders=host, Signature=0',
        'Content-Type': 'application/x-amz-json-1.1',
        'X-Amz-Target': f'CodeCommit_20150413.{operation}',
    })
    try:
        urllib.request.urlopen(request).close()
    except urllib.error.HTTPError as error:
        sys.exit(f'{operation}: {json.loads(error.read()).get("message")}')


if hook == 'update':
    reference, _, commit = sys.argv[6:9]
    call('GitPush', os.environ.get('AWS_ACCESS_KEY_ID', operator), references=[{'ref': reference, 'commit': commit}])
else:
    for line in sys.stdin:
        old, new, reference = line.split()
        call('ReferenceUpdated', operator, reference=reference, oldCommitId=old, commitId=new)
