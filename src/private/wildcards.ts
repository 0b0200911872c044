import { Stack, Validations } from 'aws-cdk-lib';
import { IConstruct } from 'constructs';

/**
 * Acknowledges cdk-nag's finding about one wildcard of an IAM policy, with the reason why it is needed.
 *
 * The finding's id is the resource as the template writes it, which is known only once references between stacks are
 * resolved: hence at validation, the last step before the template is written. It goes into the construct's metadata
 * directly, because ids that hold a pseudo parameter (`AWS::Partition`) are refused by `Validations.acknowledge`.
 *
 * @param scope the policy or role, the narrowest that carries the statement
 * @param wildcard the resource exactly as given to the statement, or an action such as `s3:Get*`
 */
export function acknowledgeWildcard(scope: IConstruct, wildcard: string, reason: string): void {
  scope.node.addValidation({
    validate: () => {
      const kind = /^[a-z0-9-]+:[A-Za-z]*\*$/.test(wildcard) ? 'Action' : 'Resource';
      const id = `AwsSolutions-IAM5[${kind}::${flatten(Stack.of(scope).resolve(wildcard))}]`;
      scope.node.addMetadata(Validations.ACKNOWLEDGED_RULES_METADATA_KEY, { [id]: reason });
      return [];
    },
  });
}

/** Writes a resolved value as cdk-nag writes it into the ids of its findings. */
function flatten(value: unknown): string {
  if (typeof value === 'string') return value.replace(/\${/g, '<').replace(/}/g, '>');
  if (typeof value !== 'object' || value === null) return '';
  const [[intrinsic, argument]] = Object.entries(value);
  if (intrinsic === 'Fn::Join') {
    const [delimiter, items] = argument as [string, unknown[]];
    return items.map(flatten).join(delimiter);
  }
  if (intrinsic === 'Fn::GetAtt') {
    const [resource, attribute] = argument as [unknown, unknown];
    return `<${flatten(resource)}.${flatten(attribute)}>`;
  }
  if (intrinsic === 'Fn::Sub' || intrinsic === 'Fn::ImportValue') return flatten(argument);
  if (intrinsic === 'Ref') return `<${flatten(argument)}>`;
  return JSON.stringify(value);
}
