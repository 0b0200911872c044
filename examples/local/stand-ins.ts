import { ApiGateway } from './apigateway/apigateway';
import { Athena } from './athena/athena';
import { AutoScaling } from './autoscaling/auto-scaling';
import { CodeBuild } from './cicd/codebuild';
import { CodeCommit } from './cicd/codecommit';
import { CodePipeline } from './cicd/codepipeline';
import { Ecr } from './cicd/ecr';
import { StandIn } from './cloud/types';
import { CloudWatch } from './cloudwatch/cloudwatch';
import { Firehose } from './firehose/firehose';
import { Glue } from './glue/glue';
import { SageMaker } from './sagemaker/sagemaker';

/** What stands in for the AWS services beside the local cloud's own core, in the order in which it starts. */
export function standIns(): StandIn[] {
  return [
    new CloudWatch(), new AutoScaling(), new SageMaker(), new Athena(), new Glue(),
    new Ecr(), new CodeCommit(), new CodeBuild(), new CodePipeline(), new ApiGateway(), new Firehose(),
  ];
}
