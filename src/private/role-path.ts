import { Aspects } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { IConstruct } from 'constructs';

/** The path of the roles of notebook instances, below that of all roles: who starts a notebook hands its role to SageMaker. */
export const NOTEBOOK_ROLES = 'cdk-mlops-notebooks/';

/** Gives each role below a construct a path, but those that have one of their own. The notebooks' have theirs below it. */
export function putRolesBelow(scope: IConstruct, path: string): void {
  Aspects.of(scope).add({
    visit: (node) => {
      if (!(node instanceof iam.CfnRole)) return;
      if (node.path === undefined || node.path === '/') node.path = path;
      if (node.path === `/${NOTEBOOK_ROLES}`) node.path = `${path}${NOTEBOOK_ROLES}`;
    },
  });
}
