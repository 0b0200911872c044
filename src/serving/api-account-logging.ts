import { ArnFormat, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as apigateway from 'aws-cdk-lib/aws-apigateway';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { allow } from '../private/allow';

/**
 * Lets API Gateway write logs. It does so with one role for all APIs of the account in a region, so this is made once,
 * and stays when the stack goes: other APIs would fall silent with it.
 */
export class ApiAccountLogging extends Construct {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    const role = new iam.Role(this, 'Role', {
      assumedBy: new iam.ServicePrincipal('apigateway.amazonaws.com'),
      description: 'API Gateway writes the logs of the APIs of this account and region',
    });
    role.applyRemovalPolicy(RemovalPolicy.RETAIN);
    const stack = Stack.of(this);
    const grant = allow(role, {
      actions: [
        'logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:DescribeLogGroups', 'logs:DescribeLogStreams', 'logs:FilterLogEvents', 'logs:GetLogEvents',
        'logs:PutLogEvents',
      ],
      resources: [stack.formatArn({ service: 'logs', resource: 'log-group', resourceName: '*', arnFormat: ArnFormat.COLON_RESOURCE_NAME })],
      because: 'API Gateway uses this role for the log groups of every API of the account',
    });
    const account = new apigateway.CfnAccount(this, 'Account', { cloudWatchRoleArn: role.roleArn });
    account.applyRemovalPolicy(RemovalPolicy.RETAIN);
    // the policy stays with the role, and is there before API Gateway checks it
    (role.node.findChild('DefaultPolicy') as iam.Policy).applyRemovalPolicy(RemovalPolicy.RETAIN);
    grant.applyBefore(account);
  }
}
