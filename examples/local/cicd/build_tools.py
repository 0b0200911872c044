"""Stands in a build for programs that need a container engine, an account or a package index.

    build_tools.py docker|aws|pip [ARGUMENT…]

What it leaves out is written to $LOCAL_BUILD_STATE/skipped.txt. An image is the folder that it would be built of, kept in
$LOCAL_BUILD_STATE/images; one that is pushed is named in $LOCAL_BUILD_STATE/pushed.jsonl. Anything else is an error.
"""
import hashlib
import json
import os
import pathlib
import shutil
import sys
import urllib.error
import urllib.request

STATE = pathlib.Path(os.environ['LOCAL_BUILD_STATE'])
TAGS = STATE / 'tags.json'
PUSHED = STATE / 'pushed.jsonl'
IGNORED = shutil.ignore_patterns('.git', '__pycache__', '.pytest_cache', '*.pyc')
BUILD_OPTIONS = ('--build-arg', '--platform', '--cache-from', '--cache-to', '--label', '--target', '--network', '--progress', '--provenance', '--pull', '--quiet')


def refuse(what):
    sys.exit(f'the local cloud does not support `{what}` in a build')


def skip(words):
    with open(STATE / 'skipped.txt', 'a', encoding='utf-8') as file:
        file.write(' '.join(words) + '\n')
    print(f'[local cloud] not run: {" ".join(words)}', file=sys.stderr)


def tags():
    return json.loads(TAGS.read_text()) if TAGS.exists() else {}


def pushed():
    return [json.loads(line) for line in PUSHED.read_text().splitlines()] if PUSHED.exists() else []


def digest_of(folder):
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob('*') if path.is_file()):
        digest.update(f'{file.relative_to(folder)}\0{os.access(file, os.X_OK)}\0{file.stat().st_size}\0'.encode())
        digest.update(file.read_bytes())
    return f'sha256:{digest.hexdigest()}'


def docker_build(arguments):
    names, file, context, push = [], None, None, False
    rest = list(arguments)
    while rest:
        option, _, value = rest.pop(0).partition('=')
        if option in ('-t', '--tag'):
            names.append(value or rest.pop(0))
        elif option in ('-f', '--file'):
            file = value or rest.pop(0)
        elif option == '--push':
            push = True
        elif option in ('--load', '--no-cache') or (option in BUILD_OPTIONS and value):
            pass
        elif option in ('--pull', '--quiet', '-q'):
            pass
        elif option in BUILD_OPTIONS:
            rest.pop(0)
        elif option.startswith('-') or context is not None:
            refuse(f'docker build {option}')
        else:
            context = option
    if context is None:
        refuse('docker build without a context')
    dockerfile = pathlib.Path(file) if file else pathlib.Path(context) / 'Dockerfile'
    if not dockerfile.is_file():
        sys.exit(f'docker build: there is no {dockerfile}')
    built = STATE / 'images' / 'built'
    shutil.rmtree(built, ignore_errors=True)
    shutil.copytree(context, built, ignore=IGNORED, symlinks=True)
    digest = digest_of(built)
    folder = built.with_name(digest[7:23])
    if not folder.exists():
        built.rename(folder)
    TAGS.write_text(json.dumps({**tags(), **{name: {'folder': str(folder), 'digest': digest} for name in names}}))
    for name in names if push else []:
        docker_push(name)


def docker_push(uri):
    image = tags().get(uri)
    if image is None:
        sys.exit(f'An image does not exist locally with the tag: {uri}')
    repository, _, tag = uri.partition('/')[2].rpartition(':')
    manifest = json.dumps({'schemaVersion': 2, 'config': {'digest': image['digest']}})
    call_ecr('PutImage', {'repositoryName': repository, 'imageTag': tag, 'imageManifest': manifest}, allowed=('ImageAlreadyExistsException',))
    with open(PUSHED, 'a', encoding='utf-8') as file:
        file.write(json.dumps({'uri': uri, **image}) + '\n')


