import type { Pod } from './objects.ts';

/** Which pods are meant: all that is given must fit. */
export interface PodSelector {
  readonly namespace?: string | undefined;
  /** Name of the pod; `*` stands for anything. */
  readonly name?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

export function selects(selector: PodSelector, pod: Pick<Pod, 'namespace' | 'name' | 'labels'>): boolean {
  if (selector.namespace !== undefined && selector.namespace !== pod.namespace) return false;
  if (selector.name !== undefined && !fits(selector.name, pod.name)) return false;
  return Object.entries(selector.labels ?? {}).every(([key, value]) => pod.labels[key] === value);
}

/** `minio-*` fits `minio-0`; linear in time whatever is written. */
function fits(pattern: string, name: string): boolean {
  const [head = '', ...rest] = pattern.split('*');
  const tail = rest.pop();
  if (tail === undefined) return head === name;
  if (!name.startsWith(head)) return false;
  let at = head.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return name.length - tail.length >= at && name.endsWith(tail);
}
