import { LineCounter, parseDocument } from 'yaml';
import { configurationKeys, fromConfiguration } from './from-configuration.ts';
import { inspectScenario } from './names.ts';
import { type Problem, problemsOf } from './problems.ts';
import { type Scenario, scenarioSchema } from './schema.ts';

export type LoadedScenario =
  | {
      readonly ok: true;
      readonly scenario: Scenario;
      /** What the file was: a scenario, or the configuration of the service. */
      readonly source: 'scenario' | 'configuration';
      /** What a configuration does not say and had to be assumed. */
      readonly notes: readonly string[];
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

const MOST_CHARACTERS = 1_000_000;

/** Reads the text of a scenario, or of a `holdover.yaml`: syntax, schema, and what only the whole can tell. Pure. */
export function loadScenario(text: string): LoadedScenario {
  if (text.length > MOST_CHARACTERS)
    return failed(`is longer than ${MOST_CHARACTERS} characters: is it the right file?`);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const [syntax] = document.errors;
  if (syntax !== undefined) {
    const { line, col } = lines.linePos(syntax.pos[0]);
    return failed(`line ${line}, column ${col}: ${syntax.message.split('\n')[0] ?? 'is not YAML'}`);
  }
  let raw: unknown;
  try {
    raw = document.toJS({ maxAliasCount: 50 });
  } catch {
    return failed('an alias (*) leads nowhere, in a circle, or to too much');
  }
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    return failed('is no scenario: expected keys such as circuit, loads and pack');
  }
  return configurationKeys(raw).length > 0 ? fromConfiguration(raw) : checkScenario(raw);
}

/** The same for a scenario that is data already. */
export function checkScenario(raw: unknown): LoadedScenario {
  const parsed = scenarioSchema.safeParse(raw);
  if (!parsed.success) return { ok: false, problems: problemsOf(parsed.error, raw, scenarioSchema) };
  const problems = inspectScenario(parsed.data);
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, scenario: parsed.data, source: 'scenario', notes: [] };
}

const failed = (message: string): LoadedScenario => ({ ok: false, problems: [{ path: '', message }] });
