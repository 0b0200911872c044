// CloudFormation validation costs seconds per test file; one conformance test keeps it on.
process.env.CDK_VALIDATION ??= 'false';
process.env.JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION = '20';
