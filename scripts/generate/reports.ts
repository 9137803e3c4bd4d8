import { readdirSync, readFileSync } from 'node:fs';
import { loadScenario, reportHtml, reportMarkdown, reportOf } from '../../power-planner/index.ts';

const SCENARIOS = new URL('../../examples/scenarios/', import.meta.url);

/** The reports of the example scenarios, by path. */
export function exampleReports(): Record<string, string> {
  const files: Record<string, string> = {};
  for (const name of readdirSync(SCENARIOS)
    .filter((one) => one.endsWith('.yaml'))
    .sort()) {
    const loaded = loadScenario(readFileSync(new URL(name, SCENARIOS), 'utf8'));
    if (!loaded.ok) throw new Error(`examples/scenarios/${name} is no sound scenario`);
    const report = reportOf(loaded.scenario);
    const path = `examples/reports/${name.replace(/\.yaml$/, '')}`;
    files[`${path}.html`] = reportHtml(report);
    files[`${path}.md`] = reportMarkdown(report);
  }
  return files;
}
