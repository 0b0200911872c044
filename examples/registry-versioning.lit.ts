import { App, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { ModelRegistryVersioning } from 'cdk-mlops';

const app = new App();
const stack = new Stack(app, 'Models');

/// !show
// Versions V<tag>.<manual>.<auto> of one model, in a model package group that already exists
const registry = new ModelRegistryVersioning(stack, 'Registry', {
  modelName: 'Temperature',
  modelPackageGroupName: 'temperature-models',
});

// whatever trains your models may register them: start the state machine with
// {"decision":"register","run":…,"commit":…,"dataset":…,"imageUri":…,"modelDataUrl":…,"evaluation":{…}}
const training = iam.Role.fromRoleName(stack, 'Training', 'training');
registry.grants.register(training);
registry.grants.writeArtifacts(training, 'training');

// and somebody may look at every version and at what became of it
registry.grants.read(iam.Role.fromRoleName(stack, 'Audit', 'audit'));
/// !hide

app.synth();
