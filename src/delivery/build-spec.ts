/** What the build hands over to the training workflow. */
export const RUN_FILE = 'run.json';

/** The file of a model's repository that says what is trained. */
export const SPEC_FILE = 'mlops.json';

/** Writes `run.json` from the commit, its author where known, the image and `mlops.json`; what is not JSON stops the build here. */
const WRITE_RUN_FILE = [
  'import json, os',
  'commit = os.environ["CODEBUILD_RESOLVED_SOURCE_VERSION"]',
  `run = {"commit": commit, "imageUri": os.environ["REPOSITORY_URI"] + ":" + commit, "spec": json.load(open("${SPEC_FILE}"))}`,
  'author = json.loads(os.environ.get("COMMIT_DETAILS") or "{}").get("commit", {}).get("author", {})',
  'run.update({"author": " ".join([author.get("name", "")] + (["<" + author["email"] + ">"] if author.get("email") else []))} if author else {})',
  `json.dump(run, open("${RUN_FILE}", "w"))`,
].join('; ');

export interface BuildSpecOptions {
  readonly pythonVersion: string;
  readonly testCommands: string[];
  /** Prints who wrote the commit. Absent where that cannot be found out. */
  readonly authorCommand?: string;
}

/**
 * Tests a commit, builds its image and hands it over. Each command that needs Docker or the AWS CLI stands by itself,
 * so that the others also run where there is neither.
 */
export function buildSpec(options: BuildSpecOptions): Record<string, unknown> {
  return {
    version: '0.2',
    env: { shell: 'bash' },
    phases: {
      install: { 'runtime-versions': { python: options.pythonVersion } },
      pre_build: { commands: options.testCommands },
      build: {
        commands: [
          'aws ecr get-login-password | docker login --username AWS --password-stdin "$REPOSITORY_URI"',
          'docker build --platform linux/amd64 --tag "$REPOSITORY_URI:$CODEBUILD_RESOLVED_SOURCE_VERSION" .',
          // a commit's image is never replaced: a build that is repeated finds it
          'aws ecr describe-images --repository-name "$REPOSITORY_NAME" --image-ids imageTag="$CODEBUILD_RESOLVED_SOURCE_VERSION" > /dev/null 2>&1 || docker push "$REPOSITORY_URI:$CODEBUILD_RESOLVED_SOURCE_VERSION"',
          // a commit whose author cannot be found out is delivered all the same: nobody can approve it by hand then
          ...(options.authorCommand === undefined ? [] : [`export COMMIT_DETAILS="$(${options.authorCommand})"`]),
          `python3 -c '${WRITE_RUN_FILE}'`,
        ],
      },
    },
    artifacts: { files: [RUN_FILE] },
  };
}
