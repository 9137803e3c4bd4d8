import type { Kinds, Plural } from '../../cluster/objects.ts';

export type Matcher = (object: Kinds[Plural]) => boolean;

interface Labelled {
  readonly metadata: { readonly labels?: Readonly<Record<string, string>> };
}

/** The selector cannot be used; the message is what the API server would say. */
export class SelectorError extends Error {}

const FIELDS: Readonly<Record<string, (object: Kinds[Plural]) => string | undefined>> = {
  'metadata.name': (object) => object.metadata.name,
  'metadata.namespace': (object) => object.metadata.namespace ?? '',
  'spec.nodeName': (object) => (object.kind === 'Pod' ? (object.spec.nodeName ?? '') : undefined),
  'status.phase': (object) => (object.kind === 'Pod' ? object.status.phase : undefined),
  'spec.unschedulable': (object) => (object.kind === 'Node' ? String(object.spec.unschedulable ?? false) : undefined),
};

/** `spec.nodeName=pi1,status.phase!=Failed`. Throws a SelectorError. */
export function fieldMatcher(selector: string): Matcher {
  const terms = split(selector).map((term) => {
    const parts = /^([\w.]+)(==|!=|=)(.*)$/.exec(term);
    const read = FIELDS[parts?.[1] ?? ''];
    if (parts === null || read === undefined) throw new SelectorError(`field label not supported: ${term}`);
    const [, , operator, value] = parts;
    return (object: Kinds[Plural]) => (read(object) === value) === (operator !== '!=');
  });
  return (object) => terms.every((term) => term(object));
}

/** `app=shop`, `tier!=db`, `zone in (a,b)`, `gpu`, `!gpu`, joined by commas. Throws a SelectorError. */
export function labelMatcher(selector: string): (object: Labelled) => boolean {
  const terms = split(selector).map((term) => {
    const test = labelTest(term.trim());
    return (object: Labelled) => test(object.metadata.labels ?? {});
  });
  return (object) => terms.every((term) => term(object));
}

type LabelTest = (labels: Readonly<Record<string, string>>) => boolean;

function labelTest(term: string): LabelTest {
  const set = /^([\w./-]+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(term);
  if (set !== null) {
    const [, key = '', operator, list = ''] = set;
    const values = list.split(',').map((value) => value.trim());
    return (labels) => values.includes(labels[key] ?? '\0') === (operator === 'in');
  }
  const equality = /^([\w./-]+)\s*(==|!=|=)\s*([\w.-]*)$/.exec(term);
  if (equality !== null) {
    const [, key = '', operator, value] = equality;
    return (labels) => (labels[key] === value) === (operator !== '!=');
  }
  const existence = /^(!?)([\w./-]+)$/.exec(term);
  if (existence !== null) {
    const [, not, key = ''] = existence;
    return (labels) => key in labels === (not === '');
  }
  throw new SelectorError(`unable to parse requirement: ${term}`);
}

/** At commas that are not inside brackets. */
const split = (selector: string): readonly string[] => (selector === '' ? [] : selector.split(/,(?![^(]*\))/));