def docker_inspect(arguments):
    words = [word for word in arguments if word not in ('-f', '--format')]
    form, uri = words if len(words) == 2 else (None, None)
    form = form and form.removeprefix('--format=').replace(' ', '')
    found = next((image for image in pushed() if image['uri'] == uri), None)
    if form != '{{index.RepoDigests0}}':
        refuse(f'docker inspect {" ".join(arguments)}')
    if found is None:
        sys.exit(f'Error: no digest of {uri}: it has not been pushed')
    print(f'{uri.rpartition(":")[0]}@{found["digest"]}')


def docker(arguments):
    match arguments:
        case ['login', *_]:
            sys.stdin.read()
        case ['logout', *_]:
            pass
        case ['build', *rest] | ['buildx', 'build', *rest]:
            docker_build(rest)
        case ['tag', source, target]:
            known = tags()
            if source not in known:
                sys.exit(f'Error response from daemon: No such image: {source}')
            TAGS.write_text(json.dumps({**known, target: known[source]}))
        case ['push', *rest] if (names := [word for word in rest if not word.startswith('-')]):
            docker_push(names[0])
        case ['inspect' | 'image', *rest]:
            docker_inspect(rest[1:] if rest[:1] == ['inspect'] else rest)
        case ['version' | '--version', *_]:
            print('Docker version 0, stood in for by the local cloud')
        case _:
            refuse(f'docker {" ".join(arguments)}')
    skip(['docker', *arguments])


def call_ecr(operation, members, allowed=()):
    return call('ecr', f'AmazonEC2ContainerRegistry_V20150921.{operation}', members, allowed)


def call(service, target, members, allowed=()):
    request = urllib.request.Request(os.environ['AWS_ENDPOINT_URL'], json.dumps(members).encode(), {
        'Authorization': f'AWS4-HMAC-SHA256 Credential={os.environ["AWS_ACCESS_KEY_ID"]}/20000101/{os.environ["AWS_REGION"]}/{service}/aws4_request, SignedHeaders=host, Signature=0',
        'Content-Type': 'application/x-amz-json-1.1',
        'X-Amz-Target': target,
    })
    try:
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        code = error.headers.get('x-amzn-errortype')
        if code not in allowed:
            sys.exit(f'An error occurred ({code}) when calling the {target.rpartition(".")[2]} operation: {json.loads(error.read()).get("message")}')
        return {}


def option_of(arguments, name):
    words = [word for argument in arguments for word in argument.split('=', 1)]
    return words[words.index(name) + 1] if name in words else None


def aws(arguments):
    match arguments:
        case ['ecr', 'get-login-password', *_]:
            print('local')
            skip(['aws', *arguments])
        case ['ecr', 'describe-images', *rest]:
            identifiers = [dict(part.split('=') for part in option_of(rest, '--image-ids').split(','))]
            answer = call_ecr('DescribeImages', {'repositoryName': option_of(rest, '--repository-name'), 'imageIds': identifiers})
            match option_of(rest, '--query'):
                case None:
                    print(json.dumps(answer))
                case 'imageDetails[0].imageDigest':
                    print(answer['imageDetails'][0]['imageDigest'])
                case _:
                    refuse(f'aws {" ".join(arguments)}')
        case ['codecommit', 'get-commit', *rest]:
            members = {'repositoryName': option_of(rest, '--repository-name'), 'commitId': option_of(rest, '--commit-id')}
            print(json.dumps(call('codecommit', 'CodeCommit_20150413.GetCommit', members)))
        case ['--version']:
            print('aws-cli/0, stood in for by the local cloud')
        case _:
            refuse(f'aws {" ".join(arguments)}')


def pip(arguments):
    if arguments[:1] == ['install']:
        skip(['pip', *arguments])
    elif arguments[:1] in (['--version'], ['check'], ['list'], ['freeze']):
        os.execv(os.environ['LOCAL_BUILD_PYTHON'], [os.environ['LOCAL_BUILD_PYTHON'], '-m', 'pip', *arguments])
    else:
        refuse(f'pip {" ".join(arguments)}')


{'docker': docker, 'aws': aws, 'pip': pip}[sys.argv[1]](sys.argv[2:])
