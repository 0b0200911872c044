import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { IModelEndpoint } from '../serving/model-endpoint';

export interface QualityDashboardProps {
  readonly endpoint: IModelEndpoint;
  readonly every: Duration;
  readonly alarms: cloudwatch.IAlarm[];
  readonly ratio: cloudwatch.IMetric;
  readonly limit: number;
}

/** Shows what each version's predictions were worth, and how the endpoint fares. */
export function qualityDashboard(scope: Construct, id: string, props: QualityDashboardProps): cloudwatch.Dashboard {
  const { endpoint, every, ratio, limit } = props;
  const dashboard = new cloudwatch.Dashboard(scope, id, { defaultInterval: Duration.days(14), periodOverride: cloudwatch.PeriodOverride.INHERIT });
  dashboard.addWidgets(new cloudwatch.AlarmStatusWidget({ title: `Alarms of ${endpoint.endpointName}`, alarms: props.alarms, width: 24, height: 2 }));
  dashboard.addWidgets(...[['MSE', 'Mean squared error'], ['RMSE', 'Root mean squared error'], ['MAE', 'Mean absolute error'], ['R2', 'R²']]
    .map(([metric, title]) => perVersion(endpoint, every, metric, title, 6)));
  dashboard.addWidgets(
    new cloudwatch.GraphWidget({
      title: 'RMSE as a multiple of the accepted one',
      left: [ratio],
      leftAnnotations: [{ value: limit, label: 'alarm', color: cloudwatch.Color.RED }],
      leftYAxis: { min: 0 },
      period: every,
      width: 8,
    }),
    perVersion(endpoint, every, 'SampleCount', 'Labels', 8),
    perVersion(endpoint, every, 'LabelCoverage', 'Share of due predictions with a label', 8),
  );
  dashboard.addWidgets(
    new cloudwatch.GraphWidget({ title: 'Requests', left: [endpoint.metricInvocations()], right: [endpoint.metricServerErrors()], width: 12 }),
    new cloudwatch.GraphWidget({ title: 'Latency (µs)', left: [endpoint.metricModelLatency(), endpoint.metricModelLatency({ statistic: 'p50' })], width: 12 }),
  );
  return dashboard;
}

/** One line for each version, also for versions that do not exist yet. */
function perVersion(endpoint: IModelEndpoint, every: Duration, metric: string, title: string, width: number): cloudwatch.GraphWidget {
  const terms = `{"cdk-mlops",Endpoint,Variant,ModelVersion} MetricName="${metric}" Endpoint="${endpoint.endpointName}"`;
  return new cloudwatch.GraphWidget({
    title,
    width,
    period: every,
    left: [new cloudwatch.MathExpression({ expression: `SEARCH('${terms}', 'Average', ${every.toSeconds()})`, label: '', period: every, usingMetrics: {} })],
  });
}
