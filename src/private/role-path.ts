import { Aspects } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { IConstruct } from 'constructs';

/** Gives each role below a construct a path, but those that have one of their own. */
export function putRolesBelow(scope: IConstruct, path: string): void {
  Aspects.of(scope).add({
    visit: (node) => {
      if (node instanceof iam.CfnRole && (node.path === undefined || node.path === '/')) node.path = path;
    },
  });
}
