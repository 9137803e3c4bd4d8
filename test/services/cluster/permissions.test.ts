import { afterEach, describe, expect, it } from 'vitest';
import { findMissingRights } from '../../../services/cluster/permissions.ts';
import { type ScriptedApi, scriptApi, statusObject } from './scripted-api.ts';

let api: ScriptedApi | undefined;
afterEach(async () => {
  await api?.close();
  api = undefined;
});

interface Attributes {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
}

const asAccount = async (allowed: (attributes: Attributes) => boolean): Promise<ScriptedApi> => {
  api = await scriptApi(({ body }) => {
    const review = JSON.parse(body) as { spec: { resourceAttributes: Attributes } };
    return { status: 201, json: { status: { allowed: allowed(review.spec.resourceAttributes) } } };
  });
  return api;
};

describe('missing rights', () => {
  it('are none for an administrator', async () => {
    expect(await findMissingRights((await asAccount(() => true)).rest)).toEqual([]);
  });

  it('are only the optional ones for the smallest role', async () => {
    const { rest } = await asAccount(
      ({ verb, resource, subresource }) =>
        (resource === 'nodes' && ['get', 'list', 'watch', 'patch'].includes(verb)) ||
        (resource === 'pods' && subresource === undefined && ['get', 'list', 'watch'].includes(verb)) ||
        (subresource === 'eviction' && verb === 'create'),
    );
    const missing = await findMissingRights(rest);
    expect(missing).toHaveLength(6);
    for (const line of missing) expect(line).toContain('optional');
  });

  it('are named with what fails', async () => {
    const { rest } = await asAccount(({ subresource }) => subresource !== 'eviction');
    expect(await findMissingRights(rest)).toEqual(['create pods/eviction (pods cannot be evicted)']);
  });

  it('cannot be told by a server that does not answer the question', async () => {
    api = await scriptApi(() => ({ json: { hello: 'world' } }));
    await expect(findMissingRights(api.rest)).rejects.toMatchObject({ code: 'bad-answer' });
    await api.close();
    api = await scriptApi(() => statusObject(401, 'Unauthorized', 'Unauthorized'));
    await expect(findMissingRights(api.rest)).rejects.toMatchObject({ code: 'unauthorized' });
  });
});
