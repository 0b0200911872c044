import { Check } from '../report/report';

/** A step that had to come out and did not: the run ends here, naming it. */
export class StepFailed extends Error {
  constructor(readonly step: string, detail: string) {
    super(`${step}: ${detail}`);
  }
}

/** What had to come out, and what was seen. */
export class Checks {
  readonly done: Check[] = [];

  /** @param strict whether every step must come out; somebody's own data need not show all */
  constructor(private readonly strict: boolean, private readonly tell: (check: Check) => void) {}

  /** A step that every run must show. */
  must(step: string, ok: boolean, detail: string): void {
    this.note({ step, ok, detail, shown: true });
  }

  /** A step that depends on what the data hold: where it does not come out on own data, the figure is reported and that is all. */
  shows(step: string, ok: boolean, detail: string): void {
    this.note({ step, ok: ok || !this.strict, detail, shown: ok || this.strict });
  }

  private note(check: Check): void {
    this.done.push(check);
    this.tell(check);
    if (!check.ok) throw new StepFailed(check.step, check.detail);
  }
}
