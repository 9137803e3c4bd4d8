import type { Reporter, TestCase } from 'vitest/node';

/** Ends the run with a plain count on a line of its own, and names what was skipped so that nothing passes silently. */
export default class CountReporter implements Reporter {
  #passed = 0;
  #failed = 0;
  readonly #skipped: string[] = [];

  onTestCaseResult(test: TestCase): void {
    const { state } = test.result();
    if (state === 'passed') this.#passed += 1;
    else if (state === 'failed') this.#failed += 1;
    else this.#skipped.push(test.fullName);
  }

  onTestRunEnd(_modules: unknown, errors: readonly unknown[]): void {
    for (const name of this.#skipped) console.log(`skipped: ${name}`);
    // Where every peer is installed, a skipped test is a test that went missing.
    const missing = process.env.HOLDOVER_NOTHING_SKIPPED === undefined ? 0 : this.#skipped.length;
    if (missing > 0) process.exitCode = 1;
    const failed = this.#failed + errors.length;
    console.log(`tests: ${this.#passed} passed, ${failed} failed, ${this.#skipped.length} skipped`);
  }
}
