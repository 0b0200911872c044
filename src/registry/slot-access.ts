import * as iam from 'aws-cdk-lib/aws-iam';
import { IModelRegistry } from './model-registry';
import { ledgerKeys } from '../domain/ledger';
import { allow } from '../private/allow';

/** Lets a function read versions and keep the release slot, which is part of the ledger. */
export function grantSlot(grantee: iam.IGrantable, registry: IModelRegistry, actions: string[]): void {
  allow(grantee, { actions, resources: [registry.ledger.tableArn] });
  if (registry.encryptionKey === undefined) return;
  allow(grantee, { actions: ['kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey'], resources: [registry.encryptionKey.keyArn] });
}

/** Lets a function look up who holds the release slot, and nothing else of the ledger. */
export function grantFence(grantee: iam.IGrantable, registry: IModelRegistry): void {
  allow(grantee, {
    actions: ['dynamodb:GetItem'],
    resources: [registry.ledger.tableArn],
    conditions: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': [ledgerKeys.releaseSlot().pk] } },
  });
  if (registry.encryptionKey !== undefined) allow(grantee, { actions: ['kms:Decrypt'], resources: [registry.encryptionKey.keyArn] });
}
