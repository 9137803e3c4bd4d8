import { parseAllDocuments } from 'yaml';

/** What somebody wants to do, as a SelfSubjectAccessReview names it. */
export interface Wish {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
}

interface Rule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly verbs?: readonly string[];
}

interface Role {
  readonly kind?: string;
  readonly metadata?: { readonly namespace?: string };
  readonly rules?: readonly Rule[];
}

/** The rights that the roles in these YAML texts give together; a Role gives them in its own namespace only. */
export class Rights {
  readonly #rules: readonly { readonly rule: Rule; readonly namespace?: string }[];

  constructor(yamlTexts: readonly string[]) {
    const objects = yamlTexts.flatMap((text) => parseAllDocuments(text).map((each) => each.toJS() as Role | null));
    this.#rules = objects.flatMap((object) => {
      if (object?.kind !== 'ClusterRole' && object?.kind !== 'Role') return [];
      const namespace = object.kind === 'Role' ? object.metadata?.namespace : undefined;
      return (object.rules ?? []).map((rule) => ({ rule, ...(namespace !== undefined && { namespace }) }));
    });
  }

  allows({ verb, group, resource, subresource, namespace }: Wish): boolean {
    const full = subresource === undefined ? resource : `${resource}/${subresource}`;
    return this.#rules.some(
      ({ rule, namespace: only }) =>
        (only === undefined || only === namespace) &&
        names(rule.apiGroups, group) &&
        names(rule.resources, full) &&
        names(rule.verbs, verb),
    );
  }
}

const names = (listed: readonly string[] | undefined, wanted: string): boolean =>
  listed?.some((each) => each === wanted || each === '*') ?? false;

const VERBS: Readonly<Record<string, string>> = { POST: 'create', PATCH: 'patch', PUT: 'update', DELETE: 'delete' };

/** What a request wants; undefined for what every account may read (discovery, health, its own rights). */
export function wishOf(method: string, path: string, watches: boolean): Wish | undefined {
  const match = /^\/(?:api|apis\/([^/]+))\/v1(?:\/namespaces\/([^/]+))?\/([a-z]+)(?:\/([^/]+))?(?:\/([a-z]+))?$/.exec(
    path,
  );
  const [, group = '', namespace, resource, name, subresource] = match ?? [];
  if (resource === undefined || group === 'authorization.k8s.io') return undefined;
  const reading = name === undefined ? (watches ? 'watch' : 'list') : 'get';
  return {
    verb: VERBS[method] ?? reading,
    group,
    resource,
    ...(subresource !== undefined && { subresource }),
    ...(namespace !== undefined && { namespace }),
  };
}
