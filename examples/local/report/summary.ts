import { Report } from './report';

/** The run as a table on the screen. */
export function summary(report: Report): string {
  const rows = [
    ['version', 'cause', 'RMSE', 'R²', 'verdict', 'outcome'],
    ...report.versions.map((one) => [
      one.version, one.cause, one.evaluation.rmse.toFixed(2), one.evaluation.r2.toFixed(2),
      one.verdict === null ? '–' : `${one.verdict.decision} (${one.verdict.pairs} pairs)`, one.outcome,
    ]),
    ...report.rejected.map((one) => ['none', '', '', '', '', `stopped: ${one.reason.slice(0, 60)}`]),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const table = rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column])).join('  ').trimEnd()}`);
  const { sent, answered, failed } = report.traffic;
  const checks = report.checks.filter(({ shown }) => shown);
  return [
    '', ...table, '',
    `  ${sent} requests sent, ${answered} answered, ${failed} failed; ${report.alerts.length} alerts; ${report.denied.length} denied attempts`,
    `  ${checks.filter(({ ok }) => ok).length} of ${checks.length} steps came out${checks.length < report.checks.length ? `, ${report.checks.length - checks.length} not shown by this data` : ''}`,
    `  ${report.ok ? 'the whole story came out' : 'the story did not come out'} in ${report.seconds.toFixed(0)} s`, '',
  ].join('\n');
}
