import { App, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { IModelRegistry, ModelRegistryVersioning, ModelRegistryVersioningProps } from '../../src/registry/model-registry-versioning';
import { synthesizeUnderNag } from '../support/nag';

function registry(props?: ModelRegistryVersioningProps, id = 'Registry') {
  const stack = new Stack(new App(), 'Models', { env: { account: '111122223333', region: 'eu-central-1' } });
  return { stack, made: new ModelRegistryVersioning(stack, id, props) };
}

test('nag', () => {
  expect(() => synthesizeUnderNag((stack) => {
    new ModelRegistryVersioning(stack, 'Registry');
    new ModelRegistryVersioning(stack, 'Existing', {
      modelPackageGroupName: 'Some-Group', encryptionKey: kms.Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:eu-central-1:111122223333:key/abc'),
      artifacts: s3.Bucket.fromBucketName(stack, 'Bucket', 'bucket'),
    });
  })).not.toThrow();
});
