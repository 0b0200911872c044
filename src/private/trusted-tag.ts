/** Roles with this tag are the platform's own. */
export const TRUSTED_TAG = 'cdk-mlops:pipeline';

/** Workflows with this tag may be started by hand. */
export const STARTABLE_TAG = 'cdk-mlops:startable';
