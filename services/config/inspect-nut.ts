import type { Problem } from './inspect.ts';
import type { Config } from './schema.ts';

/** What only the whole configuration can tell about UPSes and the NUT server. Pure. */
export function inspectNut(config: Config): Problem[] {
  return [...sources(config), ...evidence(config), ...server(config)];
}

/** Something of this configuration asks a UPS. */
export const readsUps = ({ ups, mains }: Config): boolean =>
  ups.length > 0 || mains.evidence.some((each) => 'nut' in each);

const problem = (severity: Problem['severity'], path: string, message: string, tryThis?: string): Problem => ({
  severity,
  path,
  message,
  ...(tryThis === undefined ? {} : { tryThis }),
});

interface Credentials {
  readonly user?: string | undefined;
  readonly password?: unknown;
  readonly login?: boolean;
}

function sources(config: Config): Problem[] {
  const problems: Problem[] = [];
  const look = (path: string, { user, password, login }: Credentials): void => {
    if ((user === undefined) !== (password === undefined))
      problems.push(problem('error', path, 'user: and password: go together'));
    if (login && user === undefined)
      problems.push(problem('error', `${path}.login`, 'logging in needs user: and password:'));
  };
  config.ups.forEach((each, index) => {
    if ('host' in each) look(`ups[${index}]`, each);
  });
  config.mains.evidence.forEach((each, index) => {
    if ('nut' in each) look(`mains.evidence[${index}].nut`, each.nut);
  });
  return problems;
}

function evidence(config: Config): Problem[] {
  const known = new Set(config.ups.map(({ id }) => id));
  return config.mains.evidence.flatMap((each, index) =>
    'ups' in each && !known.has(each.ups)
      ? [
          problem(
            'error',
            `mains.evidence[${index}]`,
            `no ups is called ${each.ups}`,
            [...known].slice(0, 12).join(', ') || 'none is configured',
          ),
        ]
      : [],
  );
}

function server(config: Config): Problem[] {
  const { nut } = config;
  if (nut === undefined) return [];
  const problems: Problem[] = [];
  const open = !/^(127\.|localhost|\[::1\]|::1)/.test(nut.listen);
  if (open && nut.users.length > 0 && nut.tls === undefined)
    problems.push(
      problem(
        'warning',
        'nut.listen',
        'names and passwords of NUT clients cross the network in the clear',
        'tls: { cert: …, key: … }',
      ),
    );
  if (nut.allowRead === 'users' && nut.users.length === 0)
    problems.push(problem('error', 'nut.allowRead', 'nobody could read: there are no users', 'add users:'));
  if (config.packs.length === 0 && config.ups.length === 0)
    problems.push(problem('warning', 'nut', 'without a pack or a ups there is no battery to tell of'));
  const stages = new Set(config.shutdown.stages.map(({ name }) => name));
  const seen = new Set<string>();
  nut.users.forEach(({ user, stage }, index) => {
    const path = `nut.users[${index}]`;
    if (seen.has(user)) problems.push(problem('error', `${path}.user`, `${user} is there twice`));
    seen.add(user);
    if (stage !== undefined && !stages.has(stage))
      problems.push(
        problem(
          'error',
          `${path}.stage`,
          `no stage is called ${stage}`,
          [...stages].join(', ') || 'none is configured',
        ),
      );
  });
  return problems;
}
