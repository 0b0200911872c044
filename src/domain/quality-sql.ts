import { dateHour, labelsCte, predictionsCte, sqlText } from './capture-sql';

/** What a quality query evaluates. Times are ISO 8601, on the hour. */
export interface QualityQuery {
  readonly endpointName: string;
  readonly variants: readonly string[];
  /** Endpoint configurations that captured anything since `predictedFrom`. */
  readonly configNames: readonly string[];
  /** Labels that arrived from here … */
  readonly from: string;
  /** … to before here are evaluated. */
  readonly to: string;
  /** Predictions made before this are not looked for any more. */
  readonly predictedFrom: string;
  /** Predictions made from here … */
  readonly dueFrom: string;
  /** … to before here should have their labels by `to`. */
  readonly dueTo: string;
}

/** Columns of the result, in order. */
export const QUALITY_COLUMNS = [
  'variant', 'version', 'config_name', 'samples', 'mse', 'rmse', 'mae', 'r2', 'due', 'due_labelled', 'due_unreadable',
  'accepted_mse', 'accepted_rmse', 'accepted_mae', 'accepted_r2', 'current_version',
] as const;

/**
 * The quality of each version behind each variant, over the labels that arrived in [from, to).
 *
 * - A label counts in the window in which its first value arrived, never again; of several values within the window the
 *   latest counts.
 * - R² is NULL where all labels are equal: there is no variance to explain. Labels are shifted by the least of them, so
 *   that an offset costs no digits.
 * - `due` counts the predictions that should have labels by now, `due_labelled` those of them that have, `due_unreadable`
 *   those whose answer is no number.
 * - `current_version` made the newest prediction of the variant before the end of the window, labelled or not.
 * - An endpoint configuration that nobody has recorded as a deployment stands as its own version.
 */
export function qualitySql(query: QualityQuery): string {
  const from = dateHour(query.from);
  const to = dateHour(query.to);
  const predictedFrom = dateHour(query.predictedFrom);
  const { configNames, endpointName, variants } = query;
  const range = { configNames, endpointName, variants, fromHour: predictedFrom, untilHour: to };
  return `WITH ${predictionsCte(range)},
${labelsCte(predictedFrom, to)},
deployed AS (
  SELECT config_name, variant, min(version) AS version,
    min(mse) AS accepted_mse, min(rmse) AS accepted_rmse, min(mae) AS accepted_mae, min(r2) AS accepted_r2
  FROM deployments WHERE config_name IS NOT NULL AND version IS NOT NULL GROUP BY config_name, variant
),
judged AS (
  SELECT predictions.variant AS variant, predictions.config_name AS config_name, made_at, prediction, label,
    coalesce(deployed.version, predictions.config_name) AS version, accepted_mse, accepted_rmse, accepted_mae, accepted_r2,
    coalesce(prediction IS NOT NULL AND first_seen >= ${sqlText(from)}, false) AS counts,
    predictions.datehour >= ${sqlText(dateHour(query.dueFrom))} AND predictions.datehour < ${sqlText(dateHour(query.dueTo))} AS is_due
  FROM predictions
  LEFT JOIN labels ON labels.id = predictions.id
  LEFT JOIN deployed ON deployed.config_name = predictions.config_name AND deployed.variant = predictions.variant
),
newest AS (
  SELECT variant, max_by(version, made_at) AS current_version FROM judged GROUP BY variant
),
errors AS (
  SELECT variant, version, config_name, made_at, prediction, label, counts, is_due,
    accepted_mse, accepted_rmse, accepted_mae, accepted_r2,
    prediction - label AS error, label - min(CASE WHEN counts THEN label END) OVER (PARTITION BY variant, version) AS shifted
  FROM judged WHERE counts OR is_due
),
measured AS (
  SELECT variant, version, max_by(config_name, made_at) AS config_name, count_if(counts) AS samples,
    sum(error * error) FILTER (WHERE counts) AS squares, sum(abs(error)) FILTER (WHERE counts) AS deviations,
    var_pop(shifted) FILTER (WHERE counts) AS spread,
    count_if(is_due) AS due, count_if(is_due AND prediction IS NOT NULL AND label IS NOT NULL) AS due_labelled,
    count_if(is_due AND prediction IS NULL) AS due_unreadable,
    min(accepted_mse) AS accepted_mse, min(accepted_rmse) AS accepted_rmse, min(accepted_mae) AS accepted_mae, min(accepted_r2) AS accepted_r2
  FROM errors GROUP BY variant, version
)
SELECT measured.variant AS variant, version, config_name, samples,
  squares / NULLIF(samples, 0) AS mse, sqrt(squares / NULLIF(samples, 0)) AS rmse, deviations / NULLIF(samples, 0) AS mae,
  1E0 - squares / NULLIF(samples * spread, 0E0) AS r2,
  due, due_labelled, due_unreadable, accepted_mse, accepted_rmse, accepted_mae, accepted_r2, current_version
FROM measured JOIN newest ON newest.variant = measured.variant ORDER BY variant, version`;
}
