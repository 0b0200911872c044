import * as lambda from 'aws-cdk-lib/aws-lambda';
import { IModelRegistry } from './model-registry';
import { ModelRegistryVersioning } from './model-registry-versioning';

/** The function with which the library's own state machines move versions of a registry from stage to stage. */
export function lifecycleOf(registry: IModelRegistry): lambda.IFunction {
  return registry instanceof ModelRegistryVersioning ? registry._lifecycle : registry.lifecycle;
}
