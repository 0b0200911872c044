/** Roles with this tag are the platform's own. */
export const TRUSTED_TAG = 'cdk-mlops:pipeline';
