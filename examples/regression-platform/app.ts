import { App } from 'aws-cdk-lib';
import { regressionPlatform } from './platform';

regressionPlatform(new App());
