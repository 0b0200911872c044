import { awscdk, javascript, ReleasableCommits } from 'projen';

/** AWS clients that handlers use; they are part of the Lambda runtime, hence never a dependency of the package. */
const awsClients = [
  'application-auto-scaling', 'athena', 'cloudwatch', 'dynamodb', 'eventbridge', 'firehose', 'glue', 'lambda', 's3',
  'sagemaker', 'sagemaker-runtime', 'sfn', 'sns', 'sqs', 'codecommit', 'codepipeline', 'sts',
].map((client) => `@aws-sdk/client-${client}`);

const project = new awscdk.AwsCdkConstructLibrary({
  name: 'cdk-mlops',
  description: 'A complete MLOps platform for regression models on AWS, as CDK constructs',
  keywords: ['mlops', 'sagemaker', 'machine-learning', 'shadow', 'canary', 'model-registry'],
  author: 'cdk-mlops',
  authorAddress: 'cdk-mlops@example.com',
  repositoryUrl: 'https://github.com/cdk-mlops/cdk-mlops.git',
  license: 'Apache-2.0',
  defaultReleaseBranch: 'main',
  projenrcTs: true,
  packageManager: javascript.NodePackageManager.NPM,
  cdkVersion: '2.263.0',
  constructsVersion: '10.5.1',
  cdkCliVersion: '^2.1148.1',
  jsiiVersion: '~6.0.0',
  typescriptVersion: '~6.0.3',
  minNodeVersion: '20.0.0',
  workflowNodeVersion: '24.x',
  workflowBootstrapSteps: [{ name: 'Set up', run: 'node examples/local/setup.mjs setup' }],
  tsconfigDevFile: 'tsconfig.dev.json',
  tsconfigDev: {
    include: ['.projenrc.ts', 'examples/**/*.ts'],
    exclude: ['lib', 'dist', 'assets', 'cdk.out'],
    compilerOptions: { isolatedModules: true, sourceMap: false, paths: { 'cdk-mlops': ['./src/index.ts'] } },
  },
  stability: 'experimental',
  majorVersion: 0,
  lambdaOptions: { runtime: awscdk.LambdaRuntime.NODEJS_24_X, awsSdkConnectionReuse: false, bundlingOptions: { sourcemap: false } },
  integrationTestAutoDiscover: false,
  eslintOptions: { dirs: ['src', 'test', 'examples'], projectService: false, tsconfigPath: './tsconfig.dev.json' },
  npmTrustedPublishing: true,
  npmAccess: javascript.NpmAccess.PUBLIC,
  releasableCommits: ReleasableCommits.featuresAndFixes(),
  allowScripts: ['esbuild', '@parcel/watcher', 'node', 'unrs-resolver'],

  publishToPypi: { distName: 'cdk-mlops', module: 'cdk_mlops', trustedPublishing: true, attestations: true },
  publishToMaven: {
    javaPackage: 'io.github.cdkmlops',
    mavenGroupId: 'io.github.cdkmlops',
    mavenArtifactId: 'cdk-mlops',
    mavenServerId: 'central-ossrh',
  },
  publishToNuget: { dotNetNamespace: 'CdkMlops', packageId: 'CdkMlops', trustedPublishing: true },
  publishToGo: { moduleName: 'github.com/cdk-mlops/cdk-mlops-go', packageName: 'cdkmlops' },

  devDeps: [
    'node@^24', 'tsx', 'cdk-nag@^3.0.2', 'fast-check', 'aws-sdk-client-mock', 'yaml',
    ...awsClients, '@aws-sdk/util-dynamodb', '@smithy/signature-v4',
    // the local cloud's engines
    'aws-local-stepfunctions@^3.0.0', '@duckdb/node-api@1.5.5-r.5', 'velocityjs', '@cloud-copilot/iam-simulate', '@cloud-copilot/iam-policy', 'csv-parse',
    '@stryker-mutator/core@10.0.0', '@stryker-mutator/jest-runner@10.0.0',
  ],
  jestOptions: {
    updateSnapshot: javascript.UpdateSnapshot.NEVER,
    jestConfig: {
      moduleNameMapper: { '^cdk-mlops$': '<rootDir>/src/index' },
      setupFiles: ['<rootDir>/test/support/jest-env.ts'],
      testPathIgnorePatterns: ['/node_modules/', '/.local/', '/.stryker-tmp/', '/.venv/'],
      modulePathIgnorePatterns: ['<rootDir>/.local/', '<rootDir>/.stryker-tmp/', '<rootDir>/dist/', '<rootDir>/.venv/', '<rootDir>/lib/'],
      collectCoverage: false,
      testTimeout: 600_000,
      // a worker that has grown makes way for a new one between two files
      workerIdleMemoryLimit: '1.5GB',
    },
  },
});
project.package.addPackageResolutions('unrs-resolver@1.12.2', '@aws-cdk/cloud-assembly-schema@54.11.0', '@aws-cdk/asset-node-proxy-agent-v6@2.1.2');
project.preCompileTask.prependExec('rm -rf lib');
// What handlers share runs where the AWS SDK is part of the runtime; the examples are not part of the package.
for (const files of ['examples/**', 'src/**/*-io.ts', 'src/registry/*.ts']) project.eslint?.allowDevDeps(files);
project.eslint?.addRules({ 'no-bitwise': 'off' });
project.addGitIgnore('.jsii.tabl.json');
for (const ignored of ['.venv/', '.local/', '.cache/', '.stryker-tmp/', 'cdk.out/', '__pycache__/', '.pytest_cache/', '*.pyc']) project.addGitIgnore(ignored);
for (const command of ['local', 'verify']) project.setScript(command, `node examples/local/setup.mjs ${command}`);
project.setScript('bench:verdict', 'tsx --tsconfig tsconfig.dev.json test/benchmarks/verdict/main.ts');
project.setScript('bench:synth', 'tsx --tsconfig tsconfig.dev.json test/benchmarks/synth/main.ts');
project.setScript('bench:local', 'tsx --tsconfig tsconfig.dev.json test/benchmarks/local-cloud/main.ts');
project.setScript('costs', 'tsx --tsconfig tsconfig.dev.json test/support/costs/main.ts');
project.setScript('mutation', 'stryker run test/support/stryker.json');
// Python files that Glue and notebooks run travel with the package; the local cloud and the example app do not.
project.npmignore?.addPatterns('/examples/local/', '/examples/regression-platform/', '/.ci/', '/.cache/', '/.local/', '/.venv/', '/projenrc/', '*.pyc', '__pycache__/');
project.synth();
