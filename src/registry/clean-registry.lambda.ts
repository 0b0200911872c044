import { DeleteModelPackageCommand, ListModelPackagesCommand, SageMakerClient } from '@aws-sdk/client-sagemaker';
import { answering, CustomResourceRequest, hasTime, pause, RunContext } from '../private/custom-resource-io';
import { clientFor, perModel } from '../private/model-io';

interface Cleaning {
  readonly ModelPackageGroupName: string;
}

const sagemaker = clientFor(SageMakerClient);
/** What SageMaker has just deleted it may still list for a while. */
const PAUSE_SECONDS = 1;

/** Deletes the model packages of a group that is about to be deleted: SageMaker deletes no group with packages. */
async function handle(request: CustomResourceRequest<Cleaning>, context: RunContext): Promise<void> {
  const { ModelPackageGroupName } = request.ResourceProperties;
  await answering(request, `clean-${ModelPackageGroupName}`, async () => {
    if (request.RequestType !== 'Delete') return;
    for (let packages = await listed(ModelPackageGroupName); packages.length > 0; packages = await listed(ModelPackageGroupName)) {
      if (!hasTime(context, PAUSE_SECONDS)) throw new Error(`the group ${ModelPackageGroupName} still has model packages. Delete the stack again.`);
      for (const ModelPackageName of packages) await unlessGone(() => sagemaker.send(new DeleteModelPackageCommand({ ModelPackageName })));
      await pause(PAUSE_SECONDS);
    }
  });
}

async function listed(ModelPackageGroupName: string): Promise<string[]> {
  const answer = await unlessGone(() => sagemaker.send(new ListModelPackagesCommand({ ModelPackageGroupName, ModelPackageType: 'Versioned' })));
  return (answer?.ModelPackageSummaryList ?? []).map(({ ModelPackageArn }) => ModelPackageArn ?? '');
}

async function unlessGone<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof Error && /does not exist|could not find/i.test(error.message)) return undefined;
    throw error;
  }
}

export const handler = perModel(handle);
